"""Drivers who have vanished: what they have not picked up goes to others, the rest is said."""

from collections.abc import Sequence
from datetime import timedelta

from estafette.core.errors import Refusal
from estafette.core.fleet.assignment import Assignment
from estafette.core.fleet.dispatching import Decision, Outcome
from estafette.core.fleet.reasons import SILENT
from estafette.core.fleet.refusals import FleetRefusal
from estafette.usecases.fleet.said import Said
from estafette.usecases.fleet.sight import Sight, Working
from estafette.usecases.fleet.take_back import take_back
from estafette.usecases.platform import Platform


async def release_what_vanished(
    platform: Platform, sight: Sight, said: Said
) -> tuple[Sequence[Working], int]:
    """Returns the drivers who are there, and how many deliveries were taken from others.

    What a vanished driver has on board stays with that driver, and the board is told.
    """
    present: list[Working] = []
    made: list[Decision] = []
    for working in sight.working:
        if working.has_vanished(sight.rules, sight.at):
            made += [
                _decision(sight, working, one)
                for one in working.open
                if one.is_on_board or await _take_back(platform, sight, working, one)
            ]
        else:
            present.append(working)
    await said.write(platform, made)
    return present, sum(one.outcome is Outcome.TAKEN_BACK for one in made)


async def _take_back(platform: Platform, sight: Sight, gone: Working, one: Assignment) -> bool:
    """Takes back what is not on board; False where somebody was faster."""
    reason = SILENT.format(minutes=(sight.at - gone.seen_at) // timedelta(minutes=1))
    of = (sight.company_id, one.delivery_id)
    try:
        await take_back(platform, *of, from_driver=gone.driver.id, reason=reason)
    except (FleetRefusal, Refusal):
        return False
    return True


def _decision(sight: Sight, gone: Working, one: Assignment) -> Decision:
    outcome = Outcome.LOST_SIGHT if one.is_on_board else Outcome.TAKEN_BACK
    facts = {"seen_at": gone.seen_at.isoformat(), "was": one.state}
    of = (sight.company_id, one.scope.account_id, one.delivery_id)
    return Decision(*of, outcome, sight.at, gone.driver.id, facts)

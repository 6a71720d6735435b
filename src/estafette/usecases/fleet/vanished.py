"""Drivers who have vanished: what they have not picked up goes to others, the rest is said."""

from collections.abc import Sequence
from typing import Final

from estafette.core.errors import Refusal
from estafette.core.fleet.dispatching import Decision, Outcome
from estafette.core.fleet.refusals import FleetRefusal
from estafette.store.fleet import decisions
from estafette.usecases.fleet.sight import Sight, Working
from estafette.usecases.fleet.take_back import take_back
from estafette.usecases.platform import Platform

_SILENT: Final = "nothing was heard of the driver for {minutes} minutes"


async def release_what_vanished(platform: Platform, sight: Sight) -> tuple[Sequence[Working], int]:
    """Returns the drivers who are there, and how many deliveries were taken from others.

    What a vanished driver has on board stays with that driver, and the board is told.
    """
    present = [one for one in sight.working if not one.has_vanished(sight.rules, sight.at)]
    made: list[Decision] = []
    for gone in sight.working:
        if gone in present:
            continue
        for one in gone.open:
            outcome = Outcome.LOST_SIGHT if one.is_on_board else Outcome.TAKEN_BACK
            minutes = int((sight.at - gone.seen_at).total_seconds() // 60)
            if outcome is Outcome.TAKEN_BACK:
                reason = _SILENT.format(minutes=minutes)
                try:
                    await take_back(
                        platform,
                        sight.company_id,
                        one.delivery_id,
                        from_driver=gone.driver.id,
                        reason=reason,
                    )
                except (FleetRefusal, Refusal):  # somebody was faster
                    continue
            facts = {"seen_at": gone.seen_at.isoformat(), "was": one.state}
            of = (sight.company_id, one.scope.account_id, one.delivery_id)
            made.append(Decision(*of, outcome, sight.at, gone.driver.id, facts))
    async with platform.pool.acquire() as connection:
        await decisions.add(connection, made)
    taken = sum(one.outcome is Outcome.TAKEN_BACK for one in made)
    return present, taken

"""What a step of a plan is for the simulated drivers who are asked about a delivery, or have it.

The plan says when a delivery moves, and to which status: that is published. What its drivers do is
done here as live drivers' taps do it, in the transaction of the move: an offer is accepted, one is
refused, who has vanished loses the delivery, and what nobody takes goes back to its sender.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.dispatching import Decision, Outcome
from estafette.core.fleet.reasons import Noted
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.sandbox.scenario import MOST_ASKED, Answer, ScenarioStep
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.fleet import assignments, decisions, drivers, positions
from estafette.store.pool import Connection, now
from estafette.store.work import UnitOfWork
from estafette.usecases.fleet.accept import taken, write_taken
from estafette.usecases.fleet.answers import answers, explained
from estafette.usecases.fleet.bring_back import bring_back
from estafette.usecases.fleet.hold import Held
from estafette.usecases.fleet.sight import Key, asked_about, key_of
from estafette.usecases.platform import Platform


@dataclass(frozen=True, slots=True)
class Planned:
    """A step of a plan, the delivery before it, whose row is locked, and the entry of its move."""

    before: Delivery
    dialect: Dialect
    step: ScenarioStep
    entry: JournalEntry


async def act(
    work: UnitOfWork, platform: Platform, planned: Sequence[Planned]
) -> list[JournalEntry]:
    """Does what drivers do at the steps; returns the entries, with the reasons that there are now.

    Where no delivery is a company's, it does nothing; where no driver is asked, it is a statement.
    """
    connection = work.connection
    of_companies = [one.before for one in planned if _is_of_drivers(one.before)]
    opened = await assignments.lock_open_of(connection, of_companies) if of_companies else {}
    if not opened and not any(one.step.answers for one in planned):
        return [one.entry for one in planned]
    await _lock_drivers(connection, planned, opened)
    at = await now(connection)
    entries: list[JournalEntry] = []
    for one in planned:
        company_id = one.before.company_id
        entry = one.entry
        if company_id is not None and _is_of_drivers(one.before):
            of = opened.get(key_of(one.before), ())
            held = Held(work, platform, company_id, one.before, one.dialect, of, at)
            entry = await _act(held, one)
        entries.append(entry)
    return entries


async def _lock_drivers(
    connection: Connection,
    planned: Sequence[Planned],
    opened: Mapping[Key, Sequence[Assignment]],
) -> None:
    """Locks those who may accept now all together, in one order, as whoever locks several does."""
    asked: dict[UUID, set[UUID]] = defaultdict(set)
    for one in planned:
        if one.step.to is Status.ASSIGNED:
            for offer in opened.get(key_of(one.before), ()):
                asked[offer.company_id].add(offer.driver_id)
    for company_id in sorted(asked):
        await drivers.lock(connection, company_id, asked[company_id])


def _is_of_drivers(delivery: Delivery) -> bool:
    return delivery.company_id is not None and not delivery.remote


async def _act(held: Held, planned: Planned) -> JournalEntry:
    step, mine = planned.step, held.accepted
    if step.to is Status.ASSIGNED:
        await _accept(held, step)
    elif step.answers:
        return await _refuse(held, planned)
    elif step.vanished and mine is not None:
        await _note_vanished(held, mine)
    elif step.returns and mine is not None and mine.is_on_board:
        await bring_back(held, mine.driver_id)
    return planned.entry


async def _accept(held: Held, step: ScenarioStep) -> None:
    """Has the driver accept who was asked; what others were asked, or refuse, is over."""
    over = _offers(held)
    for offer in over:
        if step.answer(offer.number) is not Answer.ACCEPTS:
            continue
        try:
            accepted = await taken(held, offer)
        except FleetRefusal:  # it is over, or the vehicle has become full
            continue
        await write_taken(held, accepted)
        return
    ended = [
        one.moved(AssignmentState.RELEASED, held.now, Noted.SIMULATED_OTHERWISE) for one in over
    ]
    await held.write(*filter(None, ended))


async def _refuse(held: Held, planned: Planned) -> JournalEntry:
    """Has the last drivers refuse who were asked; says what all of them have answered."""
    last = [one.moved(AssignmentState.REFUSED, held.now) for one in _offers(held)]
    await held.write(*filter(None, last))
    asked = (await asked_about(held.work.connection, held.company_id, [held.delivery])).get(
        key_of(held.delivery), ()
    )
    if not asked:
        return planned.entry
    facts = answers(asked)
    await _decide(held, Outcome.GIVEN_UP, facts)
    if (len(asked), facts["refused"]) == (MOST_ASKED, MOST_ASKED):
        return planned.entry  # as the scenario promises
    entry = planned.entry
    return entry._replace(event=replace(entry.event, note=explained(facts)))


async def _note_vanished(held: Held, mine: Assignment) -> None:
    outcome = Outcome.LOST_SIGHT if mine.is_on_board else Outcome.TAKEN_BACK
    seen = await positions.of_drivers(held.work.connection, held.company_id, [mine.driver_id])
    seen_at: datetime = seen[mine.driver_id].at if seen else mine.created_at
    facts = {"seen_at": seen_at.isoformat(), "was": mine.state}
    await _decide(held, outcome, facts, mine)


async def _decide(
    held: Held, outcome: Outcome, facts: Mapping[str, object], mine: Assignment | None = None
) -> None:
    of = (held.company_id, *key_of(held.delivery))
    driver_id = None if mine is None else mine.driver_id
    made = Decision(*of, outcome, held.now, driver_id, facts)
    await decisions.add(held.work.connection, [made])


def _offers(held: Held) -> list[Assignment]:
    return [one for one in held.open if one.state is AssignmentState.OFFERED]

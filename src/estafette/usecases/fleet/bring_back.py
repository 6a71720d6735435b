"""Bring a parcel back to its sender: a delivery of its own, by the driver who has it on board."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Progress, Status, reference
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor, Event
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.ids import new_id
from estafette.core.money.payment import PREPAID
from estafette.core.proofs.demand import Demand
from estafette.store.deliveries import references
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.deliveries.references import Given, Series
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork
from estafette.usecases.deliveries import record
from estafette.usecases.fleet.give import new_assignment
from estafette.usecases.fleet.hold import Held
from estafette.usecases.platform import Platform

_LONGEST_WAY: Final = timedelta(days=1)
"""By when a return is promised at the latest: the delivery may have been put off by days."""

_LONGEST_ORDER = 460
"""How much of the merchant's number of the order the return's keeps, in characters."""


async def bring_back(held: Held, driver_id: UUID) -> Delivery:
    """Creates the return of the held delivery, which the driver has on board; returns it.

    It costs what the delivery cost, on the merchant's account, and each of the two names the other.
    Raises FleetFull.
    """
    work = held.work
    held.delivery, back = await returned(work, held.platform, held.delivery, held.dialect, held.now)
    there = Held(work, held.platform, held.company_id, back, held.dialect, (), held.now)
    given = AssignmentState.ACCEPTED
    mine = await new_assignment(there, driver_id, given, None, picked_up_at=held.now)
    await there.move([Status.ASSIGNED, Status.IN_TRANSIT], Actor.SYSTEM, None)
    await there.add_to_tour(mine)
    return there.delivery


async def returned(
    work: UnitOfWork, platform: Platform, of: Delivery, dialect: Dialect, now: datetime
) -> tuple[Delivery, Delivery]:
    """Creates the return of a delivery, whose row the caller has locked, for nobody yet.

    Returns the delivery, which names it then, and the return.
    """
    back = await _numbered(work.connection, _drafted(of, now), now)
    event = Event(
        id=new_id(),
        delivery_id=back.id,
        seq=1,
        status=back.status,
        milestone=back.milestone,
        actor=Actor.SYSTEM,
        note=f"Return of {of.reference or of.external_ref or of.id}",
        announced=dialect.announcements(None, back.progress),
        occurred_at=back.created_at,
    )
    await record.creations(work, platform, [JournalEntry(back, event)], {}, [])
    of = replace(of, return_id=back.id)
    await deliveries.set_terms(work.connection, of)
    return of, back


def _drafted(of: Delivery, now: datetime) -> Delivery:
    """Returns the return, from the recipient to the sender, without a number."""
    id = new_id()
    order = of.external_ref and f"{of.external_ref[:_LONGEST_ORDER]}-return-{id.hex[-8:]}"
    return replace(
        of,
        id=id,
        progress=Progress(Status.PENDING, Status.PENDING),
        pickup=of.dropoff,
        dropoff=of.pickup,
        pickup_by=now,
        deliver_by=now + min(of.deliver_by - of.pickup_by, _LONGEST_WAY),
        created_at=now,
        updated_at=now,
        external_ref=order,
        scenario=None,
        payment=PREPAID,
        scheduled_pickup_at=None,
        scheduled_delivery_at=None,
        require_pin=False,
        pin=None,
        pin_failures=0,
        key_id=None,
        by_page=False,
        proof=Demand(returned=of.proof.returned),
        return_of=of.id,
        return_id=None,
        failing=None,
        attempts=(),
        window=None,
        changes=0,
    )


async def _numbered(connection: Connection, back: Delivery, now: datetime) -> Delivery:
    """Returns the return with the next reference, where the delivery has one."""
    if back.reference is None:
        return back
    series = Series(back.scope, now.astimezone(UTC).year)
    number = (await references.lock(connection, [series]))[series].number + 1
    await references.write(connection, {series: Given(number, now)})
    return replace(back, reference=reference(series.year, number))

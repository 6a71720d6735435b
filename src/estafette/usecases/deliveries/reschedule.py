"""Let a recipient choose another time from the tracking page."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.core.deliveries.delivery import EVENT_LIMIT, Delivery
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.rescheduling import (
    NOTE,
    RescheduleRefused,
    WhyNot,
    is_chosen,
    other_times,
    status_after,
    why_not,
)
from estafette.core.deliveries.windows import Window
from estafette.core.errors import HistoryFull
from estafette.core.fleet.assignment import Assignment
from estafette.store import signals
from estafette.store.accounts import table as accounts
from estafette.store.couriers import companies
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.fleet import assignments
from estafette.store.pool import now
from estafette.store.sandbox import plans
from estafette.store.sandbox.plans import NextStep
from estafette.store.work import UnitOfWork
from estafette.usecases.deliveries import record
from estafette.usecases.deliveries.advance import entry_of, lock_anywhere
from estafette.usecases.fleet.hold import Held
from estafette.usecases.fleet.messages import leave
from estafette.usecases.notifications import tell
from estafette.usecases.platform import Platform

_BY: Final = By.process("reschedule")
_LONGEST_NUMBER: Final = 300
"""How much of a merchant's own number a message to a driver has, in characters."""

_NOTE: Final = f"{NOTE}: {{start:%Y-%m-%d %H:%M}}–{{end:%H:%M}}"


async def reschedule(
    platform: Platform, delivery_id: UUID, start: datetime, visitor: str | None = None
) -> Delivery:
    """Brings a delivery in the window that begins at `start`; returns it as it is then.

    Its promised times move there, its merchant is told by an event, and no driver has it on the
    tour before: one who has accepted it and not picked it up is free of it. The driver who had it
    is sent a message. The window that holds is chosen already: nothing is changed. `visitor` is the
    address by which who asks is counted.
    Raises DeliveryNotFound, RescheduleRefused, Busy.
    """
    async with (
        platform.connections.public(visitor) as connection,
        platform.transaction(connection) as work,
    ):
        delivery = await lock_anywhere(connection, delivery_id)
        company = None
        if delivery.company_id is not None:
            company = await companies.find(connection, delivery.company_id)
        if is_chosen(delivery, start):
            return delivery  # the form was sent twice
        if why := why_not(delivery, company):
            raise RescheduleRefused(why)
        times = other_times(delivery, company, await now(connection))
        window = next((one for one in times if one.start == start), None)
        if window is None or company is None:
            raise RescheduleRefused(WhyNot.GONE)
        dialect = platform.dialects[
            await accounts.dialect_of(connection, delivery.scope.account_id)
        ]
        entry = _moved(delivery, window, dialect, ZoneInfo(company.time_zone))
        of = (company.id, delivery.scope.account_id, delivery.id)
        opened = await assignments.lock_open(connection, *of)
        at = await now(connection)
        held = Held(work, platform, company.id, entry.delivery, dialect, opened, at)
        carries = held.accepted
        await record.moves(work, platform, [entry])
        await deliveries.set_promise(connection, entry.delivery)
        if carries is not None:
            await _tell(held, carries, entry, window)
        await tell.rescheduled(work, platform, entry)
        await _put_off(work, entry.delivery, window)
        work.signal(signals.FLEET)
    return entry.delivery


def _moved(delivery: Delivery, window: Window, dialect: Dialect, zone: ZoneInfo) -> JournalEntry:
    """Returns the delivery with its new promise, and the event of that. Raises HistoryFull."""
    before, to = delivery.progress, status_after(delivery)
    progress = before.noted() if to is before.status else before.moved(to)
    if progress is None:
        raise HistoryFull(before.status, to, EVENT_LIMIT)
    after = replace(delivery.in_window(window), changes=delivery.changes + 1)
    local = {name: moment.astimezone(zone) for name, moment in window._asdict().items()}
    return entry_of(after, progress, Actor.SYSTEM, _NOTE.format(**local), dialect)


async def _tell(held: Held, carries: Assignment, entry: JournalEntry, window: Window) -> None:
    """Tells the driver who has it, and puts the stop of a parcel on board behind all others."""
    delivery = entry.delivery
    if delivery.progress.picked_up:
        await held.leave_tour()
        await held.add_to_tour(carries, window.start)
    number = delivery.reference or delivery.external_ref or str(delivery.id)
    text = f"{number[:_LONGEST_NUMBER]}: {entry.event.note}"
    await leave(held.work, (held.company_id, carries.driver_id), text, _BY, held.now)


async def _put_off(work: UnitOfWork, delivery: Delivery, window: Window) -> None:
    """Lets a simulated courier wait for the window, as a real one would; by hand it goes on."""
    if delivery.scope.mode is not Mode.SANDBOX:
        return
    account_id, id = delivery.scope.account_id, delivery.id
    step = await plans.step(work.connection, account_id, id)
    if step is not None:
        waits = (window.start - await now(work.connection)).total_seconds()
        await plans.go_on(work.connection, [NextStep(account_id, id, step, waits)])

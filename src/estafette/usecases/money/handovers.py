"""Handovers of drivers' cash: a driver declares a sum, somebody else counts it."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.core.ids import new_id
from estafette.core.money.books import Book, Cause, Holder
from estafette.core.money.cash import (
    AmountRefused,
    CashPassedOn,
    CashRoom,
    Handover,
    HandoverEnded,
    HandoverNotFound,
    HandoverOpen,
    HandoverState,
    MoreThanInHand,
    NothingCollected,
    ReasonNeeded,
    check_counter,
    handed_over,
    reason_of,
    reversal,
    shares,
)
from estafette.core.money.sums import LARGEST_SUM
from estafette.store.fleet import assignments
from estafette.store.money import books, cash, handovers
from estafette.store.money.handovers import HandoverFilter, NamedHandover
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.cursor import cursor_text, read_cursor
from estafette.usecases.deliveries.advance import lock_one
from estafette.usecases.money.cash import book_of, found_driver
from estafette.usecases.platform import Platform

_EVER = datetime(9999, 12, 31, tzinfo=UTC)


class CashInHand(NamedTuple):
    """What one driver has in hand and will have, and the handover that is declared, if one is."""

    room: CashRoom
    handover: Handover | None


async def cash_in_hand(platform: Platform, company_id: UUID, driver_id: UUID) -> CashInHand:
    """Returns how much cash a driver has. Raises DriverNotFound."""
    async with platform.pool.acquire() as connection:
        driver = await found_driver(connection, company_id, driver_id)
        rooms = await cash.rooms(connection, company_id, driver.mode, [driver_id])
        in_hand = await cash.balance(connection, book_of(driver), _EVER)
        declared = await handovers.find_open(connection, company_id, driver_id)
    room = rooms.get(driver_id, CashRoom())
    return CashInHand(room._replace(in_hand=in_hand), declared)


async def declare_handover(
    platform: Platform, company_id: UUID, driver_id: UUID, amount: int, id: UUID | None = None
) -> Handover:
    """Writes that a driver hands over `amount`, in whole units; it has to be counted then.

    `id` is the handover's, of whoever may send this again: then it is declared once. So it is when
    the same sum is declared while the first is open. Raises DriverNotFound, AmountRefused,
    MoreThanInHand, HandoverOpen with another sum; Busy.
    """
    if not 1 <= amount <= LARGEST_SUM:
        raise AmountRefused(1)
    async with platform.connections.batch("cash") as connection, connection.transaction():
        driver = await found_driver(connection, company_id, driver_id)
        await handovers.lock_company(connection, company_id)
        known = id and await handovers.find(connection, company_id, id)
        if known and known.driver_id == driver_id:
            return known
        if known or id is None:  # somebody else's id makes nothing the same
            id = new_id()
        declared = await handovers.find_open(connection, company_id, driver_id)
        if declared is not None:
            if declared.declared == amount:
                return declared
            raise HandoverOpen(declared.declared)
        in_hand = sum(one.amount for one in await cash.lock_in_hand(connection, book_of(driver)))
        if amount > in_hand:
            raise MoreThanInHand(in_hand)
        made = await handovers.insert(
            connection, company_id, driver.mode, driver_id, id, amount, platform.by
        )
        await _note(connection, platform, AuditedAct.HANDOVER_DECLARED, made, amount=amount)
    return made


async def withdraw_handover(platform: Platform, company_id: UUID, handover_id: UUID) -> Handover:
    """Ends a handover that nobody has counted: the driver has the cash still.

    Raises HandoverNotFound, HandoverEnded.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        found = await _locked(connection, company_id, handover_id)
        if found.state is HandoverState.WITHDRAWN:
            return found
        if found.state is not HandoverState.DECLARED:
            raise HandoverEnded(found)
        ended = await handovers.end(connection, found, HandoverState.WITHDRAWN, platform.by)
        await _note(connection, platform, AuditedAct.HANDOVER_WITHDRAWN, ended)
    return ended


async def confirm_handover(
    platform: Platform,
    company_id: UUID,
    handover_id: UUID,
    counted: int,
    reason: str | None = None,
) -> Handover:
    """Books a handover as `platform.by` has counted it, in whole units; `reason` of a difference.

    The driver's book gives what was declared, the company's cash receives what was counted, and the
    company answers for the difference. The same count by the same person again changes nothing.
    Raises HandoverNotFound, AmountRefused, SamePerson, ReasonNeeded, HandoverEnded when somebody
    else was faster, MoreThanInHand when the driver has less by now.
    """
    if not 0 <= counted <= LARGEST_SUM:
        raise AmountRefused(0)
    said = reason_of(reason)
    async with platform.pool.acquire() as connection, connection.transaction():
        found = await _locked(connection, company_id, handover_id)
        by = platform.by
        if found.state is not HandoverState.DECLARED:
            ended = found.ended_by
            is_same = ended is not None and (ended.kind, ended.name) == (by.kind, by.name)
            if found.state is HandoverState.COUNTED and is_same and found.counted == counted:
                return found
            raise HandoverEnded(found)
        driver = await found_driver(connection, company_id, found.driver_id)
        check_counter(found, driver.person_id, by)
        if counted != found.declared and said is None:
            raise ReasonNeeded(found.declared - counted)
        in_hand = await cash.lock_in_hand(connection, book_of(driver))
        there = sum(one.amount for one in in_hand)
        if found.declared > there:
            raise MoreThanInHand(there)
        booked = [
            (Scope(share.account_id, found.mode), handed_over(share, found.driver_id))
            for share in shares(in_hand, found.declared, counted)
        ]
        await books.book_for(connection, company_id, found.id, booked)
        kept = said if counted != found.declared else None
        done = await handovers.end(
            connection, found, HandoverState.COUNTED, by, counted=counted, reason=kept
        )
        facts = {"declared": found.declared, "counted": counted}
        await _note(connection, platform, AuditedAct.HANDOVER_COUNTED, done, **facts)
    return done


async def reverse_handover(
    platform: Platform, company_id: UUID, handover_id: UUID, reason: str
) -> Handover:
    """Takes a handover back that was booked: the driver has in hand again what was declared.

    Raises HandoverNotFound, ReasonNeeded, HandoverEnded, and CashPassedOn when the company has
    settled that cash with the operator.
    """
    said = reason_of(reason)
    if said is None:
        raise ReasonNeeded
    async with platform.pool.acquire() as connection, connection.transaction():
        found = await _locked(connection, company_id, handover_id)
        if found.state is HandoverState.REVERSED:
            return found
        if found.state is not HandoverState.COUNTED or found.ended_at is None:
            raise HandoverEnded(found)
        of = (company_id, found.mode, found.driver_id)
        booked = [
            (scope := Scope(account_id, found.mode), await _back(connection, scope, found))
            for account_id in await cash.accounts_of(connection, of, found.id, found.ended_at)
        ]
        await books.book_for(connection, company_id, found.id, booked)
        done = await handovers.reverse(connection, found, platform.by, said)
        await _note(connection, platform, AuditedAct.HANDOVER_REVERSED, done)
    return done


async def _back(connection: Connection, scope: Scope, of: Handover) -> Any:
    """Returns what reverses one account's part of a handover, whose cash must be there still."""
    lines = await books.lines_of(connection, scope.account_id, of.id, Cause.HANDED_OVER)
    counted = sum(line.amount for line in lines if line.book is Book.CASH)
    await books.lock(connection, scope)
    holder = Holder(Book.CASH, of.company_id)
    balances = await books.balances(connection, scope, _EVER)
    if counted > next((one.amount for one in balances if one.holder == holder), 0):
        raise CashPassedOn
    return reversal(lines, Cause.HANDOVER_REVERSED)


async def reverse_collection(
    platform: Platform, scope: Scope, delivery_id: UUID, reason: str
) -> None:
    """Takes back that a driver has collected a delivery's cash: nobody owes the merchant then.

    Raises DeliveryNotFound, ReasonNeeded, NothingCollected, and CashPassedOn when the driver has
    not so much in hand any more.
    """
    said = reason_of(reason)
    if said is None:
        raise ReasonNeeded
    async with platform.pool.acquire() as connection, connection.transaction():
        delivery = await lock_one(connection, scope, delivery_id)
        before = await books.lines_of(
            connection, scope.account_id, delivery_id, Cause.COLLECTION_REVERSED
        )
        lines = await books.lines_of(
            connection, scope.account_id, delivery_id, Cause.CASH_COLLECTED
        )
        driver_id = next((line.driver_id for line in lines if line.driver_id), None)
        if before or driver_id is None or delivery.company_id is None:
            raise NothingCollected
        of = (delivery.company_id, scope.mode, driver_id)
        amount = sum(line.amount for line in lines if line.driver_id)
        in_hand = await cash.lock_in_hand(connection, of)
        if amount > sum(one.amount for one in in_hand if one.account_id == scope.account_id):
            raise CashPassedOn
        back = reversal(lines, Cause.COLLECTION_REVERSED)
        await books.book_for(connection, delivery.company_id, delivery_id, [(scope, back)])
        await assignments.explain_end(connection, delivery, said)
        facts = {"reference": delivery.reference, "amount": amount}
        await audit.note(
            connection,
            platform.by,
            AuditedAct.COLLECTION_REVERSED,
            delivery_id,
            facts,
            of=scope,
        )


class HandoverPage(NamedTuple):
    """Some handovers, newest first; `next` goes on after them, None where there are no more."""

    handovers: list[NamedHandover]
    next: str | None


async def page_of_handovers(
    platform: Platform, wanted: HandoverFilter, after: str | None, limit: int
) -> HandoverPage:
    """Returns at most `limit` handovers of a company, newest first.

    Raises CursorUnknownError when `after` was no `next`.
    """
    place = None if after is None else read_cursor(after)
    async with platform.pool.acquire() as connection:
        found = await handovers.select(connection, wanted, place, limit + 1)
    shown = found[:limit]
    last = shown[-1].handover if len(found) > limit else None
    return HandoverPage(shown, last and cursor_text(last.declared_at, last.id))


async def find_handover(platform: Platform, company_id: UUID, handover_id: UUID) -> Handover:
    """Returns a handover of a company. Raises HandoverNotFound."""
    async with platform.pool.acquire() as connection:
        found = await handovers.find(connection, company_id, handover_id)
    if found is None:
        raise HandoverNotFound
    return found


async def named_handover(platform: Platform, company_id: UUID, number: int) -> Handover:
    """Returns the handover of a company that has that number. Raises HandoverNotFound."""
    async with platform.pool.acquire() as connection:
        found = await handovers.find_named(connection, company_id, number)
    if found is None:
        raise HandoverNotFound
    return found


async def _locked(connection: Connection, company_id: UUID, handover_id: UUID) -> Handover:
    found = await handovers.find(connection, company_id, handover_id, lock=True)
    if found is None:
        raise HandoverNotFound
    return found


async def _note(
    connection: Connection, platform: Platform, act: AuditedAct, of: Handover, **facts: Any
) -> None:
    named = {"handover": of.name, "company_id": of.company_id, "driver_id": of.driver_id}
    await audit.note(connection, platform.by, act, of.id, {**named, **facts})

"""Cash in the hands of drivers: who has collected it, how much each has, who may take more."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.refusals import DriverNotFound
from estafette.core.money.books import Cause
from estafette.core.money.cash import CashRoom, passed_on
from estafette.store.deliveries.journal import JournalEntry
from estafette.store.fleet import drivers
from estafette.store.money import books, cash
from estafette.store.money.cash import OfCompany, OfDriver
from estafette.store.pool import Connection
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.platform import Platform

_FIRST = UUID(int=0)


async def collect(connection: Connection, moved: Sequence[JournalEntry]) -> dict[UUID, UUID]:
    """Returns which driver has collected the cash of deliveries that were handed over just now.

    By the delivery's id; those that no driver of ours carries are left out. `usecases.money.books`
    asks it for every move, in the move's transaction: whoever hands a delivery over, by a tap, by
    hand or by a plan of the sandbox, has nothing to call. The cash is in the driver's book then.
    """
    paid = [
        entry.delivery
        for entry in moved
        if entry.delivery.status is Status.DELIVERED
        and entry.delivery.company_id is not None
        and not entry.delivery.remote
        and entry.delivery.payment.cash_collect
    ]
    return await cash.carriers(connection, paid) if paid else {}


async def collect_late(connection: Connection, delivery: Delivery) -> None:
    """Gives a driver the cash of a delivery that was booked as the company's: see `passed_on`.

    For deliveries that a server of a version before has moved, which knew no driver.
    """
    of = (delivery.scope.account_id, delivery.id, Cause.CASH_COLLECTED)
    lines = await books.lines_of(connection, *of)
    driver_id = (await cash.carriers(connection, [delivery])).get(delivery.id) if lines else None
    if driver_id is not None and (further := passed_on(lines, driver_id)):
        await books.book_further(connection, delivery, further, len(lines))


async def cash_rooms(
    connection: Connection, company_id: UUID, mode: Mode, of: Collection[UUID] | None = None
) -> dict[UUID, CashRoom]:
    """Returns how much cash drivers of a company have and will have, by the driver's id.

    Of those that are named; of all unless they are. `core.money.cash.may_take` says of each whether
    a delivery may be offered to that driver.
    """
    return await cash.rooms(connection, company_id, mode, of)


class CashPage(NamedTuple):
    """Some drivers who have cash; `next` goes on after them, None where there are no more."""

    drivers: list[OfDriver]
    next: str | None


async def page_of_drivers(
    platform: Platform, company_id: UUID, mode: Mode, after: str | None, limit: int
) -> CashPage:
    """Returns at most `limit` drivers of a company who have cash in hand.

    Raises CursorUnknownError when `after` was no `next`.
    """
    place = _place(after)
    async with platform.pool.acquire() as connection:
        found = await cash.of_drivers(connection, company_id, mode, place, limit + 1)
    shown = found[:limit]
    return CashPage(shown, str(shown[-1].driver_id) if len(found) > limit else None)


class CompaniesPage(NamedTuple):
    """Some companies whose drivers have cash; `next` goes on after them."""

    companies: list[OfCompany]
    next: str | None


async def page_of_companies(
    platform: Platform, mode: Mode, after: str | None, limit: int
) -> CompaniesPage:
    """Returns at most `limit` companies whose drivers have cash in hand.

    Raises CursorUnknownError when `after` was no `next`.
    """
    place = _place(after)
    async with platform.pool.acquire() as connection:
        found = await cash.of_companies(connection, mode, place, limit + 1)
    shown = found[:limit]
    return CompaniesPage(shown, str(shown[-1].company_id) if len(found) > limit else None)


def _place(after: str | None) -> UUID:
    try:
        return _FIRST if after is None else UUID(after)
    except ValueError:
        raise CursorUnknownError from None


async def found_driver(connection: Connection, company_id: UUID, driver_id: UUID) -> Driver:
    """Returns a driver, also one who was removed. Raises DriverNotFound."""
    found = await drivers.find(connection, company_id, driver_id)
    if found is None:
        raise DriverNotFound(driver_id)
    return found


def book_of(driver: Driver) -> tuple[UUID, Mode, UUID]:
    """Returns what names a driver's own book."""
    return driver.company_id, driver.mode, driver.id

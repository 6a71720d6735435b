"""The statement of a driver: what was collected and handed over in some days, of all accounts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from estafette.core.csv_line import csv_line
from estafette.core.fleet.driver import Driver
from estafette.store.money import cash
from estafette.store.money.cash import DriverEntry, DriverPosition
from estafette.usecases.money.books import moment_text
from estafette.usecases.money.cash import book_of, found_driver
from estafette.usecases.platform import Platform

_CHUNK = 5_000


@dataclass(slots=True)
class DriverStatement:
    """The book of one driver, from `begin` on and before `end`, in whole units.

    `opening` is what was in hand at the beginning; `closing` becomes that at the end as the entries
    are read. `currency` is the company's market's.
    """

    driver: Driver
    begin: datetime
    end: datetime
    opening: int
    closing: int = field(init=False)
    _platform: Platform = field(repr=False)

    def __post_init__(self) -> None:
        """Begins with what was in hand."""
        self.closing = self.opening

    async def entries(self) -> AsyncIterator[DriverEntry]:
        """The entries, oldest first; to be read once. However many, few are held at a time."""
        after: DriverPosition | None = None
        while True:
            async with self._platform.pool.acquire() as connection:
                found = await cash.entries(
                    connection, book_of(self.driver), self.begin, self.end, after, _CHUNK
                )
            for entry in found:
                self.closing += entry.amount
                yield entry
            if len(found) < _CHUNK:
                return
            last = found[-1]
            after = DriverPosition(last.booked_at, last.account_id, last.cause_id, last.cause)


async def driver_statement(
    platform: Platform, company_id: UUID, driver_id: UUID, begin: datetime, end: datetime
) -> DriverStatement:
    """Returns the statement of a company's driver for a period, its entries yet to be read.

    Raises DriverNotFound.
    """
    async with platform.pool.acquire() as connection:
        driver = await found_driver(connection, company_id, driver_id)
        opening = await cash.balance(connection, book_of(driver), begin)
    return DriverStatement(driver, begin, end, opening, platform)


def driver_entry_json(entry: DriverEntry, balance: int) -> dict[str, Any]:
    """Returns an entry as a statement shows it, with what was in hand after it."""
    is_handover = entry.number is not None
    return {
        "booked_at": moment_text(entry.booked_at),
        "entry": entry.cause.value,
        "delivery_id": None if is_handover else str(entry.cause_id),
        "handover_id": str(entry.cause_id) if is_handover else None,
        "reference": f"H-{entry.number:05d}" if is_handover else entry.reference,
        "account": entry.account,
        "amount": entry.amount,
        "in_hand": balance,
    }


COLUMNS: Final = (
    "booked_at",
    "entry",
    "delivery_id",
    "handover_id",
    "reference",
    "account",
    "amount",
    "in_hand",
    "driver",
)
"""The columns of a driver's statement as CSV. Its first and last rows tell what was in hand."""


async def driver_csv(of: DriverStatement) -> AsyncIterator[str]:
    """A driver's statement as the lines of a CSV file, the first of which names the columns."""
    yield csv_line(COLUMNS)
    yield _row(of, {"booked_at": moment_text(of.begin), "entry": "opening", "in_hand": of.opening})
    async for entry in of.entries():
        yield _row(of, driver_entry_json(entry, of.closing))
    yield _row(of, {"booked_at": moment_text(of.end), "entry": "closing", "in_hand": of.closing})


def _row(of: DriverStatement, values: dict[str, Any]) -> str:
    return csv_line({**values, "driver": of.driver.name}.get(name) for name in COLUMNS)

"""The books: written with the moves that they follow from, read as statements."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.csv_line import csv_line
from estafette.core.money.books import NO_COMPANY, Holder, LedgerEntry, transfers
from estafette.store.deliveries import journal
from estafette.store.money import books
from estafette.store.money.books import BooksPosition
from estafette.store.pool import Connection
from estafette.usecases.money.cash import collect
from estafette.usecases.platform import Platform

_CHUNK = 5_000


async def book(connection: Connection, moved: Sequence[journal.JournalEntry]) -> None:
    """Books what follows from moves, in their transaction."""
    collected = await collect(connection, moved)
    booked = [
        (entry.delivery, transfer)
        for entry in moved
        if entry.before is not None
        for transfer in transfers(entry.before, entry.delivery, collected.get(entry.delivery.id))
    ]
    await books.book(connection, booked)


@dataclass(slots=True)
class Statement:
    """The books of an account and mode over a period, from `begin` on and before `end`.

    Periods that follow one another give each entry once, and the closing balances of one are the
    opening balances of the next. An entry is booked at the beginning of its transaction: one that
    is under way (for seconds) when a statement is made may still be booked before its `end`.

    `opening` are the balances at the beginning; `closing` become those at the end as the entries
    are read. A book that is not there has none. With `only`, the books of that company alone are
    shown, and its drivers' cash.
    """

    account: Account
    mode: Mode
    begin: datetime
    end: datetime
    opening: dict[Holder, int]
    companies: dict[Holder, str]
    only: UUID | None
    closing: dict[Holder, int] = field(init=False)
    _platform: Platform = field(repr=False)

    def __post_init__(self) -> None:
        """Begins where the books stood."""
        self.closing = dict(self.opening)

    async def entries(self) -> AsyncIterator[LedgerEntry]:
        """The entries, oldest first; to be read once. However many, few are held at a time."""
        scope = Scope(self.account.id, self.mode)
        after: BooksPosition | None = None
        while True:
            async with self._platform.pool.acquire() as connection:
                found = await books.entries(connection, scope, self.begin, self.end, after, _CHUNK)
            for entry in found:
                of = entry.holder
                if not _is_shown(of, self.only):
                    continue
                self.closing[of] = self.closing.get(of, 0) + entry.amount
                if of.company_id:
                    self.companies[of] = entry.company
                yield entry
            if len(found) < _CHUNK:
                return
            last = found[-1]
            after = BooksPosition(last.booked_at, last.delivery_id, last.cause, last.number)

    def balances(self, of: dict[Holder, int]) -> list[dict[str, Any]]:
        """Balances as a statement shows them, by book and company."""
        shown = [
            {
                "book": one.book.value,
                "company": self.companies.get(one),
                "company_id": one.company_id and str(one.company_id),
                "balance": amount,
            }
            for one, amount in of.items()
        ]
        return sorted(shown, key=lambda row: (row["book"], row["company"] or "", row["company_id"]))


def _is_shown(of: Holder, only: UUID | None) -> bool:
    return only is None or of.company_id == only


async def statement(
    platform: Platform,
    account: Account,
    mode: Mode,
    begin: datetime,
    end: datetime,
    only: UUID | None = None,
) -> Statement:
    """Returns the statement of an account and mode for a period, its entries yet to be read.

    `only` is the id of a courier company whose books alone are shown.
    """
    async with platform.pool.acquire() as connection:
        found = await books.balances(connection, Scope(account.id, mode), begin)
    found = [balance for balance in found if _is_shown(balance.holder, only)]
    return Statement(
        account,
        mode,
        begin,
        end,
        {balance.holder: balance.amount for balance in found if balance.amount},
        {balance.holder: balance.company for balance in found if balance.company},
        only,
        platform,
    )


def entry_json(entry: LedgerEntry, balance: int) -> dict[str, Any]:
    """Returns an entry as a statement shows it, with its book's balance after it."""
    return {
        "booked_at": moment_text(entry.booked_at),
        "entry": entry.cause.value,
        "delivery_id": None if entry.is_payment or entry.is_handover else str(entry.delivery_id),
        "payment_id": str(entry.delivery_id) if entry.is_payment else None,
        "handover_id": str(entry.delivery_id) if entry.is_handover else None,
        "reference": entry.reference,
        "book": entry.book.value,
        "company": entry.company,
        "company_id": None if entry.company_id == NO_COMPANY else str(entry.company_id),
        "driver_id": None if entry.driver_id is None else str(entry.driver_id),
        "amount": entry.amount,
        "balance": balance,
    }


def moment_text(moment: datetime) -> str:
    """Returns a time as every statement writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def as_json(of: Statement) -> AsyncIterator[str]:
    """A statement as the pieces of one JSON object."""
    head = {
        "account": of.account.name,
        "mode": of.mode.value,
        "currency": of.account.market.currency,
        "from": moment_text(of.begin),
        "to": moment_text(of.end),
        "opening": of.balances(of.opening),
    }
    yield _dump(head)[:-1] + ', "entries": ['
    separator = ""
    async for entry in of.entries():
        yield separator + _dump(entry_json(entry, of.closing[entry.holder]))
        separator = ", "
    yield '], "closing": ' + _dump(of.balances(of.closing)) + "}"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


COLUMNS = (
    "booked_at",
    "entry",
    "delivery_id",
    "reference",
    "book",
    "company",
    "company_id",
    "amount",
    "balance",
    "payment_id",
    "account",
    "handover_id",
    "driver_id",
)
"""The columns of a statement as CSV. Its first and last rows are the opening and closing balances,
with `opening` and `closing` for the entry, and without an amount."""


async def as_csv(statements: Sequence[Statement]) -> AsyncIterator[str]:
    """Statements as the lines of a CSV file, the first of which names the columns."""
    yield csv_line(COLUMNS)
    for of in statements:
        whose = {"account": of.account.name}
        for row in of.balances(of.opening):
            yield _row({**row, **whose, "booked_at": moment_text(of.begin), "entry": "opening"})
        async for entry in of.entries():
            yield _row({**entry_json(entry, of.closing[entry.holder]), **whose})
        for row in of.balances(of.closing):
            yield _row({**row, **whose, "booked_at": moment_text(of.end), "entry": "closing"})


def _row(values: dict[str, Any]) -> str:
    return csv_line(values.get(name) for name in COLUMNS)

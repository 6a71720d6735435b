"""Statements as pages and files: the books of an account over some days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from estafette.core.accounts.account import Account, Mode
from estafette.core.money.books import Book, Cause
from estafette.http.texts import N_, gettext
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.money.books import as_csv, entry_json, statement
from estafette.usecases.platform import Platform
from estafette.web import asked
from estafette.web.parts import Column

MOST_ROWS: Final = 200
"""How many entries of a statement a page shows; a file has all of them."""

LONGEST: Final = timedelta(days=400)
"""How long the time of a statement may be."""

_BOOKS: Final = {
    Book.MERCHANT: N_("Merchant"),
    Book.COMPANY: N_("Courier company"),
    Book.PLATFORM: N_("Platform"),
    Book.CASH: N_("Cash of the company"),
    Book.DRIVER: N_("Cash of drivers"),
}


_CAUSES: Final = {
    Cause.DELIVERED: N_("Delivered: the fee"),
    Cause.CASH_COLLECTED: N_("Cash collected"),
    Cause.TRANSFER_CONFIRMED: N_("Transfer confirmed"),
    Cause.REFUNDED: N_("Given back"),
    Cause.SETTLED: N_("Received by the operator"),
    Cause.PAID_OUT: N_("Paid by the operator"),
    Cause.HANDED_OVER: N_("Handed over by a driver"),
    Cause.HANDOVER_REVERSED: N_("Handover taken back"),
    Cause.COLLECTION_REVERSED: N_("Collection taken back"),
}


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a statement is of, as they were asked for: the last one is part of it."""

    begin: datetime
    end: datetime
    since: str
    until: str


def period_of(request: Request, zone: ZoneInfo) -> Period:
    """Returns the days that are asked for; this month where that is nothing that can be."""
    today = datetime.now(zone).date()
    since = request.query_params.get("since") or today.replace(day=1).isoformat()
    until = request.query_params.get("until") or today.isoformat()
    begin, end = asked.begin_of(since, zone), asked.end_of(until, zone)
    if begin is None or end is None or not begin < end <= begin + LONGEST:
        since, until = today.replace(day=1).isoformat(), today.isoformat()
        begin = asked.begin_of(since, zone) or datetime.now(UTC)
        end = asked.end_of(until, zone) or datetime.now(UTC)
    return Period(begin, end, since, until)


def book_name(book: str) -> str:
    """Returns what a book is called."""
    return gettext(_BOOKS[Book(book)])


def cause_name(cause: str) -> str:
    """Returns what an entry is for."""
    return gettext(_CAUSES[Cause(cause)])


class Balances(NamedTuple):
    """A book, and how it stood at the beginning of a statement and at its end."""

    book: str
    company: str | None
    opening: int
    closing: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The beginning of a statement: balances, and at most `MOST_ROWS` entries, oldest first.

    `next` is where the page after it begins; None: nothing follows.
    """

    balances: Sequence[Balances]
    entries: Sequence[dict[str, Any]]
    next: str | None


async def shown(
    platform: Platform,
    account: Account,
    mode: Mode,
    period: Period,
    only: UUID | None,
    after: str | None = None,
    most: int = MOST_ROWS,
) -> Shown:
    """Returns what a page shows of a statement: its entries from `after` on, the `next` of a page.

    They are about `most`: what one transaction has booked is on one page. Raises
    CursorUnknownError.
    """
    begin = period.begin if after is None else _moment(after, period)
    first = await statement(platform, account, mode, period.begin, period.begin, only)
    last = await statement(platform, account, mode, period.end, period.end, only)
    found = await statement(platform, account, mode, begin, period.end, only)
    rows: list[dict[str, Any]] = []
    following: str | None = None
    async for entry in found.entries():
        if len(rows) >= most and rows[-1]["booked_at"] != entry.booked_at:
            following = entry.booked_at.isoformat()
            break
        row = entry_json(entry, found.closing[entry.holder])
        rows.append({**row, "booked_at": entry.booked_at})
    balances = _balances(first.balances(first.opening), last.balances(last.opening))
    return Shown(balances, rows, following)


def _moment(text: str, period: Period) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CursorUnknownError from None
    if moment.tzinfo is None or not period.begin <= moment < period.end:
        raise CursorUnknownError
    return moment


def _balances(
    opening: Sequence[dict[str, Any]], closing: Sequence[dict[str, Any]]
) -> list[Balances]:
    began = {(one["book"], one["company"]): one["balance"] for one in opening}
    ended = {(one["book"], one["company"]): one["balance"] for one in closing}
    books = sorted({*began, *ended}, key=lambda of: (of[0], of[1] or ""))
    return [Balances(*of, began.get(of, 0), ended.get(of, 0)) for of in books]


def columns() -> tuple[Column, ...]:
    """Returns the columns of the entries."""
    return (
        Column("reference", gettext("Delivery or payment")),
        Column("entry", gettext("For what")),
        Column("book", gettext("Book")),
        Column("amount", gettext("Amount"), "number"),
        Column("balance", gettext("Balance after it"), "number"),
        Column("at", gettext("Booked"), "time"),
    )


def balance_columns() -> tuple[Column, ...]:
    """Returns the columns of the balances."""
    return (
        Column("book", gettext("Book")),
        Column("opening", gettext("At the beginning"), "number"),
        Column("closing", gettext("At the end"), "number"),
    )


async def as_file(
    platform: Platform, account: Account, mode: Mode, period: Period, only: UUID | None
) -> Response:
    """Returns a statement as a CSV file, with all its entries, however many."""
    found = await statement(platform, account, mode, period.begin, period.end, only)
    name = f"{account.name}-{mode}-{period.since}-{period.until}.csv"
    return StreamingResponse(
        as_csv([found]),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        },
    )

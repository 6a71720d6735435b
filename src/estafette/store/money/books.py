"""The books in the database, which are only ever added to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.money.books import (
    NO_COMPANY,
    Book,
    Cause,
    Holder,
    LedgerEntry,
    Line,
    Transfer,
    holder,
)
from estafette.core.money.books import payment as transfer_of
from estafette.store.columns import Columns, insertion, rows
from estafette.store.pool import Connection

_NOBODY = UUID(int=0)


class _Booked(NamedTuple):
    """A line of a transfer, and for what it is booked: a delivery, or a payment by hand."""

    scope: Scope
    cause_id: UUID
    cause: Cause
    number: int
    line: Line
    company_id: UUID | None


def _lines(
    scope: Scope, cause_id: UUID, transfer: Transfer, company_id: UUID | None, first: int = 1
) -> list[_Booked]:
    return [
        _Booked(scope, cause_id, transfer.cause, number, line, company_id)
        for number, line in enumerate(transfer.lines, first)
    ]


LINE: Final = Columns[_Booked](
    {
        "account_id": ("uuid", lambda booked: booked.scope.account_id),
        "mode": ("text", lambda booked: booked.scope.mode),
        "delivery_id": ("uuid", lambda booked: booked.cause_id),
        "cause": ("text", lambda booked: booked.cause),
        "line": ("smallint", lambda booked: booked.number),
        "book": ("text", lambda booked: booked.line.book),
        "company_id": ("uuid", lambda booked: booked.company_id),
        "amount": ("bigint", lambda booked: booked.line.amount),
        "driver_id": ("uuid", lambda booked: booked.line.driver_id),
    }
)
"""What is written of the lines of transfers."""

_BOOK = insertion("ledger_entries", LINE.types, rows(LINE))


async def book(connection: Connection, booked: Sequence[tuple[Delivery, Transfer]]) -> None:
    """Adds transfers. A cause that is booked for a delivery already fails the transaction."""
    lines = [
        line
        for delivery, transfer in booked
        for line in _lines(delivery.scope, delivery.id, transfer, delivery.company_id)
    ]
    if lines:
        await _write(connection, lines)


async def book_further(
    connection: Connection, delivery: Delivery, transfer: Transfer, booked: int
) -> None:
    """Adds lines to a cause of which so many are booked for a delivery, whose row is locked."""
    of = (delivery.scope, delivery.id, transfer, delivery.company_id)
    await _write(connection, _lines(*of, first=booked + 1))


async def _write(connection: Connection, lines: list[_Booked]) -> None:
    """Writes lines: those of drivers in one order, since each waits for its driver's other cash."""
    lines.sort(key=_by_driver)
    await connection.execute(_BOOK, *LINE.of(lines))


def _by_driver(of: _Booked) -> tuple[UUID, UUID]:
    return of.line.driver_id or _NOBODY, of.scope.account_id


async def book_for(
    connection: Connection,
    company_id: UUID,
    cause_id: UUID,
    booked: Sequence[tuple[Scope, Transfer]],
) -> None:
    """Adds transfers of accounts that one thing of a company is booked for, such as a handover.

    A cause that is booked for it and an account already fails the transaction.
    """
    lines = [
        line for scope, transfer in booked for line in _lines(scope, cause_id, transfer, company_id)
    ]
    await _write(connection, lines)


async def lines_of(
    connection: Connection, account_id: UUID, cause_id: UUID, cause: Cause
) -> list[Line]:
    """The lines that a cause was booked with, for a delivery or what else it was booked for."""
    found = await connection.fetch(
        "select book, amount, driver_id from ledger_entries"
        " where account_id = $1 and delivery_id = $2 and cause = $3 order by line",
        account_id,
        cause_id,
        cause,
    )
    return [Line(Book(row["book"]), row["amount"], row["driver_id"]) for row in found]


class BookedPayment(NamedTuple):
    """Money that changed hands. `company_id` is None for the merchant's own."""

    id: UUID
    cause: Cause
    book: Book
    company_id: UUID | None
    amount: int
    reference: str


async def lock(connection: Connection, scope: Scope) -> None:
    """Lets no other payment be booked, nor a day closed, until the transaction ends."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::text, 427021005669))",
        *scope,
    )


async def payment(connection: Connection, scope: Scope, reference: str) -> BookedPayment | None:
    """The payment of that reference."""
    row = await connection.fetchrow(
        "select id, cause, book, company_id, amount, reference from ledger_payments"
        " where account_id = $1 and mode = $2 and reference = $3",
        *scope,
        reference,
    )
    if row is None:
        return None
    return BookedPayment(
        id=row["id"],
        cause=Cause(row["cause"]),
        book=Book(row["book"]),
        company_id=row["company_id"],
        amount=row["amount"],
        reference=row["reference"],
    )


async def book_payment(connection: Connection, scope: Scope, paid: BookedPayment) -> None:
    """Writes a payment, and its lines into the books."""
    await connection.execute(
        "insert into ledger_payments"
        " (account_id, mode, id, cause, book, company_id, amount, reference)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        *scope,
        *paid,
    )
    transfer = transfer_of(paid.cause, paid.book, paid.amount)
    await _write(connection, _lines(scope, paid.id, transfer, paid.company_id or NO_COMPANY))


class Balance(NamedTuple):
    """What a book has had more than it has given; `company` is the name of its company."""

    holder: Holder
    company: str | None
    amount: int


# A closing is the sum of all that was booked before it: see store/money/closings.py.
_BALANCES = """
with closing as (
    select max(closed_to) as at from ledger_closings
    where account_id = $1 and mode = $2 and closed_to <= $3
),
summed as (
    select book, company_id, sum(amount) as amount from (
        select book, company_id, amount from ledger_closings
        where account_id = $1 and mode = $2 and closed_to = (select at from closing)
        union all
        select book, company_id, amount::numeric from ledger_entries
        where account_id = $1 and mode = $2 and booked_at < $3
            and booked_at >= coalesce((select at from closing), '-infinity')
    ) as parts
    group by book, company_id
)
select book, company_id, companies.name, amount
from summed left join companies on companies.id = company_id
"""


async def balances(connection: Connection, scope: Scope, before: datetime) -> list[Balance]:
    """The balances of all books that were ever used, by what was booked before that time.

    However long the books are, what is added up is of a day or so, where days are closed.
    """
    found = await connection.fetch(_BALANCES, scope.account_id, scope.mode, before)
    amounts: dict[Holder, int] = {}
    names: dict[Holder, str | None] = {}
    for row in found:
        of = holder(Book(row["book"]), row["company_id"])
        amounts[of] = amounts.get(of, 0) + int(row["amount"])  # a numeric: sums outgrow 64 bits
        names[of] = row["name"] if of.company_id else None
    return [Balance(of, names[of], amount) for of, amount in amounts.items()]


class BooksPosition(NamedTuple):
    """Where a line stands: after the lines that come before it in the order of the books."""

    booked_at: datetime
    delivery_id: UUID
    cause: str
    number: int


_ENTRIES = """
select ledger_entries.booked_at, delivery_id,
    coalesce(deliveries.reference, paid.reference) as reference, ledger_entries.cause, line,
    ledger_entries.book, ledger_entries.company_id, companies.name as company,
    ledger_entries.amount, driver_id
from ledger_entries
left join deliveries on deliveries.account_id = ledger_entries.account_id
    and deliveries.id = delivery_id
left join companies on companies.id = ledger_entries.company_id
left join ledger_payments paid on paid.account_id = ledger_entries.account_id
    and paid.id = delivery_id
where ledger_entries.account_id = $1 and ledger_entries.mode = $2
    and ledger_entries.booked_at >= $3 and ledger_entries.booked_at < $4
    and ($5::timestamptz is null
        or (ledger_entries.booked_at, delivery_id, ledger_entries.cause, line)
            > ($5, $6::uuid, $7, $8))
order by ledger_entries.booked_at, delivery_id, ledger_entries.cause, line limit $9
"""


async def entries(
    connection: Connection,
    scope: Scope,
    begin: datetime,
    end: datetime,
    after: BooksPosition | None,
    limit: int,
) -> list[LedgerEntry]:
    """At most `limit` lines booked from `begin` on and before `end`, oldest first."""
    found = await connection.fetch(
        _ENTRIES,
        scope.account_id,
        scope.mode,
        begin if after is None else after.booked_at,
        end,
        *(after or (None, None, None, None)),
        limit,
    )
    return [
        LedgerEntry(
            booked_at=row["booked_at"],
            delivery_id=row["delivery_id"],
            reference=row["reference"],
            cause=Cause(row["cause"]),
            number=row["line"],
            book=Book(row["book"]),
            company_id=row["company_id"],
            company=row["company"] or "",
            amount=row["amount"],
            driver_id=row["driver_id"],
        )
        for row in found
    ]

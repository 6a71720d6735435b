"""Do what is due of imports: read a file, show what would come of it, create its orders.

A worker does it, some orders at a time, under a lease. It goes on where it was when a page is
closed or a worker dies. An order is created once, however often its file is sent: it is known by
its number, or by all that is written of it where it has none.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from estafette.core.accounts.account import Account
from estafette.core.deliveries.order_form import (
    FieldFault,
    OrderField,
    OrderRefusedError,
    read_form,
)
from estafette.core.deliveries.order_import import (
    Choice,
    Import,
    ImportRow,
    ImportState,
    RowState,
    field_of,
    order_key,
)
from estafette.core.errors import (
    AllCouriersFailed,
    Busy,
    CourierUnavailable,
    OrderConflict,
    Refusal,
    Unavailable,
)
from estafette.core.quotes.quote import Quote
from estafette.loops import Loop, Pace, report
from estafette.store.accounts import table as accounts
from estafette.store.deliveries import imports as store
from estafette.usecases.deliveries.order_file import FileRefusedError, Table, read_table
from estafette.usecases.deliveries.ordering import AcceptedOrder, Ordering, OrderRules
from estafette.usecases.platform import Platform

FIELDS_KEPT = timedelta(days=7)
"""How long what a row says is kept after the end of its import: it has people's names and phones.
A file that nobody confirms ends as soon."""

KEPT = timedelta(days=90)
"""How long an import is kept, and with it which orders it has created."""

_LEASE = timedelta(seconds=60)
_ACCOUNTS = 4
_AT_ONCE = 64
_ROWS = 384
_CHECKED = 50
_PACE = Pace(longest=1.0)
_FORGOTTEN_EVERY = 300.0
_ENCODINGS = {"KZ": "cp1251", "AO": "cp1252"}


class Importer:
    """Reads files and creates their orders, in rounds. Any number of processes may do it."""

    def __init__(self, platform: Platform, ordering: Ordering) -> None:
        """Orders by `ordering`."""
        self._platform = platform
        self._ordering = ordering

    async def round(self) -> int:
        """Does a bounded part of what is due of some accounts' imports; returns of how many."""
        async with self._platform.pool.acquire() as connection:
            claimed = await store.claim(connection, _LEASE, _ACCOUNTS)
        await asyncio.gather(*map(self._work_on, claimed))
        return len(claimed)

    async def due_in_seconds(self) -> float | None:
        """In how many seconds there is something to do; None when there is nothing."""
        async with self._platform.pool.acquire() as connection:
            return await store.due_in_seconds(connection)

    async def forget(self) -> None:
        """Removes what has had its time."""
        async with self._platform.pool.acquire() as connection, connection.transaction():
            await store.forget(connection, FIELDS_KEPT, KEPT, 50)

    async def _work_on(self, claimed: Import) -> None:
        try:
            account = await self._account(claimed)
            if account is None or account.is_disabled:
                await self._end(claimed, ImportState.STOPPED)
            elif claimed.state is ImportState.UPLOADED:
                await self._read(account, claimed)
            else:
                await self._create_some(account, claimed)
        except Exception as error:  # one import's: its lease ends, and it is tried again
            report("imports", error, account=str(claimed.account_id))

    async def _account(self, claimed: Import) -> Account | None:
        async with self._platform.pool.acquire() as connection:
            found = await accounts.find_all(connection, [claimed.account_id])
        return found.get(claimed.account_id)

    async def _read(self, account: Account, claimed: Import) -> None:
        async with self._platform.pool.acquire() as connection:
            file = await store.file_of(connection, claimed)
        encoding = _ENCODINGS.get(account.market.code, "cp1252")
        try:
            table = await asyncio.to_thread(read_table, file or b"", encoding)
        except FileRefusedError as refused:
            await self._end(claimed, ImportState.REFUSED, refused.code)
            return
        fields = [field_of(heading) for heading in table.headings]
        if not any(fields):
            await self._end(claimed, ImportState.REFUSED, "no_columns")
            return
        rules = self._ordering.rules(account)
        rows = [row async for row in _checked(account, claimed, rules, table, fields)]
        ignored = [
            heading[:60]
            for heading, field in zip(table.headings, fields, strict=True)
            if field not in rules.fields and heading
        ]
        async with self._platform.pool.acquire() as connection, connection.transaction():
            if not await store.lock(connection, claimed):
                return
            known = await store.created_before(
                connection, claimed.account_id, [row.key for row in rows]
            )
            rows = [_known(row, known) for row in rows]
            await store.add_rows(connection, claimed, rows)
            await store.count_rows(connection, claimed, **_counts([row.state for row in rows]))
            await store.set_state(connection, claimed, ImportState.PREVIEW, ignored=ignored)

    async def _end(self, claimed: Import, state: ImportState, reason: str | None = None) -> None:
        async with self._platform.pool.acquire() as connection, connection.transaction():
            if await store.lock(connection, claimed):
                await store.set_state(connection, claimed, state, reason=reason)

    async def _create_some(self, account: Account, claimed: Import) -> None:
        ready = (RowState.READY,)
        async with self._platform.pool.acquire() as connection:
            rows = await store.rows_after(connection, claimed, 0, _ROWS, ready)
            keys = [row.key for row in rows]
            known = await store.created_before(connection, claimed.account_id, keys)
        if not rows:
            await self._end(claimed, ImportState.DONE)
            return
        at_once = asyncio.Semaphore(_AT_ONCE)
        done = await asyncio.gather(
            *(self._create(account, claimed, row, known, at_once) for row in rows)
        )
        settled = [row for row in done if row.state is not RowState.READY]
        async with self._platform.pool.acquire() as connection, connection.transaction():
            ours = await store.lock(connection, claimed)
            # it is so, whoever goes on
            states = await store.settle_rows(connection, claimed, settled)
            await store.count_rows(connection, claimed, ready=-len(states), **_counts(states))
            if ours:
                rest = timedelta() if settled else timedelta(seconds=5)
                await store.set_state(connection, claimed, claimed.state, again_after=rest)

    async def _create(
        self,
        account: Account,
        claimed: Import,
        row: ImportRow,
        known: Mapping[bytes, UUID],
        at_once: asyncio.Semaphore,
    ) -> ImportRow:
        """Creates an order; returns its row as it is then, the same where it is to be tried again.

        What may have been created before a worker died is found by its key.
        """
        again = _known(row, known)
        if again.state is RowState.AGAIN:
            return again
        async with at_once:
            try:
                rules = self._ordering.rules(account)
                order = _order(account, claimed, rules, row.fields or {})
                quote_id = None
                if rules.by_companies:
                    quotes = await self._ordering.quotes(account, claimed.mode, order)
                    if not quotes:
                        return _refused(row, "has no courier company that carries it")
                    quote_id = _chosen(quotes, claimed.choice).id
                key = row.key.hex()
                made = await self._ordering.create(account, claimed.mode, order, key, quote_id)
            except (Busy, Unavailable, CourierUnavailable, AllCouriersFailed):
                return row
            except OrderRefusedError as refused:
                return row._replace(state=RowState.WRONG, faults=refused.faults)
            except OrderConflict as conflict:
                return _created(row, conflict.delivery_id, again=True)
            except Refusal as refusal:
                return _refused(row, _told(refusal))
        return _created(row, made.delivery_id, again=False)


def _order(
    account: Account, claimed: Import, rules: OrderRules, fields: Mapping[str, str]
) -> AcceptedOrder:
    """Returns a row's order. Raises OrderRefusedError."""
    form = read_form({**claimed.defaults, **fields}, account.market.time_zone)
    return rules.read(form, account, claimed.mode)


async def _checked(
    account: Account,
    claimed: Import,
    rules: OrderRules,
    table: Table,
    fields: Sequence[OrderField | None],
) -> AsyncIterator[ImportRow]:
    """The rows of a table, each with what is wrong with it."""
    seen: dict[bytes, int] = {}
    for count, line in enumerate(table.lines):
        if count % _CHECKED == 0:
            await asyncio.sleep(0)  # the worker has other work besides
        said = {
            str(field): cell
            for field, cell in zip(fields, line.cells, strict=False)
            if field is not None and field in rules.fields and cell
        }
        key = order_key(claimed.scope, said)
        name = said.get(OrderField.ORDER, "")[:60]
        row = ImportRow(line.number, name, said, key, RowState.READY)
        try:
            _order(account, claimed, rules, said)
            if key in seen:
                same = FieldFault("", f"is the same order as line {seen[key]}")
                row = row._replace(state=RowState.WRONG, faults=(same,))
        except OrderRefusedError as refused:
            row = row._replace(state=RowState.WRONG, faults=refused.faults[:_MOST_FAULTS])
        seen.setdefault(key, line.number)
        yield row


_MOST_FAULTS = 12


def _known(row: ImportRow, known: Mapping[bytes, UUID]) -> ImportRow:
    delivery_id = known.get(row.key)
    if row.state is not RowState.READY or delivery_id is None:
        return row
    return _created(row, delivery_id, again=True)


def _created(row: ImportRow, delivery_id: UUID, *, again: bool) -> ImportRow:
    state = RowState.AGAIN if again else RowState.CREATED
    return row._replace(state=state, fields=None, faults=(), delivery_id=delivery_id)


def _refused(row: ImportRow, reason: str) -> ImportRow:
    return row._replace(state=RowState.REFUSED, faults=(FieldFault("", reason),))


def _told(refusal: Refusal) -> str:
    """Why an order was refused by the state of things, for people."""
    return f"was refused: {type(refusal).__name__}"


def _chosen(quotes: Sequence[Quote], choice: Choice) -> Quote:
    if choice is Choice.FASTEST:
        return min(quotes, key=lambda quote: (quote.eta_minutes, quote.fee))
    return quotes[0]


def _counts(states: Sequence[RowState]) -> dict[str, int]:
    """How many rows are of each kind that an import counts."""
    named = {
        RowState.READY: "ready",
        RowState.CREATED: "created",
        RowState.AGAIN: "again",
        RowState.WRONG: "wrong",
        RowState.REFUSED: "wrong",
    }
    counts: dict[str, int] = {}
    for state in states:
        counts[named[state]] = counts.get(named[state], 0) + 1
    return counts


def loop(platform: Platform, ordering: Ordering) -> Loop:
    """Does what is due of imports, and forgets what has had its time."""
    importer = Importer(platform, ordering)
    forgotten_at = 0.0

    async def one_round(_stop: asyncio.Event) -> float:
        nonlocal forgotten_at
        done = await importer.round()
        if time.monotonic() - forgotten_at > _FORGOTTEN_EVERY:
            await importer.forget()
            forgotten_at = time.monotonic()
        return 0 if done else _PACE.until(await importer.due_in_seconds())

    return Loop("imports", one_round, _PACE)

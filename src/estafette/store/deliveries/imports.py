"""Files of orders and their rows. An import is claimed by one worker at a time, see claims.py."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.order_form import FieldFault
from estafette.core.deliveries.order_import import (
    Choice,
    Import,
    ImportRow,
    ImportState,
    RowState,
)
from estafette.store.claims import Queue
from estafette.store.columns import Columns
from estafette.store.columns import rows as given
from estafette.store.pool import Connection

QUEUE: Final = Queue("imports", "next_at", lease="leased_until", id="id")

_COLUMNS = (
    "account_id, id, mode, person_id, address, file_name, choice, defaults, state, reason, ignored,"
    " ready, created, again, wrong, created_at, started_at, ended_at, attempt"
)


def _import(row: asyncpg.Record) -> Import:
    fields = {name: row[name] for name in _COLUMNS.replace(",", " ").split()}
    fields |= {
        "mode": Mode(row["mode"]),
        "choice": Choice(row["choice"]),
        "state": ImportState(row["state"]),
        "defaults": orjson.loads(row["defaults"]),
        "ignored": tuple(row["ignored"]),
    }
    return Import(**fields)


async def insert(connection: Connection, new: Import, file: bytes) -> None:
    """Keeps a file that is to be read, now."""
    await connection.execute(
        "insert into imports (account_id, id, mode, person_id, address, file_name, file, choice,"
        " defaults, state, next_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'uploaded', now())",
        new.account_id,
        new.id,
        new.mode,
        new.person_id,
        new.address,
        new.file_name,
        file,
        new.choice,
        orjson.dumps(dict(new.defaults)).decode(),
    )


async def find(connection: Connection, scope: Scope, id: UUID) -> Import | None:
    """One import of this account and mode."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from imports where account_id = $1 and id = $3 and mode = $2",  # noqa: S608 - a constant
        *scope,
        id,
    )
    return _import(row) if row else None


async def newest(connection: Connection, scope: Scope, limit: int) -> list[Import]:
    """An account's imports, the newest first."""
    found = await connection.fetch(
        f"select {_COLUMNS} from imports where account_id = $1 and mode = $2"  # noqa: S608 - a constant
        " order by created_at desc, id limit $3",
        *scope,
        limit,
    )
    return [_import(row) for row in found]


async def count_open(connection: Connection, account_id: UUID) -> int:
    """How many of an account's imports are not over."""
    return await connection.fetchval(
        "select count(*) from imports where account_id = $1"
        " and state in ('uploaded', 'preview', 'waiting')",
        account_id,
    )


# One of each account at a time, so that none keeps the others waiting.
_CLAIM = f"""
with due as materialized (
    {QUEUE.due("imports.ctid as place, account_id", limit="$2 * 4")}
),
picked as materialized (
    select distinct on (account_id) place from due order by account_id limit $2
),
claimed as (
    {QUEUE.leasing("$1::interval", leased_until="now() + $1::interval")}
)
select {_COLUMNS} from claimed
"""  # noqa: S608 - the parts are constants


async def claim(connection: Connection, lease: timedelta, limit: int) -> list[Import]:
    """Leases imports that something is to be done about, at most `limit`, of as many accounts."""
    return [_import(row) for row in await connection.fetch(_CLAIM, lease, limit)]


async def due_in_seconds(connection: Connection) -> float | None:
    """In how many seconds the next one is due; None when none is."""
    return await QUEUE.due_in_seconds(connection)


_IS_OURS = QUEUE.fence("$3", "is not null")


async def lock(connection: Connection, claimed: Import) -> bool:
    """Locks an import that was claimed, for this transaction; returns whether it is still ours.

    It is not where its lease has ended and another worker has it, or a person has stopped it.
    """
    return await connection.fetchval(
        f"select {_IS_OURS} and state = $4 from imports where account_id = $1 and id = $2"  # noqa: S608 - constants
        " for update",
        claimed.account_id,
        claimed.id,
        claimed.attempt,
        claimed.state,
    )


async def lock_in_state(connection: Connection, of: Import, *states: ImportState) -> bool:
    """Locks an import for this transaction; returns whether it is in one of the states."""
    return await connection.fetchval(
        "select state = any($3::text[]) from imports where account_id = $1 and id = $2 for update",
        of.account_id,
        of.id,
        list(states),
    )


async def file_of(connection: Connection, claimed: Import) -> bytes | None:
    """The file of an import that was not read yet."""
    return await connection.fetchval(
        "select file from imports where account_id = $1 and id = $2",
        claimed.account_id,
        claimed.id,
    )


_ROWS = Columns[ImportRow](
    {
        "number": ("integer", lambda row: row.number),
        "name": ("text", lambda row: row.name),
        "fields": ("text", lambda row: row.fields and orjson.dumps(dict(row.fields)).decode()),
        "key": ("bytea", lambda row: row.key),
        "state": ("text", lambda row: row.state),
        "faults": ("text", lambda row: _faults_text(row.faults)),
        "delivery_id": ("uuid", lambda row: row.delivery_id),
    }
)


def _faults_text(faults: Sequence[FieldFault]) -> str | None:
    return orjson.dumps([list(one) for one in faults]).decode() if faults else None


_INSERT_ROWS = f"""
insert into import_rows (account_id, import_id, number, name, fields, key, state, faults,
    delivery_id)
select $1, $2, number, name, fields::jsonb, key, state, faults::jsonb, delivery_id
from {given(_ROWS, first=3)}
"""  # noqa: S608 - the columns are a constant
# Each row is looked up by itself, by the primary key: of an import that is new the planner has no
# statistics, and would rather compare all of its rows with all that are given.
_SETTLE_ROWS = f"""
with settled as materialized (
    select input.*, place from {given(_ROWS, first=3)}
    cross join lateral (
        select ctid as place from import_rows
        where account_id = $1 and import_id = $2 and import_rows.number = input.number
            and import_rows.state = 'ready'
        limit 1
    ) as there
)
update import_rows set state = settled.state, faults = settled.faults::jsonb,
    delivery_id = settled.delivery_id, fields = settled.fields::jsonb
from settled
where import_rows.ctid = settled.place and import_rows.state = 'ready'
returning import_rows.state
"""  # noqa: S608 - the columns are a constant


async def add_rows(connection: Connection, of: Import, rows: Sequence[ImportRow]) -> None:
    """Keeps the rows of a file that was read."""
    await connection.execute(_INSERT_ROWS, of.account_id, of.id, *_ROWS.of(rows))


async def settle_rows(
    connection: Connection, of: Import, rows: Sequence[ImportRow]
) -> list[RowState]:
    """Keeps what became of rows that were ready; returns what each of these has become."""
    found = await connection.fetch(_SETTLE_ROWS, of.account_id, of.id, *_ROWS.of(rows))
    return [RowState(row["state"]) for row in found]


async def set_state(
    connection: Connection,
    of: Import,
    state: ImportState,
    *,
    again_after: timedelta | None = None,
    reason: str | None = None,
    ignored: Sequence[str] = (),
) -> None:
    """Lets an import, which the caller has locked, be in a state; its lease ends.

    Something is to be done about it `again_after` so long; None: nothing.
    """
    ended = state in (ImportState.DONE, ImportState.REFUSED, ImportState.STOPPED)
    await connection.execute(
        "update imports set state = $3, next_at = now() + $4::interval, leased_until = null,"
        " file = case when $3 = 'uploaded' then file end, reason = coalesce($5, reason),"
        " ignored = case when $6::text[] = '{}' then ignored else $6 end,"
        " started_at = case when $3 = 'waiting' then coalesce(started_at, now())"
        " else started_at end, ended_at = case when $7 then now() end"
        " where account_id = $1 and id = $2",
        of.account_id,
        of.id,
        state,
        again_after,
        reason,
        list(ignored),
        ended,
    )


async def count_rows(connection: Connection, of: Import, **by: int) -> None:
    """Adds to the counts of an import, which the caller has locked."""
    counts = [by.get(name, 0) for name in ("ready", "created", "again", "wrong")]
    await connection.execute(
        "update imports set ready = ready + $3, created = created + $4, again = again + $5,"
        " wrong = wrong + $6 where account_id = $1 and id = $2",
        of.account_id,
        of.id,
        *counts,
    )


_ROW_COLUMNS = "number, name, fields, key, state, faults, delivery_id"


def _row(row: asyncpg.Record) -> ImportRow:
    faults: list[Any] = orjson.loads(row["faults"]) if row["faults"] else []
    return ImportRow(
        row["number"],
        row["name"],
        orjson.loads(row["fields"]) if row["fields"] else None,
        row["key"],
        RowState(row["state"]),
        tuple(FieldFault(*fault) for fault in faults),
        row["delivery_id"],
    )


async def rows_after(
    connection: Connection,
    of: Import,
    number: int,
    limit: int,
    states: Sequence[RowState] | None = None,
) -> list[ImportRow]:
    """The rows of an import after a number, of those states, at most `limit`."""
    found = await connection.fetch(
        f"select {_ROW_COLUMNS} from import_rows where account_id = $1 and import_id = $2"  # noqa: S608 - a constant
        " and number > $3 and ($4::text[] is null or state = any($4)) order by number limit $5",
        of.account_id,
        of.id,
        number,
        None if states is None else list(states),
        limit,
    )
    return [_row(row) for row in found]


async def created_before(
    connection: Connection, account_id: UUID, keys: Sequence[bytes]
) -> dict[bytes, UUID]:
    """The deliveries of orders that were imported before, by their keys."""
    found = await connection.fetch(
        "select wanted.key, delivery_id from unnest($2::bytea[]) as wanted (key)"
        " cross join lateral (select delivery_id from import_rows"
        " where account_id = $1 and import_rows.key = wanted.key and delivery_id is not null"
        " limit 1) as there",
        account_id,
        list(keys),
    )
    return {row["key"]: row["delivery_id"] for row in found}


async def forget_phone(connection: Connection, phone: str, account_id: UUID | None) -> int:
    """Empties the rows that name a phone (in E.164), however it is written; returns how many.

    Of one account or of all. Their orders cannot be created any more.
    """
    status = await connection.execute(
        "update import_rows set fields = null, faults = null,"
        " state = case when state = 'ready' then 'wrong' else state end"
        " where fields is not null and ($2::uuid is null or account_id = $2) and ("
        " regexp_replace(fields ->> 'phone', '\\D', '', 'g') like '%' || $1"
        " or regexp_replace(fields ->> 'pickup_phone', '\\D', '', 'g') like '%' || $1)",
        phone[-_COMPARED:],
        account_id,
    )
    return int(status.rpartition(" ")[2])


_COMPARED: Final = 9  # digits: a country, or a trunk prefix, may be written before them


async def forget(
    connection: Connection, fields_after: timedelta, kept: timedelta, limit: int
) -> int:
    """Removes what has had its time; returns how many imports were removed or emptied.

    Files that nobody confirmed, and what is written in rows, `fields_after` so long; imports `kept`
    so long. At most `limit` of each.
    """
    await connection.execute(
        "update imports set state = 'stopped', file = null, next_at = null, ended_at = now()"
        " where state = 'preview' and created_at < now() - $1::interval",
        fields_after,
    )
    old = await connection.fetch(
        "select account_id, id, ended_at < now() - $2::interval as over from imports"
        " where ended_at < now() - $1::interval and (ended_at < now() - $2::interval or exists ("
        "   select from import_rows where import_rows.account_id = imports.account_id"
        "   and import_id = imports.id and fields is not null)) limit $3",
        fields_after,
        kept,
        limit,
    )
    for row in old:
        key = (row["account_id"], row["id"])
        if row["over"]:
            await connection.execute(
                "delete from import_rows where account_id = $1 and import_id = $2", *key
            )
            await connection.execute("delete from imports where account_id = $1 and id = $2", *key)
        else:
            await connection.execute(
                "update import_rows set fields = null, faults = null"
                " where account_id = $1 and import_id = $2 and fields is not null",
                *key,
            )
    return len(old)

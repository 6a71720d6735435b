"""The audit in the database, which is only ever added to, and ends by the month."""

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.accounts.account import Mode
from estafette.core.audit import AuditEntry, By, ByKind
from estafette.store.columns import Columns, parameters
from estafette.store.partitions import Upkeep, index_partitions
from estafette.store.pool import Connection

NEW: Final = Columns[AuditEntry](
    {
        "id": ("uuid", lambda entry: entry.id),
        "by_kind": ("text", lambda entry: entry.by.kind),
        "by_name": ("text", lambda entry: entry.by.name),
        "by_address": ("text", lambda entry: entry.by.address),
        "act": ("text", lambda entry: entry.act),
        "account_id": ("uuid", lambda entry: entry.account_id),
        "mode": ("text", lambda entry: entry.mode),
        "object": ("text", lambda entry: entry.object),
        "changes": ("json", lambda entry: orjson.dumps(entry.changes).decode()),
    }
)
"""What is written of an act."""

_INSERT = f"insert into audit ({', '.join(NEW.types)}) values {parameters(NEW)}"  # noqa: S608 - constants


async def insert(connection: Connection, entry: AuditEntry) -> None:
    """Writes an act down; `at` is the database's clock, whatever the entry says."""
    await connection.execute(_INSERT, *NEW.of_one(entry))


class AuditPosition(NamedTuple):
    """Where an entry stands in the order of the audit."""

    at: datetime
    id: UUID


class AuditFilter(NamedTuple):
    """Which entries: what is None is not asked. `act` may be a kind alone: `key`."""

    account_id: UUID | None = None
    act: str | None = None
    by: str | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_COLUMNS = "id, at, by_kind, by_name, by_address, act, account_id, mode, object, changes"

_CONDITIONS: Final = {
    "since": "at >= {}::timestamptz",
    "until": "at < {}::timestamptz",
    "account_id": "account_id = {}::uuid",
    "act": "act = {}",
    "kind": "act like {} || '.%'",
    "by": "by_name = {}",
    "object": "object = {}",
}
"""What is asked, and by which condition. Those that are not asked are not in the statement, so that
it is planned for those that are: by the index of the rarest."""


async def select(
    connection: Connection, wanted: AuditFilter, after: AuditPosition | None, limit: int
) -> list[AuditEntry]:
    """Returns at most `limit` entries, newest first, those that follow `after`."""
    asked = {name: value for name, value in wanted._asdict().items() if value is not None}
    if wanted.act is not None and "." not in wanted.act:
        asked["kind"] = _literally(asked.pop("act"))
    conditions = [
        _CONDITIONS[name].format(f"${place}") for place, name in enumerate(asked, start=2)
    ]
    values = [*asked.values()]
    if after is not None:
        conditions.append(f"(at, id) < (${len(values) + 2}::timestamptz, ${len(values) + 3}::uuid)")
        values += after
    where = f" where {' and '.join(conditions)}" if conditions else ""
    found = await connection.fetch(
        f"select {_COLUMNS} from audit{where} order by at desc, id desc limit $1",  # noqa: S608 - constants
        limit,
        *values,
    )
    return [_entry(row) for row in found]


def _literally(text: str) -> str:
    """Returns a text as a pattern of `like` that it alone fulfils."""
    return re.sub(r"([\\\\%_])", r"\\\1", text)


async def ending(connection: Connection, text: str) -> list[AuditEntry]:
    """Returns the newest two entries whose id ends with a text. It reads through all of them."""
    found = await connection.fetch(
        f"select {_COLUMNS} from audit where right(id::text, $2) = $1"  # noqa: S608 - a constant
        " order by at desc limit 2",
        text,
        len(text),
    )
    return [_entry(row) for row in found]


def _entry(row: asyncpg.Record) -> AuditEntry:
    return AuditEntry(
        row["id"],
        row["at"],
        By(ByKind(row["by_kind"]), row["by_name"], row["by_address"]),
        row["act"],
        row["account_id"],
        Mode(row["mode"]) if row["mode"] else None,
        row["object"],
        orjson.loads(row["changes"]),
    )


MONTHS_AHEAD = 12

_LOCK_TIMEOUT = "500ms"  # how long others may wait behind us, where we wait for a backup
_ONE_AT_A_TIME = 0x6175646974

_MONTHS = """
select to_char(month, 'YYYY_MM') as suffix, month::date::text as first,
    (month + interval '1 month')::date::text as next
from generate_series(date_trunc('month', now() at time zone 'utc'),
    date_trunc('month', now() at time zone 'utc') + make_interval(months => $1),
    interval '1 month') month
where to_regclass('audit_' || to_char(month, 'YYYY_MM')) is null
order by month
"""

_OVER = """
select child.relname as name
from pg_inherits join pg_class child on child.oid = inhrelid
where inhparent = 'audit'::regclass and child.relname ~ '^audit_[0-9]{4}_[0-9]{2}$'
    and to_date(right(child.relname, 7), 'YYYY_MM') + interval '1 month'
        <= (now() at time zone 'utc') - $1::interval
order by name
"""


async def keep_up(connection: Connection, kept: timedelta | None, done: Upkeep) -> None:
    """Makes the monthly partitions (UTC) from this month to a year ahead, and drops what is over.

    Builds what indexes they lack.

    A month is over `kept` after its end; None: nothing is dropped. Adds to `done` what was done and
    what could not be done now. Does nothing while another process is at it.
    """
    if not await connection.fetchval("select pg_try_advisory_lock($1)", _ONE_AT_A_TIME):
        return
    try:
        for month in await connection.fetch(_MONTHS, MONTHS_AHEAD):
            name = f"audit_{month['suffix']}"
            await _make(connection, name, month["first"], month["next"])
            done.made.append(name)
        await index_partitions(connection, "audit")
        over = [] if kept is None else await connection.fetch(_OVER, kept)
        for row in over:
            await _briefly(connection, f"drop table if exists {row['name']}")
            done.dropped.append(row["name"])
    except Exception as error:  # it is tried again, and what is kept up besides is done
        if connection.is_closed():
            raise
        done.failed["audit"] = str(error) or type(error).__name__
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", _ONE_AT_A_TIME)


async def _make(connection: Connection, name: str, first: str, following: str) -> None:
    """Makes a partition apart and attaches it: that waits for no reader, and writers go on."""
    await _briefly(
        connection,
        f"create table {name} (like audit including defaults including constraints)",
        f"create trigger never_emptied before truncate on {name}"
        " for each statement execute function refuse_audit_change()",
        f"alter table audit attach partition {name} for values"
        f" from ('{first} 00:00:00+00') to ('{following} 00:00:00+00')",
    )


async def _briefly(connection: Connection, *statements: str) -> None:
    """Runs statements in one transaction that waits for no lock for long."""
    async with connection.transaction():
        await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
        for statement in statements:
            await connection.execute(statement)

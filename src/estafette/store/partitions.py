"""The partitioned tables: each day's rows in a table of their own, which is dropped when over.

Nobody's writing waits for this. A partition is built apart and attached; every lock is asked for
with a short timeout, and what could not be done now is tried again in the next round. Until a day
has its partition, its rows are in the default one:

- a few are taken along when their partition is made;
- many, as after days without upkeep, are left where they are: the default partition itself becomes
  the partition of those days, and an empty one takes its place. However many rows it has, that is a
  change of names; that all of them are of those days was checked before, without a lock that
  anybody waits for.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.ids import first_id_of, time_of
from estafette.core.quotes.quote import VALIDITY
from estafette.core.retention import IDEMPOTENCY, Retention
from estafette.store.pool import Connection

_DAY: Final = timedelta(days=1)
_DAYS_AHEAD: Final = 7
_LOCK_TIMEOUT: Final = "100ms"  # how long others may wait behind us, where we wait for a backup
_FEW_ROWS: Final = 5_000  # are moved while the default partition is locked
_FEW_DAYS: Final = 3
_MOST_DAYS: Final = 1_000
_LAST_DAY: Final = 2_900_000  # what a row says that is beyond is no time
_CHECK_SECONDS: Final = 1800
_ONE_AT_A_TIME: Final = 0x6D61696E74
_CHECK: Final = "of_these_days"


class Partitioned(NamedTuple):
    """A table whose partitions are days, by `column`: a time, or an id that begins with one."""

    name: str
    column: str
    by_id: bool
    kept: Callable[[Retention], timedelta]

    @property
    def default(self) -> str:
        """The partition of the rows whose day has none."""
        return f"{self.name}_default"

    def at(self, moment: datetime) -> str:
        """Returns the literal that a partition begins or ends at."""
        return f"'{first_id_of(moment) if self.by_id else moment.isoformat()}'"

    @property
    def day(self) -> str:
        """The expression for the day of a row, as days since 1970 (UTC)."""
        if not self.by_id:
            return f"floor(extract(epoch from {self.column}) / 86400)::bigint"
        bits = f"('x' || left(replace({self.column}::text, '-', ''), 12))::bit(48)"
        return f"{bits}::bigint / 86400000"


def _attempts(retention: Retention) -> timedelta:
    return retention.attempts


def _idempotency(_: Retention) -> timedelta:
    return IDEMPOTENCY


def _requests(retention: Retention) -> timedelta:
    return retention.requests


def _positions(retention: Retention) -> timedelta:
    return retention.positions


def _quotes(retention: Retention) -> timedelta:
    return VALIDITY + retention.quotes


PARTITIONED: Final = (
    Partitioned("attempts", "started_at", by_id=False, kept=_attempts),
    Partitioned("idempotency", "created_at", by_id=False, kept=_idempotency),
    Partitioned("quotes", "id", by_id=True, kept=_quotes),
    Partitioned("api_requests", "at", by_id=False, kept=_requests),
    Partitioned("position_history", "received_at", by_id=False, kept=_positions),
)
"""Every partitioned table, and how long after its end a day is kept."""


class _Partition(NamedTuple):
    """A partition and its bounds; `first` is None where it has no beginning."""

    name: str
    first: datetime | None
    next: datetime

    def holds(self, moment: datetime) -> bool:
        """Returns whether rows of that moment belong into it."""
        return (self.first is None or self.first <= moment) and moment < self.next


@dataclass
class Upkeep:
    """What was done: the partitions made and dropped, and the tables of which something was not."""

    made: list[str] = field(default_factory=list[str])
    dropped: list[str] = field(default_factory=list[str])
    failed: dict[str, str] = field(default_factory=dict[str, str])


async def keep_up(connection: Connection, retention: Retention | None) -> Upkeep:
    """Makes the partitions of the days to come, empties the default ones.

    With a `retention` it drops what is over, too.

    What one table or day cannot have now stops none of the others; it is among `failed`. Does
    nothing while another process is at it. Raises when the connection is lost.
    """
    done = Upkeep()
    if not await connection.fetchval("select pg_try_advisory_lock($1)", _ONE_AT_A_TIME):
        return done
    try:
        for table in PARTITIONED:
            await _Table(connection, table, done).keep_up(retention)
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", _ONE_AT_A_TIME)
    return done


_EXISTING = """
select child.relname, pg_get_expr(child.relpartbound, child.oid) as bound
from pg_inherits join pg_class child on child.oid = inhrelid
where inhparent = $1::text::regclass
"""
_LACKING = """
select index.relname as index, child.relname as partition, pg_get_indexdef(index.oid) as definition,
    exists (
        select from pg_index where indexrelid = to_regclass(child.relname || '_' || index.relname)
            and not indisvalid
    ) as is_broken
from pg_index join pg_class index on index.oid = pg_index.indexrelid
join pg_inherits on inhparent = indrelid join pg_class child on child.oid = inhrelid
where indrelid = $1::text::regclass and not exists (
    select from pg_inherits attached join pg_index of_child
        on of_child.indexrelid = attached.inhrelid
    where attached.inhparent = pg_index.indexrelid and of_child.indrelid = child.oid
)
order by child.relname desc, index.relname
"""
_BOUND = re.compile(r"FROM \((?:MINVALUE|'([^']+)')\) TO \('([^']+)'\)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def index_partitions(connection: Connection, table: str) -> None:
    """Builds what indexes of a table its partitions lack, beside their writers.

    A migration makes such an index of the table alone: to build it for the partitions would keep
    their writers waiting.
    """
    async with connection.transaction():
        lacking = await connection.fetch(_LACKING, table)
    for index, partition, definition, is_broken in lacking:
        name = f"{partition}_{index}"
        if is_broken:  # its building was interrupted
            await connection.execute(
                f"drop index concurrently if exists {name}", timeout=_CHECK_SECONDS
            )
        _, _, columns = definition.partition(" USING ")
        await connection.execute(
            f"create index concurrently if not exists {name} on {partition} using {columns}",
            timeout=_CHECK_SECONDS,
        )
        async with connection.transaction():
            await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
            await connection.execute(f"alter index {index} attach partition {name}")


class _Table:
    """The upkeep of one table."""

    def __init__(self, connection: Connection, table: Partitioned, done: Upkeep) -> None:
        self._connection = connection
        self._table = table
        self._done = done
        self._partitions: list[_Partition] = []

    async def keep_up(self, retention: Retention | None) -> None:
        """Does all that can be done now."""
        now = await self._connection.fetchval("select clock_timestamp()")
        today = _EPOCH + (now - _EPOCH) // _DAY * _DAY
        await self._try(self._forget_check())
        await self._try(self._read())
        for ahead in range(1, _DAYS_AHEAD + 1):
            await self._try(self._make(today + ahead * _DAY))
        await self._try(self._empty_default(today))
        await self._try(self._make(today))
        await self._try(index_partitions(self._connection, self._table.name))
        if retention is None:
            return
        over = now - self._table.kept(retention)
        for partition in list(self._partitions):
            if partition.next <= over:
                await self._try(self._drop(partition))
        await self._try(self._remove_strays(over))

    async def _try(self, step: Awaitable[None]) -> None:
        """Takes a step; where that fails, notes why and goes on."""
        try:
            await step
        except Exception as error:  # of this table or day: the others have theirs
            if self._connection.is_closed():
                raise
            self._done.failed[self._table.name] = str(error) or type(error).__name__

    @asynccontextmanager
    async def _briefly(self) -> AsyncGenerator[None]:
        """A transaction that waits for no lock for long."""
        async with self._connection.transaction():
            await self._connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
            yield

    async def _read(self) -> None:
        """Learns what partitions there are."""
        async with self._connection.transaction():
            await self._connection.execute("set local timezone = 'UTC'")
            found = await self._connection.fetch(_EXISTING, self._table.name)
        for name, bound in found:
            if matched := _BOUND.search(bound):
                first, following = matched.groups()
                begin = None if first is None else self._moment(first)
                self._partitions.append(_Partition(name, begin, self._moment(following)))

    def _moment(self, text: str) -> datetime:
        return time_of(UUID(text)) if self._table.by_id else datetime.fromisoformat(text)

    async def _make(self, day: datetime) -> None:
        """Makes a day's partition, with what the default partition has of that day.

        Does nothing when it is there, or when its rows are many.
        """
        if any(one.holds(day) for one in self._partitions):
            return
        parent, default, following = self._table.name, self._table.default, day + _DAY
        name = f"{parent}_{day:%Y_%m_%d}"
        of_day = self._between(day, following)
        if await self._are_many(of_day):
            return
        async with self._briefly():
            await self._execute(
                f"create table {name} (like {parent} including all)",
                f"lock table {default} in access exclusive mode",
                f"with taken as (delete from {default} where {of_day} returning *)"  # noqa: S608 - names of ours
                f" insert into {name} select * from taken",
                f"alter table {parent} attach partition {name} for values"
                f" from ({self._table.at(day)}) to ({self._table.at(following)})",
            )
        self._made(_Partition(name, day, following))

    async def _empty_default(self, today: datetime) -> None:
        """Gives the rows of the default partition partitions of their own.

        Where rows are many in two places that a partition stands between, they stay: see
        `_remove_strays`.
        """
        found = await self._connection.fetch(
            f"select distinct {self._table.day} from {self._table.default} limit {_MOST_DAYS}",  # noqa: S608 - names of ours
            timeout=_CHECK_SECONDS,
        )
        days = sorted(_EPOCH + row[0] * _DAY for row in found if row[0] < _LAST_DAY)
        many: list[Sequence[datetime]] = []
        for _, group in groupby(days, self._end_before):
            gap = list(group)
            if len(gap) > _FEW_DAYS or await self._are_many(self._between(gap[0], gap[-1] + _DAY)):
                many.append(gap)
                continue
            for day in gap:
                await self._try(self._make(day))
        if len(many) == 1:
            last = many[0][-1]
            following = self._first_after(last)
            if following is None or last < today < following:
                last = max(last, today)
            await self._retire_default(self._end_before(last), last + _DAY)

    async def _retire_default(self, first: datetime | None, end: datetime) -> None:
        """Lets the default partition become that of `first` to `end`, and an empty one follow it.

        Meanwhile rows of other days are refused, so there must be partitions for those to come.
        """
        if not any(one.holds(end) for one in self._partitions):
            return
        parent, default = self._table.name, self._table.default
        name = f"{parent}_{end - _DAY:%Y_%m_%d}"
        begin = "minvalue" if first is None else self._table.at(first)
        async with self._briefly():
            await self._execute(
                f"alter table {default} add constraint {_CHECK}"
                f" check ({self._between(first, end)}) not valid"
            )
        try:
            async with self._connection.transaction():
                await self._execute(f"set local statement_timeout = '{_CHECK_SECONDS}s'")
                await self._execute(f"alter table {default} validate constraint {_CHECK}")
            async with self._briefly():
                await self._execute(
                    f"alter table {parent} detach partition {default}",
                    f"alter table {default} rename to {name}",
                    f"alter table {parent} attach partition {name} for values"
                    f" from ({begin}) to ({self._table.at(end)})",
                    f"alter table {name} drop constraint {_CHECK}",
                    f"create table {default} (like {parent} including all)",
                    f"alter table {parent} attach partition {default} default",
                )
        except asyncpg.PostgresError:
            await self._forget_check()
            raise
        self._made(_Partition(name, first, end))

    async def _forget_check(self) -> None:
        """Lets the default partition take rows of any day, also after a process that was killed."""
        left = await self._connection.fetchval(
            "select exists (select from pg_constraint where conname = $1"
            " and conrelid = $2::text::regclass)",
            _CHECK,
            self._table.default,
        )
        if left:
            async with self._connection.transaction():  # waits: rows may be refused meanwhile
                await self._execute(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                await self._execute(
                    f"alter table {self._table.default} drop constraint if exists {_CHECK}"
                )

    async def _drop(self, partition: _Partition) -> None:
        async with self._briefly():
            await self._execute(f"drop table if exists {partition.name}")
        self._partitions.remove(partition)
        self._done.dropped.append(partition.name)

    async def _remove_strays(self, over: datetime) -> None:
        """Removes from the default partition what is over: what could get no partition."""
        default = self._table.default
        await self._execute(
            f"delete from {default} where ctid = any (array("  # noqa: S608 - names of ours
            f"select ctid from {default} where {self._between(None, over)} limit {_FEW_ROWS}))"
        )

    async def _are_many(self, where: str) -> bool:
        """Returns whether the default partition has more rows there than are moved at once."""
        count = await self._connection.fetchval(
            f"select count(*) from (select from {self._table.default} where {where}"  # noqa: S608 - names of ours
            f" limit {_FEW_ROWS + 1}) as counted",
            timeout=_CHECK_SECONDS,
        )
        return count > _FEW_ROWS

    def _between(self, first: datetime | None, end: datetime) -> str:
        """Returns the condition for rows from `first` on and before `end`."""
        column = self._table.column
        before_end = f"{column} < {self._table.at(end)}"
        return (
            before_end if first is None else f"{column} >= {self._table.at(first)} and {before_end}"
        )

    def _end_before(self, day: datetime) -> datetime | None:
        """Returns where the last partition before a day ends; None: there is none."""
        return max((one.next for one in self._partitions if one.next <= day), default=None)

    def _first_after(self, day: datetime) -> datetime | None:
        """Returns where the first partition after a day begins; None: there is none."""
        firsts = [one.first for one in self._partitions if one.first is not None]
        return min((first for first in firsts if first > day), default=None)

    def _made(self, partition: _Partition) -> None:
        self._partitions.append(partition)
        self._done.made.append(partition.name)

    async def _execute(self, *statements: str) -> None:
        for statement in statements:
            await self._connection.execute(statement, timeout=_CHECK_SECONDS)

"""What age costs: each operation on a database with a year of history, against a fresh one.

Both run at once, each with a server of its own, and take turns at each operation, so that whatever
else the machine does disturbs both. All operations are mixed on the same connections: a statement
that was prepared for one filter soon serves the next. It is measured twice: before PostgreSQL knows
anything of the tables, as after a backup was restored, and with the statistics that autovacuum
keeps.
"""

import asyncio
import statistics
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import uuid4

import asyncpg

from bench.aged_operations import Contents, Operation, Refused, Side, contents, operations
from bench.listing import Asker
from bench.load import percentile
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import Stage
from bench.stocks import Stock, aged, fresh, stock
from estafette.app import open_platform
from estafette.settings import Settings
from estafette.store.pool import Connection

_T = TypeVar("_T")

NAME = "aged_vs_fresh"
REACH = 1.5

_WARM_UP = 12  # turns: a connection may take a generic plan from the sixth execution on
_LONGEST_SECONDS = 1.5  # of one operation in a round, on one side
_TOLD = 3  # of the slowest operations, in each round

# Autovacuum's own work would disturb one side alone; what it would have done is done in between.
_STILL = {"autovacuum_naptime": "1d"}


@dataclass
class Measured:
    """What one operation took, in seconds: a list for each side in each round.

    `rows` are those shown, `refused` says what was wrong with an answer.
    """

    aged: list[list[float]] = field(default_factory=list[list[float]])
    fresh: list[list[float]] = field(default_factory=list[list[float]])
    rows: tuple[int, int] = (0, 0)
    refused: str | None = None

    def p99s(self) -> tuple[float, float] | None:
        """The medians of the rounds' 99th percentiles, in milliseconds."""
        pairs = self._pairs()
        if not pairs:
            return None
        aged, fresh = (statistics.median(p99s) for p99s in zip(*pairs, strict=True))
        return aged, fresh

    def ratio(self) -> float | None:
        """The median of the rounds' ratios; None where an answer was wrong."""
        pairs = self._pairs()
        if self.refused or not pairs:
            return None
        return statistics.median(aged / fresh for aged, fresh in pairs)

    def _pairs(self) -> list[tuple[float, float]]:
        return [
            (percentile(aged, 99), percentile(fresh, 99))
            for aged, fresh in zip(self.aged, self.fresh, strict=True)
            if aged and fresh
        ]


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The worst of all operations' ratios, with and without statistics."""
    found: dict[str, dict[str, Measured]] = {}
    async with stock(*aged(plan), _STILL) as old, stock(*fresh(plan), _STILL) as new:
        both = [(one, await _done(one, contents)) for one in (old, new)]
        phases = (
            ("without statistics", _forget_statistics, max(2, plan.aged_rounds // 2)),
            ("with statistics", _gather_statistics, plan.aged_rounds),
        )
        for phase, prepare, rounds in phases:
            for one in (old, new):
                await _done(one, prepare)
            found[phase] = await _phase(stage, plan, both, rounds)
        counts = (old.large.count, new.large.count)
    say(_table(found))
    return figure(found, {"deliveries": plan.history, "of_the_tenant": counts})


def figure(found: Mapping[str, Mapping[str, Measured]], detail: Mapping[str, object]) -> Figure:
    """The figure of what was measured: by phase, by operation."""
    every = [(phase, name, one) for phase, of in found.items() for name, one in of.items()]
    refused = sorted({f"{name}: {one.refused}" for _, name, one in every if one.refused})
    ratios = [(ratio, phase, name) for phase, name, one in every if (ratio := one.ratio())]
    worst, phase, name = max(ratios, default=(0.0, "", ""))
    beyond = len({name for ratio, _, name in ratios if ratio > REACH})
    p99s = found[phase][name].p99s() if ratios else None
    shown = p99s and (
        f"{name}, {phase}: p99 {p99s[0]:.1f} ms against {p99s[1]:.1f} ms;"
        f" {beyond} of {len(found[phase])} operations are beyond it"
    )
    return Figure(
        NAME,
        None if refused or not ratios else round(worst, 2),
        REACH,
        "times",
        detail={
            **detail,
            "worst": round(worst, 2),
            "operations": {
                phase: {name: _detail(one) for name, one in of.items()}
                for phase, of in found.items()
            },
        },
        shown=shown or "",
        missing=f"answered wrongly: {'; '.join(refused)}" if refused else None,
    )


def _detail(of: Measured) -> dict[str, object]:
    ratio, p99s = of.ratio(), of.p99s()
    return {
        "ratio": ratio and round(ratio, 2),
        "p99_ms": p99s and [round(p99, 2) for p99 in p99s],
        "samples": [sum(map(len, side)) for side in (of.aged, of.fresh)],
        "rows": of.rows,
        **({"refused": of.refused} if of.refused else {}),
    }


def _table(found: Mapping[str, Mapping[str, Measured]]) -> str:
    lines = [f"  {'p99 in ms, aged and fresh':<34}" + "".join(f"{phase:^30}" for phase in found)]
    names = list(dict.fromkeys(name for of in found.values() for name in of))
    for name in names:
        cells: list[str] = []
        for of in found.values():
            one = of.get(name)
            ratio, p99s = (one.ratio(), one.p99s()) if one else (None, None)
            if one is None or p99s is None or ratio is None:
                cells.append(f"{(one and one.refused) or '-':.28}".rjust(30))
                continue
            mark = "*" if ratio > REACH else " "
            cells.append(f"{p99s[0]:10.1f}{p99s[1]:9.1f}{ratio:9.2f}{mark} ")
        lines.append(f"  {name:<34}" + "".join(cells))
    return "\n".join(lines)


async def _phase(
    stage: Stage, plan: Plan, both: Sequence[tuple[Stock, Contents]], rounds: int
) -> dict[str, Measured]:
    """All operations, with new servers and connections.

    What seems to be beyond the reach is measured in as many rounds again: of so many operations
    the worst is else the one that the machine disturbed most.
    """
    every = operations()
    async with _side(stage, *both[0]) as of_old, _side(stage, *both[1]) as of_new:
        sides = (of_old, of_new)

        async def measured(number: int, of: Sequence[Operation], samples: int) -> None:
            for side in sides:
                await side.fill_outbox(samples)
            turns = range(number * 10_000, number * 10_000 + samples)
            await _round(of, sides, turns, found)

        found = {one.name: Measured() for one in every}
        await measured(0, every, _WARM_UP)  # caches fill, plans are made
        found = {one.name: Measured() for one in every}
        for number in range(1, 2 * rounds + 1):
            ratios = {name: one.ratio() or 0.0 for name, one in found.items()}
            slow = [one for one in every if ratios[one.name] > REACH]
            if number > rounds and not slow:
                break
            await measured(number, every if number <= rounds else slow, plan.aged_samples)
            ratios = {name: one.ratio() or 0.0 for name, one in found.items()}
            worst = sorted(ratios, key=lambda name: -ratios[name])[:_TOLD]
            told = ", ".join(f"{name} {ratios[name]:.2f}" for name in worst)
            say(f"  {NAME}: round {number}: {told}")
    return found


async def _round(
    every: Sequence[Operation],
    sides: tuple[Side, Side],
    turns: range,
    found: Mapping[str, Measured],
) -> None:
    spent: dict[tuple[str, int], float] = defaultdict(float)
    for operation in every:
        found[operation.name].aged.append([])
        found[operation.name].fresh.append([])
    for turn in turns:
        for operation in every:
            if turn % operation.each or _is_spent(spent, operation):
                continue
            measured = found[operation.name]
            rows = [0, 0]
            for which in (0, 1) if turn % 2 else (1, 0):
                try:
                    took = await operation.measure(sides[which], turn)
                except Refused as error:
                    measured.refused = str(error)
                    continue
                (measured.aged, measured.fresh)[which][-1].append(took.seconds)
                spent[operation.name, which] += took.seconds
                rows[which] = took.rows or 0
            measured.rows = (measured.rows[0] + rows[0], measured.rows[1] + rows[1])
            await asyncio.sleep(0)  # a signal to stop is heard here


def _is_spent(spent: Mapping[tuple[str, int], float], operation: Operation) -> bool:
    return any(spent[operation.name, which] > _LONGEST_SECONDS for which in (0, 1))


@asynccontextmanager
async def _side(stage: Stage, of: Stock, holding: Contents) -> AsyncGenerator[Side]:
    """A server over a database, and the rest of what operations are done with."""
    async with AsyncExitStack() as stack:
        base_url, _ = await stack.enter_async_context(of.stage(stage).server())
        asker = Asker(base_url)
        stack.callback(asker.close)
        settings = Settings(database_url=of.dsn, secret_key=of.secret_key)
        platform = await stack.enter_async_context(open_platform(settings))
        connection = await stack.enter_async_context(platform.pool.acquire())
        yield Side(of, holding, asker, platform, connection, f"a{uuid4().hex[:12]}")


async def _done(of: Stock, what: Callable[[Connection, Stock], Awaitable[_T]]) -> _T:
    """Does something over a connection of its own, however long it takes."""
    connection = await asyncpg.connect(of.dsn, command_timeout=600)
    try:
        return await what(connection, of)
    finally:
        await connection.close()


async def _forget_statistics(connection: Connection, _: Stock) -> None:
    """As after a restore: PostgreSQL knows nothing of what the tables hold."""
    try:
        for statement in _FORGET:
            await connection.execute(statement)
    except asyncpg.UndefinedFunctionError as error:
        raise BenchError(f"PostgreSQL 18 is needed to forget statistics: {error}") from error


_FORGET = (
    "select pg_clear_attribute_stats(schemaname, tablename, attname, inherited)"
    " from pg_stats where schemaname = current_schema()",
    "select pg_clear_relation_stats(relnamespace::regnamespace::text, relname)"
    " from pg_class where relkind in ('r', 'i')"
    " and relnamespace = current_schema()::regnamespace",
)


async def _gather_statistics(connection: Connection, _: Stock) -> None:
    await connection.execute("vacuum (analyze)")

"""What a GET of one account loses while another asks for the most that a list can be asked for.

The large account of the aged database sends deep searches and lists over forty connections, each
as soon as the one before is answered or refused. Another account's GETs come at a constant rate and
are measured from when they were due, so that whatever waits is charged for.
"""

import asyncio
import statistics
import time
from urllib.parse import urlencode

import asyncpg

from bench.crowd import Seen as Crowd
from bench.crowd import crowd, request
from bench.load import Seen, Task, head_of, measured
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import Stage
from bench.stocks import Stock, aged, stock
from estafette.app import shown_id

NAME = "tenant_p99_shift_ms"
REACH = 50.0

_CONNECTIONS = 40
_PER_SECOND = 50.0
_PATIENCE_SECONDS = 60.0
_WARM_UP_SECONDS = 1.0
_ROUNDS = 3
_GETS = 200
_QUERIES = (
    {"search": "a", "status": "delivered", "offset": 100_000, "sort": "inserted_at_asc"},
    {"status": "delivered,failed", "offset": 100_000},
    {"search": "maianga", "status": "cancelled", "offset": 100_000},
    {"search": "a", "status": "stalled", "sort": "inserted_at_asc"},
)


async def measure(stage: Stage, plan: Plan) -> Figure:
    """By how much the 99th percentile grows; the median of the rounds."""
    rounds: list[tuple[Seen, Seen]] = []
    crowds: list[Crowd] = []
    async with stock(*aged(plan)) as found, found.stage(stage).server() as (base_url, _):
        paths = await _paths(found)

        async def gets() -> Seen:
            host, _, port = base_url.removeprefix("http://").partition(":")
            task = Task(
                host=host,
                port=int(port),
                head=head_of(base_url, f"x-api-key: {found.large_kz.api_key}"),
                what="paths",
                per_second=_PER_SECOND,
                seconds=plan.crowd_seconds,
                warm_up_seconds=_WARM_UP_SECONDS,
                connections=16,
                paths=paths,
                patience_seconds=_PATIENCE_SECONDS,
            )
            return await measured(task, stage.folder)

        authorized = {"Authorization": f"Bearer {found.large.api_key}"}
        requests = [
            request(base_url, "GET", f"/v1/deliveries?{urlencode(query)}", authorized)
            for query in _QUERIES
        ]
        seconds = plan.crowd_seconds + 2 * _WARM_UP_SECONDS + 1
        for number in range(1, _ROUNDS + 1):
            alone = await gets()
            async with crowd(base_url, stage.folder, _CONNECTIONS, seconds, requests) as seen:
                beside = await gets()
            rounds.append((alone, beside))
            crowds.append(seen)
            say(
                f"  {NAME}: round {number} of {_ROUNDS}: p99 {alone.p99_ms:.1f} ms alone,"
                f" {beside.p99_ms:.1f} ms beside {sum(seen.statuses.values())} lists"
            )
            await _quiet(found)
    return figure(rounds, crowds)


def figure(rounds: list[tuple[Seen, Seen]], crowds: list[Crowd]) -> Figure:
    """The figure of what the rounds saw: GETs alone and beside the crowd, and the crowd."""
    alone, beside = (
        statistics.median(seen.p99_ms for seen in of) for of in zip(*rounds, strict=True)
    )
    refused = sum(seen.refused for of in rounds for seen in of)
    shift = statistics.median(beside.p99_ms - alone.p99_ms for alone, beside in rounds)
    return Figure(
        NAME,
        None if refused else round(shift, 1),
        REACH,
        "ms",
        detail={
            "rounds": [[round(seen.p99_ms, 1) for seen in of] for of in rounds],
            "slowest_ms": round(max(beside.max_ms for _, beside in rounds), 1),
            "gets_refused": refused,
            "answers_to_the_crowd": [seen.statuses for seen in crowds],
            "hung_up": [seen.hung_up for seen in crowds],
        },
        shown=f"p99 {alone:.1f} ms alone, {beside:.1f} ms beside {_CONNECTIONS} deep lists at once",
        missing=f"{refused} GETs were refused" if refused else None,
    )


async def _paths(of: Stock) -> tuple[str, ...]:
    connection = await asyncpg.connect(of.dsn, command_timeout=60)
    try:
        found = await connection.fetch(
            "select id from deliveries where mode = 'live' and account_id = $1"
            " order by created_at desc, id desc limit $2",
            of.large_kz.account.id,
            _GETS,
        )
    finally:
        await connection.close()
    dialect = of.large_kz.account.dialect
    return tuple(f"/delivery/v1/deliveries/{shown_id(dialect, row['id'])}" for row in found)


async def _quiet(of: Stock) -> None:
    """Waits until the database has done with what the crowd left behind."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    connection = await asyncpg.connect(of.dsn, command_timeout=60)
    try:
        while await connection.fetchval(_BUSY):
            if time.monotonic() > deadline:
                raise BenchError("the server's database is still busy with what nobody waits for")
            await asyncio.sleep(0.2)
    finally:
        await connection.close()


_BUSY = """
select exists (select from pg_stat_activity
    where datname = current_database() and state = 'active' and application_name = 'estafette')
"""

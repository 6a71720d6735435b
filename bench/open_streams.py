"""Five thousand open pages of people: what each costs a server, and how soon all hear of a change.

All are lists of the same account's deliveries, of members who have as many open as one may. The
readers are in the bench's own process; a delivery is created, and it is watched who hears of it.
"""

import asyncio
import os
import resource
import statistics
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from bench.people import cookie_of_owner
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import Stage
from bench.streams import MANY, PATIENCE_SECONDS, Reader, open_streams
from estafette.http.events import MOST_STREAMS_EACH
from estafette.usecases.deliveries.changes import moment
from estafette.usecases.platform import clock

NAME = "open_streams_kib"
REACH = 25.0

_FIRST = 500
"""How many are open before memory is looked at: they load what all need, and fill its gaps."""

_OTHERS = 500
"""How many files the bench has open besides."""


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The memory that each stream adds to a server of its own; the time until all have heard."""
    count = min(plan.streams, _most_files() - _OTHERS)
    own = replace(stage, environment={**stage.environment, **MANY})
    account_id: UUID = await stage.connection.fetchval(
        "select account_id from api_keys order by created_at limit 1"
    )
    heard: list[float] = []
    async with own.server() as (base_url, pid):
        cookies = [
            await cookie_of_owner(stage.connection, account_id, base_url)
            for _ in range(-(-count // MOST_STREAMS_EACH))
        ]
        path = f"/console/{account_id.hex}/live/deliveries/news?seen={moment(clock())}"
        every = [cookies[number // MOST_STREAMS_EACH] for number in range(count)]
        readers = await open_streams(base_url, path, every[:_FIRST])
        before = _resident_kib(pid)
        try:
            began = time.monotonic()
            readers += await open_streams(base_url, path, every[_FIRST:])
            opened = time.monotonic() - began
            await asyncio.sleep(plan.idle_seconds)
            each = (_resident_kib(pid) - before) / (count - _FIRST)
            say(f"  {NAME}: {count} open after {opened:.0f} s, {each:.1f} KiB each")
            for _ in range(plan.rounds):
                heard.append(await _round(own, base_url, readers))
                await asyncio.sleep(1)
        finally:
            for one in readers:
                one.writer.close()
    slowest = statistics.median(heard)
    say(f"  {NAME}: all heard after {slowest:.2f} s ({min(heard):.2f} to {max(heard):.2f})")
    return Figure(
        NAME,
        round(each, 1),
        REACH,
        "KiB",
        detail={
            "streams": count,
            "all_heard_seconds": round(slowest, 2),
            "rounds": [round(seconds, 2) for seconds in heard],
        },
        shown=f"{count:,} open; all heard of a delivery after {slowest:.2f} s (< 1 s)",
    )


async def _round(stage: Stage, base_url: str, readers: list[Reader]) -> float:
    """Creates a delivery; returns how many seconds after its answer the last reader heard of it."""
    waiting = [asyncio.create_task(one.news()) for one in readers]
    await stage.create_one(base_url)
    created = asyncio.get_running_loop().time()
    done, late = await asyncio.wait(waiting, timeout=PATIENCE_SECONDS)
    for one in late:
        one.cancel()
    if late:
        raise BenchError(f"{len(late)} of {len(readers)} streams heard nothing")
    return max(0.0, max(one.result() for one in done) - created)


def _most_files() -> int:
    """Raises the limit of open files as far as the system allows; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _resident_kib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024

"""How much of a create's punctuality is left while 1,000 positions a second come in.

Creates come at a fixed rate that leaves room, once alone and once beside the positions; the figure
is the 99th percentile alone to the one beside: 0.83 is 1.2 times as long.
"""

import asyncio
import statistics
from dataclasses import replace

from bench.load import Seen, measured
from bench.plan import Plan, say
from bench.positions import paths_of_drivers, tell
from bench.report import Figure
from bench.stage import Stage

NAME = "create_beside_positions"
REACH = round(1 / 1.2, 2)

_PER_SECOND = 100.0
_WARM_UP_SECONDS = 2.0
_TIMES = 2
"""So many times the rounds of a steady run: a 99th percentile needs many creates, and none longer,
since a connection that is idle for long is ended."""


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The median of the rounds' ratios: neighbours in time share the noise of the machine."""
    paths = await paths_of_drivers(stage.connection)
    rounds: list[tuple[Seen, Seen, Seen]] = []
    seconds, count = plan.steady_seconds, _TIMES * plan.steady_rounds
    for number in range(1, count + 1):
        alone = await _creates(stage, seconds)
        beside, told = await asyncio.gather(_creates(stage, seconds), tell(stage, paths, seconds))
        rounds.append((alone, beside, told))
        say(
            f"  {NAME}: round {number} of {count}: p99 {alone.p99_ms:.1f} ms alone,"
            f" {beside.p99_ms:.1f} ms beside {told.per_second:,.0f} positions/s"
            f" (p99 {told.p99_ms:.1f} ms)"
        )
    ratios = [alone.p99_ms / beside.p99_ms for alone, beside, _ in rounds]
    alone, beside = (statistics.median(each[place].p99_ms for each in rounds) for place in (0, 1))
    return Figure(
        NAME,
        round(statistics.median(ratios), 3),
        REACH,
        detail={
            "creates_per_second": _PER_SECOND,
            "p99_ms": [[round(one.p99_ms, 2) for one in each] for each in rounds],
        },
        shown=f"p99 {alone:.1f} ms alone, {beside:.1f} ms beside them",
    )


async def _creates(stage: Stage, seconds: float) -> Seen:
    number = stage.new_run()
    creates = stage.creates(f"s{number}-", number, seconds)
    task = replace(creates, per_second=_PER_SECOND, warm_up_seconds=_WARM_UP_SECONDS)
    return (await measured(task, stage.folder)).must_be_clean()

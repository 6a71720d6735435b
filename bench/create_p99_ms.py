"""The 99th percentile of a create's latency at half of the most creates a second."""

import statistics
from dataclasses import replace

from bench.load import Seen, measured
from bench.plan import Plan
from bench.report import Figure
from bench.stage import Stage
from bench.steady import p99_at

NAME = "create_p99_ms"
REACH = 18.0

_WARM_UP_SECONDS = 2.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """A constant rate, whatever the server does (see `bench.load`); the median of some runs."""
    rate = await _most(stage, plan) / 2

    async def run() -> Seen:
        return await _load(stage, rate, plan.steady_seconds)

    return await p99_at(rate, NAME, REACH, plan, run)


async def _most(stage: Stage, plan: Plan) -> float:
    """The most creates a second: what the comparison with pgbench saw, or a measurement of it."""
    if stage.most_creates is None:
        await stage.create_for(2)
        runs = [await stage.create_for(plan.create_seconds) for _ in range(3)]
        stage.most_creates = statistics.median(run.per_second for run in runs)
    return stage.most_creates


async def _load(stage: Stage, rate: float, seconds: float) -> Seen:
    number = stage.new_run()
    creates = stage.creates(f"s{number}-", number, seconds)
    task = replace(creates, per_second=rate, warm_up_seconds=_WARM_UP_SECONDS)
    return await measured(task, stage.folder)

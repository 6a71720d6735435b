"""The 99th percentile of a create's latency at half of the most creates a second."""

import statistics
from dataclasses import asdict, replace

from bench.load import Seen, measured
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import Stage

NAME = "create_p99_ms"
REACH = 18.0

_WARM_UP_SECONDS = 2.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """A constant rate, whatever the server does (see `bench.load`); the median of some runs."""
    rate = await _most(stage, plan) / 2
    runs: list[Seen] = []
    for number in range(1, plan.steady_rounds + 1):
        seen = await _load(stage, rate, plan.steady_seconds)
        if seen.refused:
            raise BenchError(f"{seen.refused} of {seen.requests} creates were refused")
        runs.append(seen)
        say(
            f"  {NAME}: run {number} of {plan.steady_rounds}: {seen.per_second:,.0f} of"
            f" {rate:,.0f}/s, p99 {seen.p99_ms:.1f} ms, own lag {seen.lag_p99_ms:.1f} ms"
        )
    middle = sorted(runs, key=lambda seen: seen.p99_ms)[(len(runs) - 1) // 2]
    return Figure(
        NAME,
        round(middle.p99_ms, 2),
        REACH,
        "ms",
        detail={
            "asked_per_second": round(rate),
            "p99_ms_of_runs": [round(seen.p99_ms, 2) for seen in runs],
            **{
                name: round(value, 2) if isinstance(value, float) else value
                for name, value in asdict(middle).items()
            },
        },
        shown=(
            f"at {middle.per_second:,.0f}/s: median {middle.p50_ms:.1f} ms,"
            f" slowest {middle.max_ms:.0f} ms; the generator's own lag {middle.lag_p99_ms:.1f} ms"
        ),
    )


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

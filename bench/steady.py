"""Latency at a constant rate, whatever the server does (see `bench.load`): some runs of it."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from bench.load import Seen
from bench.plan import Plan, say
from bench.report import Figure


async def p99_at(
    rate: float, name: str, reach: float, plan: Plan, run: Callable[[], Awaitable[Seen]]
) -> Figure:
    """The 99th percentile of the run in the middle of some, each at `rate` requests a second.

    Raises BenchError when anything was refused.
    """
    runs: list[Seen] = []
    for number in range(1, plan.steady_rounds + 1):
        seen = (await run()).must_be_clean()
        runs.append(seen)
        say(
            f"  {name}: run {number} of {plan.steady_rounds}: {seen.per_second:,.0f} of"
            f" {rate:,.0f}/s, p99 {seen.p99_ms:.1f} ms, own lag {seen.lag_p99_ms:.1f} ms"
        )
    middle = sorted(runs, key=lambda seen: seen.p99_ms)[(len(runs) - 1) // 2]
    figures = {
        part: round(value, 2) if isinstance(value, float) else value
        for part, value in asdict(middle).items()
    }
    return Figure(
        name,
        round(middle.p99_ms, 2),
        reach,
        "ms",
        detail={
            "asked_per_second": round(rate),
            "p99_ms_of_runs": [round(seen.p99_ms, 2) for seen in runs],
            **figures,
        },
        shown=(
            f"at {middle.per_second:,.0f}/s: median {middle.p50_ms:.1f} ms,"
            f" slowest {middle.max_ms:.0f} ms; the generator's own lag {middle.lag_p99_ms:.1f} ms"
        ),
    )

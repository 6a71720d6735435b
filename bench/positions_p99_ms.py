"""The 99th percentile of the latency of a position, at 1,000 a second, each kept when answered."""

from dataclasses import asdict

from bench.load import Seen
from bench.plan import Plan, say
from bench.positions import PER_SECOND, paths_of_drivers, tell
from bench.report import Figure
from bench.stage import Stage

NAME = "positions_p99_ms"
REACH = 50.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The median of some runs."""
    paths = await paths_of_drivers(stage.connection)
    runs: list[Seen] = []
    for number in range(1, plan.steady_rounds + 1):
        seen = await tell(stage, paths, plan.steady_seconds)
        runs.append(seen)
        say(
            f"  {NAME}: run {number} of {plan.steady_rounds}: {seen.per_second:,.0f} of"
            f" {PER_SECOND:,.0f}/s, p99 {seen.p99_ms:.1f} ms"
        )
    middle = sorted(runs, key=lambda seen: seen.p99_ms)[(len(runs) - 1) // 2]
    return Figure(
        NAME,
        round(middle.p99_ms, 2),
        REACH,
        "ms",
        detail={
            "p99_ms_of_runs": [round(seen.p99_ms, 2) for seen in runs],
            **{
                name: round(value, 2) if isinstance(value, float) else value
                for name, value in asdict(middle).items()
            },
        },
        shown=(
            f"at {middle.per_second:,.0f}/s: median {middle.p50_ms:.1f} ms,"
            f" slowest {middle.max_ms:.0f} ms"
        ),
    )

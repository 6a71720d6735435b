"""The 99th percentile of the latency of a position, at 1,000 a second, each kept when answered."""

from bench.load import Seen
from bench.plan import Plan
from bench.positions import PER_SECOND, paths_of_drivers, tell
from bench.report import Figure
from bench.stage import Stage
from bench.steady import p99_at

NAME = "positions_p99_ms"
REACH = 50.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The median of some runs."""
    paths = await paths_of_drivers(stage.connection)

    async def run() -> Seen:
        return await tell(stage, paths, plan.steady_seconds)

    return await p99_at(PER_SECOND, NAME, REACH, plan, run)

"""An automatic decision: 200 pending deliveries, 60 drivers of whom 20 carry two parcels each.

It is measured through the planner, from the question to the answer. Meanwhile the loop of the
process that asks is watched: how late it is, at the 99th percentile, fails the figure beyond a
bound of its own.
"""

import asyncio
import statistics
import time

from bench.city import busy
from bench.plan import Plan, say
from bench.report import Figure
from bench.stage import Stage
from estafette.routing.planner import Planner

NAME = "dispatch_decision_ms"
REACH = 1_000.0
MOST_LAG_MS = 50.0

_PENDING, _DRIVERS, _CARRYING = 200, 60, 20
_LOOK_SECONDS = 0.005
_SECONDS = 2.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The milliseconds of the median decision of several cities."""
    planner, took, lags, left = Planner(), list[float](), list[float](), 0
    try:
        await planner.plan(busy(1, 1, 0), seconds=_SECONDS)  # starts the process
        for seed in range(plan.rounds):
            problem = busy(_PENDING, _DRIVERS, _CARRYING, seed)
            watching = asyncio.create_task(_watch(lags))
            began = time.perf_counter()
            found = await planner.plan(problem, seconds=_SECONDS)
            took.append((time.perf_counter() - began) * 1_000)
            watching.cancel()
            left += len(found.unassigned)
    finally:
        await planner.close()
    lag = statistics.quantiles(lags, n=100)[-1] * 1_000
    say(f"  {NAME}: {min(took):.0f} to {max(took):.0f} ms, the loop's p99 late by {lag:.0f} ms")
    return Figure(
        NAME,
        round(statistics.median(took)) if lag < MOST_LAG_MS else None,
        REACH,
        "ms",
        detail={"each_ms": [round(one) for one in took], "lag_ms": round(lag), "left": left},
        shown=f"{_PENDING} pending, {_DRIVERS} drivers of whom {_CARRYING} carry;"
        f" the loop's p99 late by {lag:.0f} ms",
        missing=None if lag < MOST_LAG_MS else f"the loop was late by {lag:.0f} ms",
    )


async def _watch(lags: list[float]) -> None:
    """Notes by how much the loop is late, until it is cancelled."""
    while True:
        due = time.perf_counter() + _LOOK_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)
        lags.append(time.perf_counter() - due)

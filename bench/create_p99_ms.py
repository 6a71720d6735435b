"""The 99th percentile of a create's latency at half of the most creates a second."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench import wrk
from bench.plan import Plan, say
from bench.process import BenchError, json_of, plain_environment
from bench.report import Figure
from bench.stage import Stage
from bench.steady import Seen, Task

NAME = "create_p99_ms"
REACH = 25.0

_WARM_UP_SECONDS = 3.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """A constant rate, whatever the server does; see `bench.steady`."""
    if not wrk.is_here():
        return Figure(NAME, None, REACH, "ms", missing=wrk.MISSING)
    if stage.most_creates is None:
        await stage.create_for(2)
        runs = [await stage.create_for(plan.create_seconds) for _ in range(2)]
        stage.most_creates = max(run.per_second for run in runs)
    rate = stage.most_creates / 2
    say(f"  {NAME}: {rate:,.0f} creates/s for {plan.steady_seconds:.0f} s")
    seen = await _load(stage, rate, plan.steady_seconds)
    if seen.refused:
        raise BenchError(f"{seen.refused} of {seen.requests} creates were refused")
    detail = {
        name: round(value, 2) if isinstance(value, float) else value
        for name, value in asdict(seen).items()
    }
    return Figure(
        NAME,
        round(seen.p99_ms, 2),
        REACH,
        "ms",
        detail={"asked_per_second": round(rate), **detail},
        shown=(
            f"at {seen.per_second:,.0f}/s: median {seen.p50_ms:.1f} ms,"
            f" slowest {seen.max_ms:.0f} ms; the generator's own lag {seen.lag_p99_ms:.1f} ms (p99)"
        ),
    )


async def _load(stage: Stage, rate: float, seconds: float) -> Seen:
    host, _, port = stage.base_url.removeprefix("http://").partition(":")
    task = Task(
        host=host,
        port=int(port),
        api_key=stage.api_key,
        prefix=f"s{stage.new_run()}-",
        per_second=rate,
        seconds=seconds,
        warm_up_seconds=_WARM_UP_SECONDS,
        connections=wrk.CONNECTIONS,
    )
    command = [sys.executable, "-m", "bench.steady", json.dumps(asdict(task))]
    environment = plain_environment() | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    found = await json_of(command, environment, stage.folder, seconds + 60)
    return Seen(**found)

"""For how long a server does not come to anything else, under a mixed load and under hostile input.

A server answers everybody from one loop; while one request holds it, all others wait. The server
measures that itself, four times a second (`estafette_event_loop_lag_seconds`). From outside it
shows in `GET /healthz`, which asks nobody: it comes at a constant rate, and is measured from when
it was due.
"""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from prometheus_client.parser import text_string_to_metric_families

from bench.crowd import Seen as Crowd
from bench.crowd import crowd, request
from bench.hostile import hostile
from bench.load import Seen, Task, head_of, measured
from bench.orders import orders
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import METRICS_READER, Stage
from bench.stage import request as ask
from bench.stocks import Stock, aged, stock
from bench.trips import trips

NAME = "event_loop_lag_ms"
REACH = 50.0
METRIC = "estafette_event_loop_lag_seconds"
WORST = "estafette_event_loop_lag_worst_seconds"

_CONNECTIONS = 16
_PER_SECOND = 100.0
_WARM_UP_SECONDS = 1.0
_CREATES = 2_000


@dataclass(frozen=True)
class Lag:
    """How late the loop was, in milliseconds.

    The percentile is read from a histogram, between the bounds of its bucket.
    """

    p99_ms: float
    max_ms: float


@dataclass(frozen=True)
class _Run:
    lag: Lag | None
    healthz: Seen
    crowd: Crowd


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The larger 99th percentile of both loads, by the server's own measure."""
    runs: dict[str, _Run] = {}
    async with stock(*aged(plan)) as found:
        for name, load in (("mixed", _mixed), ("hostile", hostile)):
            async with found.stage(stage).server() as (base_url, _):
                runs[name] = await _under(stage, plan, base_url, list(load(base_url, found)))
            lag, healthz = runs[name].lag, runs[name].healthz
            told = f"p99 {lag.p99_ms:.1f} ms, most {lag.max_ms:.1f} ms; " if lag else ""
            say(
                f"  {NAME}: {name}: {told}/healthz p99 {healthz.p99_ms:.1f} ms,"
                f" slowest {healthz.max_ms:.1f} ms"
            )
    lags = {name: run.lag for name, run in runs.items()}
    told = all(lags.values())
    return Figure(
        NAME,
        max(lag.p99_ms for lag in lags.values() if lag) if told else None,
        REACH,
        "ms",
        detail={name: _detail(run) for name, run in runs.items()},
        shown="; ".join(
            f"{name}: most {lag.max_ms:.0f} ms, /healthz p99 {runs[name].healthz.p99_ms:.1f} ms"
            for name, lag in lags.items()
            if lag
        ),
        missing=None if told else f"the server does not tell {METRIC}",
    )


def _detail(run: _Run) -> dict[str, object]:
    return {
        "p99_ms": run.lag and run.lag.p99_ms,
        "max_ms": run.lag and run.lag.max_ms,
        "healthz_p99_ms": round(run.healthz.p99_ms, 1),
        "healthz_max_ms": round(run.healthz.max_ms, 1),
        "answers": run.crowd.statuses,
        "hung_up": run.crowd.hung_up,
    }


async def _under(stage: Stage, plan: Plan, base_url: str, requests: list[str]) -> _Run:
    host, _, port = base_url.removeprefix("http://").partition(":")
    task = Task(
        host=host,
        port=int(port),
        head=head_of(base_url),
        what="paths",
        per_second=_PER_SECOND,
        seconds=2 * plan.crowd_seconds,
        warm_up_seconds=_WARM_UP_SECONDS,
        connections=8,
        paths=("/healthz",),
        patience_seconds=30,
    )
    seconds = task.seconds + 2 * _WARM_UP_SECONDS
    before = await _metrics(base_url)
    async with crowd(base_url, stage.folder, _CONNECTIONS, seconds, requests) as seen:
        healthz = await measured(task, stage.folder)
    return _Run(lag_between(before, await _metrics(base_url)), healthz, seen)


async def _metrics(base_url: str) -> str:
    status, body = await asyncio.to_thread(ask, base_url, "GET", "/metrics", METRICS_READER)
    if status != 200:
        raise BenchError(f"/metrics was answered with {status}")
    return body.decode()


def lag_between(before: str, after: str) -> Lag | None:
    """What the metrics say of the time between two looks at them; None: nothing.

    The most is that of the last minute; a server has not been under another load before.
    """
    first = _samples(before, f"{METRIC}_bucket")
    last = _samples(after, f"{METRIC}_bucket")
    counts = sorted((bound, count - first.get(bound, 0.0)) for bound, count in last.items())
    worst = max(_samples(after, WORST).values(), default=0.0)
    if not counts or not counts[-1][1]:
        return None
    wanted = 0.99 * counts[-1][1]
    below, under = 0.0, 0.0
    for bound, count in counts:
        if count >= wanted:
            share = (wanted - under) / (count - under)
            p99 = worst if math.isinf(bound) else below + (bound - below) * share
            return Lag(min(p99, worst) * 1000, worst * 1000)
        below, under = bound, count
    return None


def _samples(text: str, name: str) -> dict[float, float]:
    """The values under a name, by the bounds of their buckets, where they have such."""
    return {
        float(sample.labels.get("le", 0)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def _mixed(base_url: str, of: Stock) -> Iterator[str]:
    """What merchants ask for on a busy day, in turn: creates, quotes, GETs, lists, searches."""
    kz = {"x-api-key": of.large_kz.api_key}
    ao = {"Authorization": f"Bearer {of.large.api_key}"}
    order, trip = orders(f"m{uuid4().hex[:8]}-", seed=1), trips(1)
    for number in range(_CREATES):
        ref, body = order()
        yield request(
            base_url, "POST", "/delivery/v1/deliveries", {**kz, "Idempotency-Key": ref}, body
        )
        yield request(base_url, "GET", "/delivery/v1/deliveries?limit=5", kz)
        if number % 2 == 0:
            yield request(base_url, "POST", "/v1/quotes", ao, trip().encode())
        if number % 4 == 0:
            yield request(base_url, "GET", "/v1/deliveries?status=delivered", ao)
            yield request(base_url, "GET", f"/v1/deliveries?search=maianga+{number}", ao)

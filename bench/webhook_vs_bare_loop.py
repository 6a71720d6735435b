"""Webhooks sent a second from a full outbox, against a bare aiohttp loop posting the same."""

import sys
import time
from pathlib import Path

from bench import pgbench
from bench.plan import Plan, say
from bench.process import BenchError, output_of, plain_environment
from bench.receiver import Arrived
from bench.report import Figure, Pair, compared
from bench.stage import Stage

NAME = "webhook_vs_bare_loop"
REACH = 0.50

_CONCURRENCIES = (16, 64, 128)
_PATIENCE_SECONDS = 120.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn, to the same receiver, which keeps the time for both."""
    count = plan.messages * pgbench.CLIENTS
    pairs: list[Pair] = []
    recorded: list[float] = []
    requests = stage.folder / "webhooks"
    concurrency = 0
    for number in range(1, plan.webhook_rounds + 1):
        say(f"  {NAME}: putting {count:,} messages into the outbox")
        await _fill(stage, plan)
        ours, seconds = await _by_worker(stage, count)
        recorded.append(count / seconds)
        if not concurrency:
            await stage.receiver.keep(requests)
            concurrency = await _best_concurrency(stage, requests, count)
        theirs = await _by_bare_loop(stage, requests, count, concurrency)
        pairs.append(Pair(count / ours.seconds, count / theirs.seconds))
        say(
            f"  {NAME}: round {number} of {plan.webhook_rounds}: {pairs[-1].ours:,.0f}/s,"
            f" bare loop {pairs[-1].theirs:,.0f}/s, ratio {pairs[-1].ratio:.2f}"
        )
    detail = {
        "messages": count,
        "bare_loop_concurrency": concurrency,
        "recorded_per_second": [round(rate) for rate in recorded],
    }
    return compared(NAME, REACH, pairs, detail)


async def _fill(stage: Stage, plan: Plan) -> None:
    """An outbox with messages of as many new deliveries, and statistics about it."""
    script = await stage.script()
    await stage.empty_outbox()
    number = stage.new_run()
    await pgbench.run(script, stage.dsn, stage.folder, number=number, transactions=plan.messages)
    await stage.connection.execute("analyze messages, events, deliveries")


async def _by_worker(stage: Stage, count: int) -> tuple[Arrived, float]:
    """What a new worker sent, and the seconds until all of it was also known to be sent."""
    await stage.receiver.reset()
    async with stage.worker():
        arrived = await stage.receiver.all_of(1, _PATIENCE_SECONDS)
        began = time.monotonic()
        arrived = await stage.receiver.all_of(count, _PATIENCE_SECONDS)
        while await stage.pending():
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise BenchError(f"{await stage.pending()} webhooks were sent and not recorded")
        seconds = time.monotonic() - began
    if arrived.requests != count or arrived.events != count:
        raise BenchError(f"{arrived.requests} webhooks told of {arrived.events} of {count} events")
    return arrived, seconds


async def _by_bare_loop(stage: Stage, requests: Path, count: int, concurrency: int) -> Arrived:
    await stage.receiver.reset()
    command = [sys.executable, "-m", "bench.bare_loop", stage.receiver.url, str(requests)]
    environment = plain_environment() | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    await output_of([*command, str(concurrency)], environment, stage.folder, _PATIENCE_SECONDS)
    arrived = await stage.receiver.state()
    if arrived.requests != count:
        raise BenchError(f"the bare loop sent {arrived.requests} of {count} webhooks")
    return arrived


async def _best_concurrency(stage: Stage, requests: Path, count: int) -> int:
    """The number of connections over which the bare loop is fastest."""
    rates: dict[int, float] = {}
    for concurrency in _CONCURRENCIES:
        arrived = await _by_bare_loop(stage, requests, count, concurrency)
        rates[concurrency] = count / arrived.seconds
    shown = ", ".join(f"{rate:,.0f}/s over {number}" for number, rate in rates.items())
    say(f"  {NAME}: the bare loop sends {shown}")
    return max(rates, key=lambda number: rates[number])

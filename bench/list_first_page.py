"""The first page of a list over HTTP: an account with a million deliveries against 10,000.

Both are in the same tables, among five million. Requests take turns, so that whatever else the
machine does disturbs both.
"""

import asyncio
import statistics

from bench.listing import Listing, listing
from bench.load import percentile
from bench.plan import Plan, say
from bench.report import Figure
from bench.stage import Stage

NAME = "list_first_page"
REACH = 1.5


async def measure(stage: Stage, plan: Plan) -> Figure:
    """How many times as long the 99th percentile is; the median of the rounds' ratios."""
    rounds: list[tuple[float, float]] = []
    async with listing(stage, plan) as found:
        await asyncio.to_thread(_round, found, plan.list_requests // 4)  # caches fill
        for number in range(1, plan.rounds + 1):
            large, small = await asyncio.to_thread(_round, found, plan.list_requests)
            rounds.append((large, small))
            say(f"  {NAME}: round {number} of {plan.rounds}: p99 {large:.2f} and {small:.2f} ms")
        counts = (found.stock.large.count, found.stock.small.count)
    large, small = (statistics.median(p99s) for p99s in zip(*rounds, strict=True))
    return Figure(
        NAME,
        round(statistics.median(large / small for large, small in rounds), 2),
        REACH,
        "times",
        detail={
            "deliveries": counts,
            "p99_ms": [[round(p99, 2) for p99 in pair] for pair in rounds],
        },
        shown=f"p99 {large:.2f} ms of {counts[0]:,} deliveries, {small:.2f} ms of {counts[1]:,}",
    )


def _round(found: Listing, requests: int) -> tuple[float, float]:
    """The 99th percentiles of as many requests to each, in milliseconds."""
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * requests):
        which = number % 2
        tenant = (found.stock.large, found.stock.small)[which]
        took[which].append(found.asker.ask(tenant)[0])
    return percentile(took[0], 99), percentile(took[1], 99)

"""Searches for pieces of text that few of a million deliveries have, over HTTP."""

import asyncio
import random
import statistics
from collections.abc import Iterator

from bench.history import QUARTERS, STREETS
from bench.listing import listing
from bench.load import percentile
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import Stage

NAME = "search_rare_ms"
REACH = 50.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The 99th percentile, each search another; the median of the rounds."""
    p99s: list[float] = []
    medians: list[float] = []
    async with listing(stage, plan) as found:
        large = found.stock.large
        for number in range(plan.rounds + 1):
            searches = list(_pieces(random.Random(number), large.count, plan.searches))
            took, rows = await asyncio.to_thread(found.asker.ask_all, large, searches)
            if not rows:
                raise BenchError("no search has found anything")
            if number == 0:  # caches fill
                continue
            p99s.append(percentile(took, 99))
            medians.append(percentile(took, 50))
            say(f"  {NAME}: round {number} of {plan.rounds}: p99 {p99s[-1]:.1f} ms")
    return Figure(
        NAME,
        round(statistics.median(p99s), 1),
        REACH,
        "ms",
        detail={"among": large.count, "rounds": [round(p99, 1) for p99 in p99s]},
        shown=f"among {large.count:,} deliveries; median {statistics.median(medians):.1f} ms",
    )


def _pieces(chance: random.Random, count: int, searches: int) -> Iterator[str]:
    """Parts of references, parts of addresses, and words that stand nowhere."""
    for number in range(searches):
        if number % 3 == 0:
            yield str(chance.randrange(count // 10, count))
        elif number % 3 == 1:
            street, quarter = chance.choice(STREETS), chance.choice(QUARTERS)
            house, flat = chance.randrange(1, 400), chance.randrange(1, 90)
            yield f"{street[-6:]} {house}, apto {flat}, {quarter[:5]}".upper()
        else:
            yield "".join(chance.choices("bcdfghjklmnpqrstvwxz", k=5))

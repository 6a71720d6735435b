"""Searches in the console, of accounts with a million deliveries: numbers, phones, addresses."""

import asyncio
import random
import statistics
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from bench.console_p99_ms import Console, console
from bench.history import QUARTERS, STREETS
from bench.load import percentile
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import Stage

NAME = "console_search_p99_ms"
REACH = 200.0

_PAUSE = 1 / 15


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The 99th percentile, each search another; the median of the rounds."""
    p99s: list[float] = []
    medians: list[float] = []
    async with console(stage, plan) as found:
        for number in range(plan.rounds + 1):
            chance = random.Random(number)
            pieces = list(_pieces(chance, found.stock.large.count, max(plan.searches // 3, 30)))
            took, hits = await asyncio.to_thread(_round, found, pieces)
            if not hits:
                raise BenchError("no search has found anything")
            if number:  # caches fill first
                p99s.append(percentile(took, 99))
                medians.append(percentile(took, 50))
                say(f"  {NAME}: round {number} of {plan.rounds}: p99 {p99s[-1]:.1f} ms")
        count = found.stock.large.count
    return Figure(
        NAME,
        round(statistics.median(p99s), 1),
        REACH,
        "ms",
        detail={"among": count, "rounds": [round(p99, 1) for p99 in p99s]},
        shown=f"among {count:,} deliveries; median {statistics.median(medians):.1f} ms",
    )


def _pieces(chance: random.Random, count: int, searches: int) -> Iterator[str]:
    """Numbers, ends of phones, addresses, words that many have, words that none has."""
    for number in range(searches):
        match number % 5:
            case 0:
                yield f"{chance.randrange(count):05}"
            case 1:
                yield f"{chance.randrange(10_000):04}"
            case 2:
                yield f"{chance.choice(STREETS)} {chance.randrange(1, 400)}"
            case 3:
                yield f"{chance.choice(QUARTERS)}"
            case _:
                yield "".join(chance.choices("bcdfghjklmnpqrstvwxz", k=6))


def _round(found: Console, pieces: list[str]) -> tuple[list[float], int]:
    took: list[float] = []
    hits = 0
    for number, piece in enumerate(pieces):
        path = f"/deliveries?{urlencode({'q': piece})}"
        seconds, page = found.open(("entrega", "kaspi")[number % 2], path)
        took.append(seconds)
        hits += "<tbody>" in page
        time.sleep(_PAUSE)
    return took, hits

"""The console's list of deliveries, of an account with a million of five, page by page.

The list as it is opened, its next pages, each filter, and a delivery's own page, in turns.
"""

import asyncio
import re
import statistics
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlencode

import asyncpg

from bench.listing import Asker
from bench.load import percentile
from bench.people import cookie_of_owner
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.stage import Stage
from bench.stocks import Stock, Tenant, aged, stock
from estafette.app import open_platform
from estafette.core.deliveries.delivery import Status
from estafette.settings import Settings
from estafette.usecases.deliveries.people_lists import indexer

NAME = "console_p99_ms"
REACH = 150.0

_PAUSE = 1 / 15  # a person may ask for twenty pages in a second
_ROUND = 120


class Console(NamedTuple):
    """A server over the aged database, and a person of each large account, by their cookies."""

    stock: Stock
    asker: Asker
    people: dict[str, tuple[Tenant, str]]

    def open(self, name: str, path: str) -> tuple[float, str]:
        """Opens a page below a large account's console; returns the seconds, and the page."""
        tenant, cookie = self.people[name]
        url = f"/console/{tenant.account.id.hex}/live{path}"
        answer = self.asker.send("GET", url, {"Cookie": cookie})
        if answer.status != 200:
            raise BenchError(f"{url} was answered with {answer.status}: {answer.body[:300]!r}")
        return answer.seconds, answer.body.decode()


@asynccontextmanager
async def console(stage: Stage, plan: Plan) -> AsyncGenerator[Console]:
    """Starts it, once all deliveries of the large accounts have their words."""
    async with stock(*aged(plan)) as found:
        say("  giving deliveries their words, once")
        settings = Settings(database_url=found.dsn, secret_key=found.secret_key)
        async with open_platform(settings) as platform:
            words = indexer(platform)
            while (await words.round()).done:
                pass
        async with found.stage(stage).server() as (base_url, _):
            asker = Asker(base_url)
            connection = await asyncpg.connect(found.dsn)
            try:
                people = {
                    name: (tenant, await cookie_of_owner(connection, tenant.account.id, base_url))
                    for name, tenant in (("entrega", found.large), ("kaspi", found.large_kz))
                }
                yield Console(found, asker, people)
            finally:
                await connection.close()
                asker.close()


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The 99th percentile of the server's time with the page's way; the median of the rounds."""
    p99s: list[float] = []
    async with console(stage, plan) as found:
        for number in range(plan.rounds + 1):
            took = await asyncio.to_thread(_round, found)
            if number:  # caches fill first
                p99s.append(percentile(took, 99))
                say(f"  {NAME}: round {number} of {plan.rounds}: p99 {p99s[-1]:.1f} ms")
        count = found.stock.large.count
    return Figure(
        NAME,
        round(statistics.median(p99s), 1),
        REACH,
        "ms",
        detail={"among": count, "rounds": [round(p99, 1) for p99 in p99s]},
        shown=f"lists, filters and deliveries of an account with {count:,}",
    )


_QUERIES: tuple[dict[str, str], ...] = (
    {},
    *({"status": status.value} for status in Status),
    {"late": "yes"},
    {"company": "0" * 32},
    {"since": "2026-01-01", "until": "2026-02-01"},
)
_NEXT = re.compile(r'rel="next" href="([^"]+)"|href="([^"]+)"[^>]*rel="next"')
_ONE = re.compile(r'href="[^"]*(/deliveries/[0-9a-f]{32})"')


def _round(found: Console) -> list[float]:
    took: list[float] = []
    number = 0
    while len(took) < _ROUND:
        name = ("entrega", "kaspi")[number % 2]
        path = f"/deliveries?{urlencode(_QUERIES[number // 2 % len(_QUERIES)])}"
        seconds, page = found.open(name, path)
        took.append(seconds)
        time.sleep(_PAUSE)
        for pattern in (_NEXT, _ONE):
            if link := pattern.search(page):
                href = next(group for group in link.groups() if group).replace("&amp;", "&")
                took.append(found.open(name, "/deliveries" + href.partition("/deliveries")[2])[0])
                time.sleep(_PAUSE)
        number += 1
    return took

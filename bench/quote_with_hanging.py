"""Quotes while one company's platform takes every connection and never answers."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.shop import Shop, open_shop
from bench.stage import Stage
from bench.trips import trips
from estafette.usecases.platform import Patience

NAME = "quote_with_hanging_ms"
REACH = Patience().quote * 1000

_SLUG = "parada"
_AT_ONCE = 24
_HEARD_SECONDS = 30.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The longest of many requests at once, over the longest of the healthy companies alone."""
    shop = await open_shop(stage)
    await _took(shop, 4, at_once=1)  # connections open, plans are made
    healthy = await _took(shop, _AT_ONCE, at_once=_AT_ONCE)
    async with _hanging() as platform:
        await _connect(shop, platform)
        say(f"  {NAME}: {_AT_ONCE} requests for quotes, one company of four hanging")
        before = platform.asked
        hanging = await _took(shop, _AT_ONCE, at_once=_AT_ONCE)
        if platform.asked - before != _AT_ONCE:
            raise BenchError(f"the hanging platform was asked {platform.asked - before} times")
        alone = await _took(shop, 20, at_once=1)  # it has failed so often that nobody asks it
        await shop.told("deactivate", _SLUG)
    over = (max(hanging) - max(healthy)) * 1000
    return Figure(
        NAME,
        round(over),
        REACH,
        "ms",
        detail={
            "at_once": _AT_ONCE,
            "healthy_ms": _milliseconds(healthy),
            "with_hanging_ms": _milliseconds(hanging),
            "left_alone_ms": _milliseconds(alone),
        },
        shown=f"healthy {max(healthy) * 1000:.0f} ms, with the hanging one"
        f" {max(hanging) * 1000:,.0f} ms, once it is left alone"
        f" {statistics.median(alone) * 1000:.0f} ms; the quotes of the others are there",
    )


def _milliseconds(took: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(took) * 1000, 1),
        "longest": round(max(took) * 1000, 1),
    }


async def _took(shop: Shop, requests: int, *, at_once: int) -> list[float]:
    """The seconds that requests for quotes take, each answered by all healthy companies."""
    following = trips(shop.stage.new_run())

    def one(body: str) -> float:
        began = time.perf_counter()
        quoted = shop.asked("/v1/quotes", body)
        took = time.perf_counter() - began
        if {quote["company_slug"] for quote in quoted} != {each.slug for each in shop.companies}:
            raise BenchError(f"a healthy company's quote is missing: {quoted}")
        return took

    def all_of_them() -> list[float]:
        with ThreadPoolExecutor(at_once) as threads:
            return list(threads.map(one, [following() for _ in range(requests)]))

    return await asyncio.to_thread(all_of_them)


@dataclass
class _Hanging:
    """A platform that reads requests; `asked` counts those for quotes."""

    url: str = ""
    asked: int = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads until the caller hangs up."""
        try:
            while line := await reader.readline():
                self.asked += line.startswith(b"POST /v1/quotes ")
        except (OSError, ValueError):
            pass  # the caller has gone, which is all that it can do
        finally:
            writer.close()


@asynccontextmanager
async def _hanging() -> AsyncGenerator[_Hanging]:
    platform = _Hanging()
    server = await asyncio.start_server(platform.connected, "127.0.0.1", 0)
    async with server:
        platform.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield platform


async def _connect(shop: Shop, platform: _Hanging) -> None:
    """Adds a company that is reached at the platform; returns when the server asks it."""
    secrets = shop.stage.folder / "secrets.json"
    secrets.write_text(json.dumps({"live_key": "sk_live_bench"}))
    await shop.told("create", _SLUG, "--connector", "remote", "--zone", "Luanda")
    await shop.told("connect", _SLUG, "--url", platform.url, "--secrets", str(secrets))
    deadline = time.monotonic() + _HEARD_SECONDS
    while not platform.asked:
        if time.monotonic() > deadline:
            raise BenchError("the server never asks the company that was connected")
        await _took(shop, 1, at_once=1)

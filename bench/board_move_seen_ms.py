"""A move seen on an open board: from its commit at one server to its arrival from another.

Boards of a company are open at one server, moves of its deliveries are made at a second one over
the same database, one after another at no regular times. Meanwhile another company's deliveries
move there, several a second: what tells processes of changes is sent no more often than it may be.
A move is timed from before its commit, by its event's own time.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from time import time
from typing import Final

from bench.load import percentile
from bench.people import cookie_of_dispatcher
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure
from bench.shop import Shop, open_shop
from bench.stage import Stage, request
from bench.streams import MANY, PATIENCE_SECONDS, Reader, open_streams
from estafette.core.accounts.account import Mode, Scope
from estafette.core.couriers.company import Company
from estafette.http.events import MOST_STREAMS_EACH

NAME = "board_move_seen_ms"
REACH = 300.0

_BOARDS: Final = 200
_COURSE: Final = ("assigned", "pickup_ready", "in_transit", "out_for_delivery", "delivered")
_PAUSE: Final = (0.05, 0.6)
"""How many seconds after a move was seen the next one is made, from and to."""

_OTHERS_EACH: Final = 0.2
"""How many seconds the other company's moves are apart."""


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The 95th percentile over one board, which must hold with two hundred as well."""
    shop = await _sandbox_of(await open_shop(stage))
    ours, theirs = shop.companies[:2]
    own = replace(stage, environment={**stage.environment, **MANY})
    seen: dict[int, list[float]] = {}
    async with own.server() as (boards, _), own.server() as (moves, _):
        deliveries = await _deliveries(shop, ours, plan.rounds)
        for count in (1, _BOARDS):
            cookies = [
                await cookie_of_dispatcher(stage.connection, ours.id, boards)
                for _ in range(-(-count // MOST_STREAMS_EACH))
            ]
            every = [cookies[number // MOST_STREAMS_EACH] for number in range(count)]
            path = f"/board/{ours.id.hex}/sandbox/news"
            readers = await open_streams(boards, path, every)
            await asyncio.gather(*(one.news() for one in readers))  # that there is something
            others = await _deliveries(shop, theirs, 40 * plan.rounds)
            try:
                async with _moving(shop, moves, others):
                    seen[count] = await _rounds(shop, moves, readers, deliveries[count > 1 :: 2])
            finally:
                for one in readers:
                    one.writer.close()
            p50, p95 = (percentile(seen[count], percent) for percent in (50, 95))
            say(f"  {NAME}: {count} open: median {p50:.0f} ms, p95 {p95:.0f} ms")
    figures = {
        str(count): {"median": round(percentile(took, 50)), "p95": round(percentile(took, 95))}
        for count, took in seen.items()
    }
    return Figure(
        NAME,
        max(one["p95"] for one in figures.values()),
        REACH,
        "ms",
        detail={"boards": figures, "moves": {str(n): len(took) for n, took in seen.items()}},
        shown="; ".join(
            f"{count} open: median {one['median']} ms, p95 {one['p95']} ms"
            for count, one in figures.items()
        ),
    )


async def _sandbox_of(shop: Shop) -> Shop:
    """The shop's sandbox, whose deliveries can be moved over HTTP."""
    key = await shop.stage.told("keys", "create", "--account", shop.name, "--mode", "sandbox")
    scope = Scope(shop.scope.account_id, Mode.SANDBOX)
    return replace(shop, scope=scope, api_key=key["key"])


async def _deliveries(shop: Shop, company: Company, count: int) -> Sequence[str]:
    """Creates deliveries of a company; returns their ids."""
    of = replace(shop, companies=[company])
    ids: list[str] = []
    for quote, body in await of.orders(count):
        made = await asyncio.to_thread(of.asked, "/v1/deliveries", body, quote.hex)
        ids.append(made["id"])
    return ids


async def _rounds(
    shop: Shop, base_url: str, readers: Sequence[Reader], deliveries: Sequence[str]
) -> list[float]:
    """Moves deliveries; returns after how many seconds each board heard of each move."""
    took: list[float] = []
    chance = random.Random(1)
    for id in deliveries:
        for status in _COURSE:
            waiting = [asyncio.create_task(_arrival(one)) for one in readers]
            moved_at = await _move(shop, base_url, id, status)
            done, late = await asyncio.wait(waiting, timeout=PATIENCE_SECONDS)
            if late:
                raise BenchError(f"{len(late)} of {len(readers)} boards heard nothing of a move")
            took += [max(one.result() - moved_at, 0.0) for one in done]
            await asyncio.sleep(chance.uniform(*_PAUSE))
    return took


async def _arrival(reader: Reader) -> float:
    await reader.news()
    return time()


async def _move(shop: Shop, base_url: str, id: str, status: str) -> float:
    """Moves a delivery; returns when, in seconds since the epoch."""
    status_code, answer = await asyncio.to_thread(
        request,
        base_url,
        "POST",
        f"/sandbox/v1/deliveries/{id}/advance",
        {"Authorization": f"Bearer {shop.api_key}"},
        json.dumps({"status": status}).encode(),
    )
    if status_code != 200:
        raise BenchError(f"a move was answered with {status_code}: {answer[:300]!r}")
    return datetime.fromisoformat(json.loads(answer)["updatedAt"]).timestamp()


@asynccontextmanager
async def _moving(shop: Shop, base_url: str, deliveries: Sequence[str]) -> AsyncGenerator[None]:
    """Moves deliveries at a steady pace until the block ends, or all have arrived."""

    async def move() -> None:
        for status in _COURSE:
            for id in deliveries:
                await _move(shop, base_url, id, status)
                await asyncio.sleep(_OTHERS_EACH)

    moving = asyncio.create_task(move())
    try:
        yield
    finally:
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)

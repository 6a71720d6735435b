"""What the search costs creates: creates from quotes a second with it, against without it.

In one process, without HTTP, whose own time would only make the difference smaller. The texts are
indexed later by a worker, which stands still; `while_indexing` tells what its catching up costs
creates that go on at full speed.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import uvloop

from bench.history import QUARTERS, STREETS
from bench.plan import Plan, say
from bench.process import json_of, plain_environment
from bench.report import Figure, Pair, compared
from bench.stage import Stage
from estafette.app import open_platform
from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Parcel, Stop
from estafette.core.errors import Refusal
from estafette.dialects import entrega
from estafette.settings.problems import load
from estafette.store.deliveries import search_texts
from estafette.store.pool import Connection
from estafette.usecases.accounts.administration import create_account
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Reply
from estafette.usecases.deliveries.orders import Order
from estafette.usecases.platform import Platform

NAME = "search_cost"
REACH = 0.85

_CLIENTS = 64
_PAYLOAD = {"parcel": {"weight_grams": 1200}}
_ORIGIN = Stop("Rua Rainha Ginga 12", city="Luanda", province="Luanda", name="Loja")


@dataclass(frozen=True)
class Task:
    """What a process of its own does: so many creates, again and again with and without."""

    rounds: int
    creates: int


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn, in a process of their own."""
    command = [sys.executable, "-m", "bench.search_cost"]
    environment = plain_environment() | stage.environment
    places = [str(Path(__file__).parent.parent), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, places))

    async def rounds(count: int) -> list[Pair]:
        task = json.dumps(asdict(Task(count, plan.unheard_creates)))
        found = await json_of([*command, task], environment, stage.folder, 60 + 30 * count)
        return [Pair(*pair) for pair in found["pairs"]]

    pairs = await rounds(plan.rounds)
    async with stage.worker():
        indexing = await rounds(max(plan.rounds // 2, 1))
    beside = compared(NAME, REACH, indexing, {}).value
    say(f"  {NAME}: {compared(NAME, REACH, pairs, {}).shown}")
    return compared(NAME, REACH, pairs, {"while_indexing": beside})


async def _pairs(task: Task) -> list[Pair]:
    async with open_platform(load()) as platform:
        account, _ = await create_account(platform, f"search-{uuid4().hex}", "AO")
        pairs: list[Pair] = []
        for number in range(task.rounds + 1):
            speeds: dict[bool, float] = {}
            for searched in (True, False) if number % 2 else (False, True):
                speeds[searched] = await _speed(platform, account, task.creates, searched)
            if number:  # in the first, connections open and plans are made
                pairs.append(Pair(speeds[True], speeds[False]))
        return pairs


async def _forgotten(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """In the place of what keeps the texts: Estafette as it were without a search."""


_kept = search_texts.keep


async def _speed(platform: Platform, account: Account, creates: int, searched: bool) -> float:
    search_texts.keep = _kept if searched else _forgotten
    quotes = [row["id"] for row in await platform.pool.fetch(_QUOTES, account.id, creates)]
    creator, waiting = Creator(platform), iter(quotes)

    async def client(chance: random.Random) -> None:
        for quote in waiting:
            answer = await creator.create(_order(account, quote, chance))
            assert answer.reply.status == 201

    began = time.perf_counter()
    await asyncio.gather(*(client(random.Random(number)) for number in range(_CLIENTS)))
    return creates / (time.perf_counter() - began)


_QUOTES = """
insert into quotes (account_id, id, mode, payload, fee, pickup_within_seconds,
    delivery_within_seconds, expires_at, company_id, terms)
select $1, gen_random_uuid(), 'live', '{"parcel": {"weight_grams": 1200}}', 1500, 1800, 1800,
    now() + interval '1 hour', gen_random_uuid(),
    '{"name": "Bench", "slug": "bench", "connector": "inhouse", "fee": 1500}'
from generate_series(1, $2)
returning id
"""


def _order(account: Account, quote: UUID, chance: random.Random) -> Order:
    address = f"{chance.choice(STREETS)} {chance.randrange(1, 400)}, {chance.choice(QUARTERS)}"
    return Order(
        scope=Scope(account.id, Mode.LIVE),
        market=account.market,
        dialect=entrega.RECORD.dialect,
        pickup=_ORIGIN,
        dropoff=replace(_ORIGIN, address=address, name="Ana"),
        parcel=Parcel(1_200, "Livros"),
        render=_render,
        quote_id=quote,
        quoted_payload=_PAYLOAD,
        numbered=True,
    )


def _render(outcome: Delivery | Refusal) -> Reply:
    if isinstance(outcome, Refusal):
        return Reply(409, type(outcome).__name__.encode())
    return Reply(201, orjson.dumps({"id": str(outcome.id)}))


if __name__ == "__main__":
    uvloop.install()
    print(json.dumps({"pairs": asyncio.run(_pairs(Task(**json.loads(sys.argv[1]))))}))

"""What is done to an aged database and to a fresh one, each operation alike on both.

The parameters vary from turn to turn, by the same chances on both sides, and what is asked for is
there as often on both: pages are full, or as empty.
"""

import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from bench.history import MONTH, QUARTERS, STREETS
from bench.listing import Asker
from bench.orders import orders
from bench.process import BenchError
from bench.stocks import Stock, Tenant
from bench.trips import trips
from estafette.core.ids import to_base32
from estafette.dialects.kaspi.listing import write_cursor
from estafette.store.deliveries.lists import Position
from estafette.store.pool import Connection
from estafette.store.webhooks import outbox, survey
from estafette.store.webhooks.outbox import Finished
from estafette.usecases.money.books import as_csv, statement
from estafette.usecases.platform import Platform

_KNOWN: Final = 2_000  # deliveries that are asked for by their ids
_ROOM, _CLAIMED = 4, 16  # messages of an endpoint and in all that are claimed at a time


class Known(NamedTuple):
    """A delivery that is there, by what it can be asked for."""

    id: UUID
    reference: str | None
    external_ref: str | None


@dataclass(frozen=True)
class Contents:
    """What is in a database, by tenants' names: since when, and some deliveries of that time."""

    since: Mapping[str, datetime]
    known: Mapping[str, Sequence[Known]]


async def contents(connection: Connection, stock: Stock) -> Contents:
    """Looks around in a database."""
    since: dict[str, datetime] = {}
    known: dict[str, list[Known]] = {}
    chance = random.Random(1)
    for tenant in (stock.large, stock.large_kz):
        id, name = tenant.account.id, tenant.account.name
        since[name] = await connection.fetchval(_SINCE, id)
        span = stock.until - since[name]
        times = [since[name] + span * chance.random() * 0.999 for _ in range(_KNOWN)]
        known[name] = [Known(*row) for row in await connection.fetch(_AT, id, times)]
    return Contents(since, known)


@dataclass(frozen=True)
class Side:
    """One of the two databases, with a server over it; `run` tells its creates from others."""

    stock: Stock
    contents: Contents
    asker: Asker
    platform: Platform
    connection: Connection
    run: str

    async def fill_outbox(self, claims: int) -> None:
        """Puts as many messages into the outbox as so many claims take, and nothing else."""
        await self.connection.execute(_FORGET)
        await self.connection.execute(_DUE, self.stock.until, claims * _CLAIMED)

    def past(self, tenant: Tenant, share: float) -> datetime:
        """The time since which that share of the tenant's deliveries were made."""
        until = self.stock.until
        return until - (until - self.contents.since[tenant.account.name]) * share

    def pick(self, tenant: Tenant, chance: random.Random) -> Known:
        """A delivery of a tenant, of any time."""
        return chance.choice(self.contents.known[tenant.account.name])


_SINCE = "select min(created_at) from deliveries where mode = 'live' and account_id = $1"
_AT = """
select one.id, one.reference, one.external_ref from unnest($2::timestamptz[]) as wanted (at)
cross join lateral (
    select id, reference, external_ref from deliveries
    where mode = 'live' and account_id = $1 and created_at >= wanted.at
    order by created_at, id limit 1
) as one
"""
_FORGET = "delete from messages where state = 'pending' and due_at < now()"
_DUE = """
insert into messages (account_id, id, endpoint_id, delivery_id, seq, due_at)
select account_id, gen_random_uuid(), endpoint_id, delivery_id, seq, now() from messages
where created_at between $1::timestamptz - interval '20 hours' and $1 and state = 'delivered'
limit $2
"""


class Took(NamedTuple):
    """How long an operation took, and how many rows it showed, where it shows any."""

    seconds: float
    rows: int | None = None


class Refused(Exception):  # noqa: N818 - what came of it, told apart from a bug
    """An operation was answered with something else than it should be."""


class Operation(NamedTuple):
    """One kind of request, measured in every `each`th turn: a slow one more rarely."""

    name: str
    measure: Callable[[Side, int], Awaitable[Took]]
    each: int = 1


def operations() -> list[Operation]:
    """All that is measured."""
    return [
        Operation("create kaspi", _create_kaspi),
        Operation("quote entrega", _quote_entrega),
        Operation("create entrega", _create_entrega),
        Operation("get kaspi", _get_kaspi),
        Operation("get entrega", _get_entrega),
        *(Operation(f"list kaspi {name}", _list_kaspi(query)) for name, query in KASPI.items()),
        *(
            Operation(f"list entrega {name}", _list_entrega(query))
            for name, query in ENTREGA.items()
        ),
        Operation("claim", _claim),
        Operation("statement day", _statement(timedelta(days=1)), each=4),
        Operation("statement month", _statement(MONTH), each=50),
    ]


Query = Callable[[Side, random.Random], Mapping[str, str | int]]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _kz(side: Side, share: float) -> str:
    return _text(side.past(side.stock.large_kz, share))


def _ao(side: Side, share: float) -> str:
    return _text(side.past(side.stock.large, share))


def _hours(side: Side, hours: float) -> str:
    return _text(side.stock.until - timedelta(hours=hours))


def _deep(side: Side, share: float) -> str:
    return write_cursor(Position(side.past(side.stock.large_kz, share), UUID(int=0)))


KASPI: Final[dict[str, Query]] = {
    "all": lambda _side, _chance: {},
    "100": lambda _side, _chance: {"limit": 100},
    "status": lambda _side, _chance: {"status": "delivered"},
    "statuses": lambda _side, _chance: {"status": "cancelled,accepted"},
    "rare status": lambda _side, _chance: {"status": "out_for_delivery"},
    "rare status long ago": lambda side, chance: {
        "status": "out_for_delivery",
        "createdTo": _kz(side, 0.4 + 0.5 * chance.random()),
    },
    "externalOrderId": lambda side, chance: {
        "externalOrderId": side.pick(side.stock.large_kz, chance).external_ref or ""
    },
    "externalOrderId of none": lambda _side, chance: {"externalOrderId": f"no-{chance.random()}"},
    "createdFrom": lambda side, chance: {"createdFrom": _hours(side, 10 + 10 * chance.random())},
    "createdFrom old": lambda side, chance: {"createdFrom": _kz(side, 0.9 * chance.random())},
    "createdTo": lambda side, chance: {"createdTo": _kz(side, 0.1 + 0.8 * chance.random())},
    "created in a range": lambda side, chance: {
        "createdFrom": _kz(side, 0.98),
        "createdTo": _kz(side, 0.1 + 0.8 * chance.random()),
    },
    "created in no range": lambda side, _chance: {"createdFrom": _hours(side, -24 * 90)},
    "cursor": lambda side, chance: {"cursor": _deep(side, 0.1 + 0.8 * chance.random())},
    "cursor and status": lambda side, chance: {
        "cursor": _deep(side, 0.1 + 0.8 * chance.random()),
        "status": "cancelled",
    },
    "all filters": lambda side, chance: {
        "externalOrderId": side.pick(side.stock.large_kz, chance).external_ref or "",
        "status": "delivered,cancelled,in_transit",
        "createdFrom": _kz(side, 1),
        "createdTo": _hours(side, 0),
        "cursor": _deep(side, 0),
    },
}
"""The queries of Kaspi's list, by what they are called here."""


def _quarter(chance: random.Random) -> str:
    return chance.choice(QUARTERS[:8])


def _address(chance: random.Random) -> str:
    street, quarter = chance.choice(STREETS), chance.choice(QUARTERS)
    return f"{street[-6:]} {chance.randrange(1, 400)}, apto {chance.randrange(1, 90)}, {quarter}"


ENTREGA: Final[dict[str, Query]] = {
    "all": lambda _side, _chance: {},
    "ascending": lambda _side, _chance: {"sort": "inserted_at_asc"},
    "status": lambda _side, _chance: {"status": "delivered"},
    "statuses": lambda _side, _chance: {"status": "failed,cancelled,in_transit"},
    "rare status": lambda _side, _chance: {"status": "stalled"},
    "rare status ascending": lambda _side, _chance: {
        "status": "awaiting_payment",
        "sort": "inserted_at_asc",
    },
    "inserted_at_gte": lambda side, chance: {
        "inserted_at_gte": _hours(side, 10 + 10 * chance.random())
    },
    "inserted_at_lte": lambda side, chance: {
        "inserted_at_lte": _ao(side, 0.1 + 0.8 * chance.random())
    },
    "inserted in a range": lambda side, chance: {
        "inserted_at_gte": _ao(side, 0.98),
        "inserted_at_lte": _ao(side, 0.1 + 0.8 * chance.random()),
        "sort": "inserted_at_asc",
    },
    "rare status long ago": lambda side, chance: {
        "status": "stalled",
        "inserted_at_lte": _ao(side, 0.4 + 0.5 * chance.random()),
    },
    "offset": lambda _side, chance: {"offset": chance.randrange(900, 1_000)},
    "offset and status": lambda _side, chance: {
        "offset": chance.randrange(900, 1_000),
        "status": "delivered",
    },
    "search reference": lambda side, chance: {
        "search": side.pick(side.stock.large, chance).reference or ""
    },
    # an address comes back now and then: fewer are shown than either history has of it
    "search address": lambda _side, chance: {"search": _address(chance), "limit": 5},
    "search nowhere": lambda _side, chance: {
        "search": "".join(chance.choices("bcdfghjklmnpqrstvwxz", k=5))
    },
    "search two letters": lambda _side, _chance: {"search": "xw"},
    "search common": lambda _side, chance: {"search": _quarter(chance)},
    "search everywhere": lambda _side, _chance: {"search": "LUANDA"},
    "search ascending": lambda _side, chance: {
        "search": _quarter(chance),
        "sort": "inserted_at_asc",
    },
    "search and status": lambda _side, chance: {
        "search": _quarter(chance),
        "status": "cancelled",
    },
    "search and rare status": lambda _side, _chance: {"search": "luanda", "status": "stalled"},
    "search in a range": lambda side, chance: {
        "search": _quarter(chance),
        "inserted_at_lte": _ao(side, 0.1 + 0.7 * chance.random()),
    },
    "search in no range": lambda side, chance: {
        "search": _quarter(chance),
        "inserted_at_gte": _hours(side, -24 * 90),
    },
    "search and offset": lambda _side, chance: {
        "search": "luanda",
        "offset": chance.randrange(500),
    },
    "all filters": lambda side, chance: {
        "search": _quarter(chance),
        "status": "failed,cancelled",
        "inserted_at_gte": _ao(side, 1),
        "inserted_at_lte": _hours(side, 0),
        "sort": "inserted_at_asc",
        "offset": 5,
        "limit": 10,
    },
}
"""The queries of Entrega's list."""


def _list_kaspi(query: Query) -> Callable[[Side, int], Awaitable[Took]]:
    async def measure(side: Side, turn: int) -> Took:
        asked = query(side, random.Random(turn))
        return _get(
            side,
            f"/delivery/v1/deliveries?{urlencode(asked)}",
            _of_kaspi(side),
        )

    return measure


def _list_entrega(query: Query) -> Callable[[Side, int], Awaitable[Took]]:
    async def measure(side: Side, turn: int) -> Took:
        asked = query(side, random.Random(turn))
        return _get(side, f"/v1/deliveries?{urlencode(asked)}", _of_entrega(side))

    return measure


def _of_kaspi(side: Side) -> dict[str, str]:
    return {"x-api-key": side.stock.large_kz.api_key}


def _of_entrega(side: Side) -> dict[str, str]:
    return {"Authorization": f"Bearer {side.stock.large.api_key}"}


def _get(side: Side, path: str, headers: Mapping[str, str]) -> Took:
    seconds, status, body = side.asker.send("GET", path, headers)
    if status != 200:
        raise Refused(f"{status} {body[:200]!r}")
    shown: dict[str, Any] = json.loads(body)
    is_page = "pagination" in shown or "nextCursor" in shown
    return Took(seconds, len(shown["data"]) if is_page else None)


async def _get_kaspi(side: Side, turn: int) -> Took:
    known = side.pick(side.stock.large_kz, random.Random(turn))
    return _get(side, f"/delivery/v1/deliveries/dlv_{to_base32(known.id)}", _of_kaspi(side))


async def _get_entrega(side: Side, turn: int) -> Took:
    known = side.pick(side.stock.large, random.Random(turn))
    return _get(side, f"/v1/deliveries/{known.id}", _of_entrega(side))


def _post(
    side: Side, path: str, headers: Mapping[str, str], body: bytes, key: str | None, wanted: int
) -> tuple[Took, bytes]:
    given = {**headers, "Content-Type": "application/json"}
    if key is not None:
        given["Idempotency-Key"] = key
    seconds, status, answer = side.asker.send("POST", path, given, body)
    if status != wanted:
        raise Refused(f"{status} {answer[:200]!r}")
    return Took(seconds), answer


async def _create_kaspi(side: Side, turn: int) -> Took:
    ref, body = orders(f"{side.run}-{turn}-", seed=turn)()
    return _post(side, "/delivery/v1/deliveries", _of_kaspi(side), body, ref, 201)[0]


async def _quote_entrega(side: Side, turn: int) -> Took:
    body = trips(turn)().encode()
    return _post(side, "/v1/quotes", _of_entrega(side), body, None, 200)[0]


async def _create_entrega(side: Side, turn: int) -> Took:
    trip = trips(turn)()
    _, quoted = _post(side, "/v1/quotes", _of_entrega(side), trip.encode(), None, 200)
    quote = json.loads(quoted)["data"][0]["quote_id"]
    body = f'{trip[:-1]},"quote_id":"{quote}","payment_method":"prepaid"}}'.encode()
    key = f"{side.run}-{turn}"
    return _post(side, "/v1/deliveries", _of_entrega(side), body, key, 201)[0]


async def _claim(side: Side, turn: int) -> Took:
    began = time.perf_counter()
    due = [
        each.endpoint_id
        for each in (await survey.survey(side.connection)).waiting
        if each.due_in_seconds <= 0
    ]
    asked = dict.fromkeys(due[: -(-_CLAIMED // _ROOM)], _ROOM)
    found = await outbox.claim(side.connection, asked, lease_seconds=60, worker="bench")
    seconds = time.perf_counter() - began
    if not found:
        raise BenchError("there was nothing to claim")
    now = time.monotonic()
    done = [
        Finished(
            account_id=one.scope.account_id,
            endpoint_id=one.endpoint_id,
            message_id=one.id,
            attempt=one.attempt,
            tells=True,
            is_delivered=True,
            retry_seconds=None,
            began=now,
            duration_seconds=0.01,
            outcome="delivered",
            http_status=200,
            error=None,
        )
        for one in found
    ]
    await outbox.record(side.connection, done, worker="bench")
    return Took(seconds, len(found))


def _statement(period: timedelta) -> Callable[[Side, int], Awaitable[Took]]:
    async def measure(side: Side, _turn: int) -> Took:
        end = side.stock.until
        began = time.perf_counter()
        of = side.stock.large
        found = await statement(side.platform, of.account, of.scope.mode, end - period, end)
        count = sum([1 async for _ in as_csv([found])])
        return Took(time.perf_counter() - began, count)

    return measure

"""A shop that speaks Entrega: three in-house courier companies to ask, and load for its server."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bench import load
from bench.process import BenchError
from bench.stage import Stage, request
from bench.trips import trips
from estafette.core.accounts.account import Mode, Scope
from estafette.core.couriers.company import Company
from estafette.core.ids import new_id
from estafette.core.quotes.quote import VALIDITY, Quote
from estafette.dialects.entrega import mapping
from estafette.dialects.entrega.schemas import read_quote
from estafette.http.fields import Context
from estafette.store import pool
from estafette.store.couriers import companies
from estafette.store.quotes import table as quotes

_MOST_ORDERS_A_SECOND = 3_500  # more quotes than a server on one processor can turn into deliveries
_ORDER: Final = '"payment_method":"prepaid","options":{"metadata":{"cart":"%s","gift":false}}}'

_PRICES: Final = """\
origin,destination,up_to_km,up_to_grams,fee,pickup_within,delivery_within
*,same,,2000,{0},30m,1h
*,same,,10000,{1},30m,1h
*,*,40,2000,{1},45m,2h
*,*,40,10000,{2},45m,2h
*,*,300,10000,{3},2h,1d
"""
_COMPANIES: Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "kianda": (
        ("--zone", "Luanda", "--pin", "--parcel-types", "small,medium", "--max-weight", "10000"),
        (2_500, 3_200, 4_500, 9_900),
    ),
    "zango": (
        ("--zone", "Luanda", "--zone", "Bengo", "--hours", "mon-sun 00:00-00:00"),
        (1_800, 2_900, 5_200, 7_900),
    ),
    "kwanza": (
        ("--zone", "Luanda", "--zone", "Benguela", "--zone", "Huambo", "--margin-percent", "7.5"),
        (2_100, 3_000, 4_800, 8_400),
    ),
}
"""The options and the fees of each."""

_READING = Context("AO", sandbox=False)


@dataclass
class Shop:
    """An account in Angola with its own in-house courier companies, in live mode."""

    stage: Stage
    name: str
    scope: Scope
    api_key: str
    companies: list[Company] = field(default_factory=list[Company])

    async def told(self, verb: str, slug: str, *arguments: str) -> dict[str, Any]:
        """Runs a command of `estafette couriers` for a company of this account."""
        of = ("--market", "AO", "--account", self.name)
        return await self.stage.told("couriers", verb, slug, *of, *arguments)

    def asked(self, path: str, body: str, key: str | None = None) -> Any:
        """Asks the server to do something and waits; returns what it says in `data`."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        status, answer = request(self.stage.base_url, "POST", path, headers, body.encode())
        if status not in (200, 201):
            raise BenchError(f"{path} was answered with {status}: {answer[:300]!r}")
        return json.loads(answer)["data"]

    async def quote_one(self) -> list[UUID]:
        """Asks for the quotes of one trip; returns their ids."""
        body = trips(self.stage.new_run())()
        quoted = await asyncio.to_thread(self.asked, "/v1/quotes", body)
        if len(quoted) != len(self.companies):
            raise BenchError(f"{len(quoted)} of {len(self.companies)} companies gave a quote")
        return [UUID(each["quote_id"]) for each in quoted]

    async def create_one(self, key: str) -> tuple[UUID, UUID]:
        """Creates a delivery under an idempotency key; returns its id and that of its quote."""
        [(quote, body)] = await self.orders(1)
        created = await asyncio.to_thread(self.asked, "/v1/deliveries", body, key)
        return UUID(created["id"]), quote

    async def quote_for(self, seconds: float) -> load.Seen:
        """Asks for quotes under load, and looks for all of them in the database."""
        task = self._task("/v1/quotes", seconds, what="trips", seed=self.stage.new_run())
        seen, answers = await self.stage.under_load(task)
        ids: list[UUID] = []
        for status, body in answers:
            quoted = json.loads(body)["data"] if status == 200 else ()
            if len(quoted) != len(self.companies):
                raise BenchError(f"a request was answered with {status}: {body[:300]!r}")
            ids.extend(UUID(quote["quote_id"]) for quote in quoted)
        kept = await self.stage.connection.fetchval(
            "select count(*) from quotes where account_id = $1 and id = any($2::uuid[])",
            self.scope.account_id,
            ids,
        )
        if not len(ids) == len(set(ids)) == kept:
            raise BenchError(f"of {len(ids)} acknowledged quotes {kept} are in the database")
        return seen

    async def create_for(self, seconds: float) -> load.Seen:
        """Creates deliveries under load, each from a quote of its own that was given before.

        Looks for all of them in the database, and for their quotes, which must be used.
        """
        number = self.stage.new_run()
        bodies = self.stage.folder / f"orders{number}"
        orders = await self.orders(round(seconds * _MOST_ORDERS_A_SECOND))
        bodies.write_text("\n".join(body for _, body in orders), "utf-8")
        task = self._task("/v1/deliveries", seconds, what="lines", prefix=f"q{number}-")
        seen, answers = await self.stage.under_load(replace(task, lines=str(bodies)))
        created: list[UUID] = []
        for status, body in answers:
            if status != 201:
                raise BenchError(f"a create from a quote was answered with {status}")
            created.append(UUID(json.loads(body)["data"]["id"]))
        kept = await self.stage.connection.fetchval(
            "select count(distinct quotes.id) from deliveries join quotes"
            " on quotes.account_id = deliveries.account_id and quotes.id = deliveries.quote_id"
            " and quotes.used_by = deliveries.id"
            " where deliveries.account_id = $1 and deliveries.id = any($2::uuid[])",
            self.scope.account_id,
            created,
        )
        if len(created) != kept:
            raise BenchError(
                f"{len(created)} deliveries were acknowledged, {kept} are there with their quotes"
            )
        return seen

    async def orders(self, count: int) -> list[tuple[UUID, str]]:
        """Gives so many quotes; returns their ids, each with a body that creates from it."""
        number, connection = self.stage.new_run(), self.stage.connection
        following, now = trips(number), await pool.now(connection)
        given: list[Quote] = []
        orders: list[tuple[UUID, str]] = []
        for at in range(count):
            trip = following()
            quote = self._quote(trip, self.companies[at % len(self.companies)], now)
            given.append(quote)
            end = _ORDER % f"cart-{number}-{at}"
            orders.append((quote.id, f'{trip[:-1]},"quote_id":"{quote.id}",{end}'))
        for start in range(0, count, 1_000):
            await quotes.insert(connection, given[start : start + 1_000])
        return orders

    def _quote(self, trip: str, company: Company, now: datetime) -> Quote:
        return Quote(
            id=new_id(),
            scope=self.scope,
            bound=quotes.digests(mapping.bound_payload(read_quote(json.loads(trip), _READING))),
            fee=2_500,
            pickup_within=timedelta(minutes=30),
            delivery_within=timedelta(hours=1),
            created_at=now,
            expires_at=now + VALIDITY,
            company_id=company.id,
            company_name=company.name,
            company_slug=company.slug,
            connector=company.connector,
            company_fee=2_500,
            require_pin=company.capabilities.require_delivery_pin,
        )

    def _task(self, path: str, seconds: float, **more: Any) -> load.Task:
        address, port = load.host(self.stage.base_url).split(":")
        head = load.head_of(self.stage.base_url, f"Authorization: Bearer {self.api_key}")
        return load.Task(
            host=address, port=int(port), head=head, paths=(path,), seconds=seconds, **more
        )


async def open_shop(stage: Stage) -> Shop:
    """The stage's shop: an account with an endpoint and three companies that carry all trips."""
    if stage.shop is not None:
        return stage.shop
    name = "shop"
    api_key = await stage.open_account(name, "AO")
    id = await stage.connection.fetchval("select id from accounts where name = $1", name)
    shop = Shop(stage, name, Scope(id, Mode.LIVE), api_key)
    prices = stage.folder / "prices.csv"
    for slug, (options, fees) in _COMPANIES.items():
        await shop.told("create", slug, *options)
        prices.write_text(_PRICES.format(*fees), "utf-8")
        await shop.told("tariffs", slug, "--import", str(prices))
    every = await companies.every(stage.connection, "AO")
    shop.companies += [company for company in every if company.account_id == id]
    stage.shop = shop
    return shop

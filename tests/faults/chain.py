"""Two Estafettes in a chain: one sells what the other carries.

The near one has a courier company whose platform is the far one. Merchants speak to the near one;
the far one's couriers are simulated.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from estafette import app
from estafette.core.accounts.account import Account, KeyKind, Mode, Scope
from estafette.core.couriers.company import Capabilities, Company, Connector, Margin
from estafette.core.ids import new_id
from estafette.couriers.entrega import webhook_url
from estafette.settings import Settings
from estafette.usecases.accounts.administration import create_account
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.couriers.links import Link, connect
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import list_endpoints, set_endpoint
from tests.faults.estafettes import Caller, Estafette, Wire, ours_of

_ROUTE: dict[str, Any] = {
    "origin": {"address_line": "Rua 21 de Janeiro", "city": "Luanda", "province": "Luanda"},
    "destination": {"address_line": "Rua Marien Nguabi", "city": "Luanda", "province": "Luanda"},
    "parcel": {"weight_grams": 1200},
}
LONGEST = 120.0
"""How long anything is waited for, in seconds."""

_NEVER = "3600"


@dataclass
class Chain:
    """Both Estafettes, their merchants, and what is between them."""

    near: Estafette
    far: Estafette
    wire: Wire
    merchant: Caller
    upstream: Caller

    async def quote(self, **parcel: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A body to create with, and the quote."""
        body = _ROUTE | {"parcel": _ROUTE["parcel"] | parcel}
        while True:
            status, told = await self.merchant.insist("POST", "/v1/quotes", body)
            assert status == 200, told
            if told["data"]:
                quote = told["data"][0]
                return body | {"quote_id": quote["quote_id"]}, quote

    async def create(self, **parcel: Any) -> dict[str, Any]:
        """A delivery at the near one."""
        body, _ = await self.quote(**parcel)
        status, told = await self.merchant.insist(
            "POST", "/v1/deliveries", body, **{"Idempotency-Key": str(uuid4())}
        )
        assert status == 201, told
        return told["data"]

    async def there(self, delivery: dict[str, Any]) -> dict[str, Any]:
        """The one delivery upstream for one of ours, when there is one."""

        (one,) = await until(lambda: self.twins(delivery), self)
        return one

    async def twins(self, delivery: dict[str, Any]) -> list[dict[str, Any]]:
        """All that is upstream for one of ours."""
        every = await self.upstream.all()
        return [one for one in every if ours_of(one) == UUID(delivery["id"])]

    async def advance(self, theirs: dict[str, Any], status: str | None = None) -> None:
        """Moves a delivery upstream by hand."""
        body = {} if status is None else {"status": status}
        path = f"/sandbox/v1/deliveries/{theirs['id']}/advance"
        code, told = await self.upstream.insist("POST", path, body)
        assert code == 200, told

    async def comes_to(self, delivery: dict[str, Any], status: str) -> dict[str, Any]:
        """Our delivery, when it has come to a status."""

        async def found() -> dict[str, Any] | None:
            now = await self.merchant.get(delivery["id"])
            return now if now["status"] == status else None

        return await until(found, self)


async def until(condition: Callable[[], Awaitable[Any]], chain: Chain) -> Any:
    """What the condition gives as soon as it gives something."""
    try:
        async with asyncio.timeout(LONGEST):
            while not (found := await condition()):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(chain.near.logs() + "\n-----\n" + chain.far.logs()) from None
    return found


@asynccontextmanager
async def _platform(estafette: Estafette) -> AsyncGenerator[Platform]:
    """What commands beside it work on."""
    settings = Settings(
        database_url=estafette.dsn,
        secret_key=estafette.secret_key,
        public_url=estafette.url,
        database_pool_size=2,
    )
    async with app.open_platform(settings) as platform:
        yield platform


async def _account(platform: Platform, name: str) -> tuple[Account, str]:
    """An account in Angola and its secret sandbox key."""
    account, issued = await create_account(
        platform, name, "AO", rate_per_second=10_000, burst=10_000
    )
    (key,) = (
        each.key
        for each in issued
        if each.known.kind is KeyKind.SECRET and each.known.mode is Mode.SANDBOX
    )
    return account, key


def _company(slug: str, connector: Connector, **fields: Any) -> Company:
    return Company(
        id=new_id(),
        market="AO",
        account_id=None,
        name=slug.title(),
        slug=slug,
        connector=connector,
        time_zone="Africa/Luanda",
        **fields,
    )


@asynccontextmanager
async def chained(
    databases: tuple[str, str],
    folder: Path,
    *,
    poll: str = _NEVER,
    webhooks: bool = True,
    step: str = "0",
) -> AsyncGenerator[Chain]:
    """Both, connected and started. The near one polls after so many seconds, the far one's couriers
    take a step in so many."""
    near = Estafette("near", databases[0], folder, remote_poll_seconds=poll)
    far = Estafette("far", databases[1], folder, sandbox_step_seconds=step)
    wire = Wire(far)
    try:
        async with wire, aiohttp.ClientSession() as session:
            async with _platform(far) as platform:
                account, upstream_key = await _account(platform, "reseller")
                able = Capabilities(require_delivery_pin=True)
                await save_company(
                    platform,
                    _company(
                        "moto",
                        Connector.INHOUSE,
                        base_fee=1_001,
                        base_eta_minutes=45,
                        capabilities=able,
                    ),
                )
                scope = Scope(account.id, Mode.SANDBOX)
                (secret,) = (
                    each.secret
                    for each in await list_endpoints(platform, account.id)
                    if each.scope == scope
                )
                far_account = scope
            async with _platform(near) as platform:
                _, key = await _account(platform, "shop")
                company = await save_company(
                    platform,
                    _company("far", Connector.REMOTE, margin=Margin(Decimal("7.5"), 100)),
                )
                link = Link(
                    company.id, wire.url, {Mode.SANDBOX: upstream_key}, {Mode.SANDBOX: secret}
                )
                await connect(platform, company, link)
            if webhooks:
                async with _platform(far) as platform:
                    await set_endpoint(platform, far_account, webhook_url(near.url, company.id))
            await asyncio.gather(*(asyncio.to_thread(each.start) for each in (near, far)))
            yield Chain(
                near, far, wire, Caller(near, key, session), Caller(far, upstream_key, session)
            )
    finally:
        near.stop()
        far.stop()

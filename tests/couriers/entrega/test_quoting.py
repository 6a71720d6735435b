"""Quotes of companies with a platform of their own, among those of others."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company, Connector, Margin
from estafette.core.deliveries.delivery import Parcel, Stop
from estafette.core.errors import AllCouriersFailed
from estafette.couriers.entrega import EntregaClient, EntregaCourier
from estafette.couriers.platforms import Access
from estafette.couriers.platforms.breaker import FAILURES
from estafette.usecases.platform import Patience
from tests.couriers.stage import patient_client, quote, quoting, refusing, told
from tests.receivers import Behaviour, Receiver, after, answer, silent
from tests.usecases.angola import LUANDA, VIANA, Shop, angola_over, new_shop


class Connections:
    """Which receiver is behind which company, in which mode, and what was observed."""

    def __init__(self, shop: Shop, client: EntregaClient) -> None:
        self.shop = shop
        self.outcomes: list[tuple[str, str]] = []
        self._of: dict[tuple[str, Mode], Receiver] = {}
        courier = EntregaCourier(client, self._reach)
        shop.change(
            couriers={**shop.platform.couriers, Connector.REMOTE: courier},
            observe_courier=self._observe,
        )

    def _observe(self, company: Company, outcome: str, _seconds: float) -> None:
        self.outcomes.append((company.slug, outcome))

    async def company(
        self, slug: str, platform: Receiver, mode: Mode = Mode.LIVE, margin: Margin | None = None
    ) -> Company:
        self._of[slug, mode] = platform
        return await self.shop.company(
            slug, connector=Connector.REMOTE, tariffs=[], margin=margin or Margin()
        )

    async def _reach(self, company: Company, mode: Mode) -> Access | None:
        receiver = self._of.get((company.slug, mode))
        if receiver is None:
            return None
        return Access(company.id, company.slug, f"http://127.0.0.1:{receiver.port}", f"sk_{mode}")


@pytest.fixture
async def connected(postgres_dsn: str) -> AsyncGenerator[Connections]:
    client = patient_client()
    async with angola_over(postgres_dsn) as platform:
        yield Connections(await new_shop(platform), client)
        await client.close()


async def test_the_cheapest_upstream_quote_is_offered_with_our_margin(
    connected: Connections,
) -> None:
    cheap = quote(701, require_delivery_pin=True, eta_minutes=50)
    async with Receiver(quoting(quote(900), cheap, quote(702))) as platform:
        company = await connected.company("far", platform, margin=Margin(Decimal(10), 5))
        (found,) = await connected.shop.quotes()
    assert (found.company_fee, found.fee) == (701, 777)
    assert (found.company_id, found.connector) == (company.id, Connector.REMOTE)
    assert found.require_pin
    assert found.eta_minutes == 50
    assert found.upstream is not None
    assert found.upstream["quote_id"] == cheap["quote_id"]
    sent = json.loads(platform.requests[0].body)
    assert {name: found.upstream[name] for name in sent} == sent
    assert sent == {
        "origin": {
            "address_line": LUANDA.address,
            "city": "Luanda",
            "province": "Luanda",
        },
        "destination": {
            "address_line": VIANA.address,
            "city": "Luanda",
            "province": "Luanda",
        },
        "parcel": {"weight_grams": 1_200, "description": "Livros"},
    }


async def test_what_the_price_depends_on_goes_upstream_and_nobodys_name(
    connected: Connections,
) -> None:
    origin = Stop(
        "Rua 1", city="Luanda", name="Loja", phone="923 000 111", phone_e164="+244923000111",
        latitude=-8.84, longitude=13.23,
    )  # fmt: skip
    async with Receiver(quoting(quote())) as platform:
        await connected.company("far", platform)
        await connected.shop.quotes(origin, VIANA, Parcel(5, declared_value=90))
    told = platform.requests[0].body
    assert not [word for word in (b"Loja", b"Ana", b"contact", b"923") if word in told]
    sent = json.loads(platform.requests[0].body)
    assert sent["origin"] == {
        "address_line": "Rua 1",
        "city": "Luanda",
        "province": "Luanda",
        "coordinates": {"lat": -8.84, "lng": 13.23},
    }
    assert sent["parcel"] == {"weight_grams": 5, "declared_value_aoa": 90}


async def test_a_quote_binds_no_longer_than_upstream_does(connected: Connections) -> None:
    async with Receiver(quoting(quote(valid_until="2099-01-01T00:00:00Z"))) as platform:
        await connected.company("far", platform)
        (long,) = await connected.shop.quotes()
        soon = (long.created_at + timedelta(minutes=3)).replace(microsecond=0)
        platform.behaviour = quoting(quote(valid_until=soon.isoformat()))
        (short,) = await connected.shop.quotes()
    assert long.expires_at - long.created_at == timedelta(minutes=15)
    assert short.expires_at == soon


async def test_an_empty_answer_is_no_coverage(connected: Connections) -> None:
    async with Receiver(quoting()) as platform:
        await connected.company("far", platform)
        assert await connected.shop.quotes() == []
    assert connected.outcomes == [("far", "no")]


async def test_a_company_is_asked_with_the_key_of_the_merchants_mode(
    connected: Connections,
) -> None:
    async with Receiver(quoting(quote())) as live, Receiver(quoting(quote())) as sandbox:
        await connected.company("live-only", live)
        await connected.company("rehearses", sandbox, Mode.SANDBOX)
        (found,) = await connected.shop.quotes()
        assert found.company_slug == "live-only"
        connected.shop.mode = Mode.SANDBOX
        (found,) = await connected.shop.quotes()
        assert found.company_slug == "rehearses"
        assert [len(live.requests), len(sandbox.requests)] == [1, 1]
        assert sandbox.requests[0].headers["authorization"] == "Bearer sk_sandbox"


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(500),
        answer(200, {"Content-Type": "text/html"}, b"<html>"),
        refusing(429),
        refusing(401),
        refusing(422),
        told({"data": [quote(fee_aoa="700")]}),
        told({"data": [quote(fee_aoa=-1)]}),
        told({"data": [quote(eta_minutes=10**9)]}),
        told({"data": [quote(valid_until="tomorrow")]}),
        told({"data": [quote(valid_until="2999-01-01T00:00:00")]}),
        told({"data": [quote(valid_until="2001-01-01T00:00:00Z")]}),
        told({"data": [quote(quote_id=None)]}),
        told({"data": {}}),
    ],
)
async def test_a_company_that_makes_no_sense_costs_its_own_quote_alone(
    connected: Connections, behaviour: Behaviour
) -> None:
    async with Receiver(behaviour) as broken, Receiver(quoting(quote(800))) as healthy:
        await connected.company("broken", broken)
        await connected.company("healthy", healthy)
        await connected.shop.company("inhouse")
        found = await connected.shop.quotes()
    assert [each.company_slug for each in found] == ["healthy", "inhouse"]
    assert ("broken", "failed") in connected.outcomes


async def test_a_hanging_company_costs_its_own_quote_and_holds_nobody_up(
    connected: Connections,
) -> None:
    asked = asyncio.Event()
    connected.shop.change(patience=Patience(quote=6.0))  # longer than a machine stands still
    async with (
        Receiver(silent()) as hanging,
        Receiver(after(asked, quoting(quote(800)))) as healthy,
    ):
        await connected.company("hanging", hanging)
        await connected.company("healthy", healthy)
        await connected.shop.company("inhouse")
        quoting_ = asyncio.create_task(connected.shop.quotes())
        await hanging.wait_for(1)
        await healthy.wait_for(1)  # although the other one has not answered
        assert connected.outcomes == [("inhouse", "offer")]
        asked.set()
        found = await quoting_
        await hanging.wait_until(lambda: hanging.open_connections == 0)
    assert [each.company_slug for each in found] == ["healthy", "inhouse"]
    assert connected.outcomes == [
        ("inhouse", "offer"),
        ("healthy", "offer"),
        ("hanging", "late"),
    ]


async def test_a_company_that_fails_in_a_row_is_not_asked_and_fails_at_once(
    connected: Connections,
) -> None:
    async with Receiver(answer(500)) as broken:
        await connected.company("broken", broken)
        for _ in range(FAILURES + 2):
            with pytest.raises(AllCouriersFailed):
                await connected.shop.quotes()
        assert len(broken.requests) == FAILURES
    outcomes: Mapping[str, int] = {
        name: connected.outcomes.count(("broken", name)) for name in ("failed", "open")
    }
    assert outcomes == {"failed": FAILURES, "open": 2}

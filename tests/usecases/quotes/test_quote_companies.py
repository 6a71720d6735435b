"""Quoting across courier companies."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import (
    WEEKDAYS,
    Capabilities,
    Company,
    Connector,
    CourierFailed,
    CourierResting,
    Hours,
    Margin,
    Offer,
)
from estafette.core.deliveries.delivery import Parcel, Stop
from estafette.core.errors import AllCouriersFailed, NoCourierConfigured
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.quotes.quote import VALIDITY, Quote
from estafette.usecases.couriers.companies import change_company
from tests.usecases.angola import BENGUELA, LUANDA, OFFER, FakeCourier, Shop, fees, new_shop


def slugs(quotes: list[Quote]) -> list[str | None]:
    return [quote.company_slug for quote in quotes]


async def asked(shop: Shop, answers: dict[str, object]) -> None:
    """Remote companies that answer as told."""
    shop.change(couriers={**shop.platform.couriers, Connector.REMOTE: FakeCourier(answers)})
    for slug in answers:
        await shop.company(slug, connector=Connector.REMOTE)


async def test_every_fitting_company_quotes_and_the_cheapest_comes_first(shop: Shop) -> None:
    await shop.company("dear", fees((10_000, 3_000)))
    await shop.company("cheap", fees((10_000, 900), minutes=90))
    await shop.company("elsewhere", service_zones=("Benguela",))
    found = await shop.quotes()
    assert [(quote.company_slug, quote.fee, quote.eta_minutes) for quote in found] == [
        ("cheap", 900, 90),
        ("dear", 3_000, 60),
    ]
    assert all(quote.expires_at - quote.created_at == VALIDITY for quote in found)
    assert await shop.count("quotes") == 2


async def test_an_account_without_companies_has_no_courier_configured(shop: Shop) -> None:
    other = await new_shop(shop.platform)
    await shop.company("retired", active=False)
    await other.company("not-ours")
    with pytest.raises(NoCourierConfigured):
        await shop.quotes()


async def test_a_company_of_the_whole_market_serves_every_account(shop: Shop) -> None:
    slug = f"all-{shop.account.name[2:14]}"
    company = await shop.company(slug, account_id=None)
    found = await (await new_shop(shop.platform)).quotes()
    assert slug in slugs(found)
    await change_company(shop.platform, "AO", slug, active=False)
    assert company.account_id is None


async def test_nobody_covering_the_route_is_an_empty_answer(shop: Shop) -> None:
    await shop.company("luanda", service_zones=("Luanda",))
    assert await shop.quotes(LUANDA, BENGUELA) == []
    assert await shop.count("quotes") == 0


async def test_a_zone_is_known_by_city_or_province_in_any_spelling(shop: Shop) -> None:
    await shop.company("zoned", service_zones=("Luanda", "Huíla"))
    hamlet = Stop("Estrada 1", city="Caluquembe", province="HUILA")
    assert slugs(await shop.quotes(Stop("x", city="Loanda"), hamlet)) == ["zoned"]


@pytest.mark.parametrize(("grams", "quoted"), [(5_000, 2), (5_001, 1), (20_000, 0)])
async def test_weight_and_type_of_the_parcel_must_fit(shop: Shop, grams: int, quoted: int) -> None:
    heavy = fees((100_000, 1_000))
    await shop.company("small", heavy, capabilities=Capabilities(parcel_types=("small",)))
    await shop.company("light", heavy, capabilities=Capabilities(max_weight_grams=19_999))
    assert len(await shop.quotes(parcel=Parcel(grams))) == quoted


async def test_a_weight_above_the_price_list_is_not_carried(shop: Shop) -> None:
    await shop.company("listed", fees((1_000, 500), (2_000, 800)))
    assert [quote.fee for quote in await shop.quotes(parcel=Parcel(1_500))] == [800]
    assert await shop.quotes(parcel=Parcel(2_001)) == []
    unknown = Stop("Rua 1", city="Aldeia sem nome")
    assert await shop.quotes(destination=unknown, parcel=Parcel(2_001)) == []


async def test_a_closed_company_is_not_asked(shop: Shop) -> None:
    always = (time(0), time(0))
    await shop.company("closed", hours=Hours({}))
    await shop.company("open", hours=Hours(dict.fromkeys(WEEKDAYS, (always,))))
    assert slugs(await shop.quotes()) == ["open"]


async def test_a_company_without_a_price_list_asks_what_it_advertises(shop: Shop) -> None:
    await shop.company("simple", [], base_fee=1_500, base_eta_minutes=45)
    await shop.company("silent", [])
    found = await shop.quotes()
    assert [(quote.fee, quote.eta_minutes) for quote in found] == [(1_500, 45)]


async def test_a_margin_is_added_and_rounded_up_to_whole_units(shop: Shop) -> None:
    await shop.company("marked", fees((10_000, 999)), margin=Margin(Decimal("7.5"), 50))
    quote = await shop.quote()
    assert (quote.fee, quote.company_fee) == (999 + 75 + 50, 999)


async def test_a_fee_beyond_all_measure_costs_only_its_own_quote(shop: Shop) -> None:
    largest = 2**53 - 1
    await shop.company("listed", fees((10_000, 2**63 - 1)))
    await shop.company("marked", fees((10_000, largest)), margin=Margin(fixed=1))
    await shop.company("dear", fees((10_000, largest)))
    await shop.company("fine", fees((10_000, 1_000)))
    assert [quote.fee for quote in await shop.quotes()] == [1_000, largest]


async def test_a_failing_or_hanging_company_costs_only_its_own_quote(shop: Shop) -> None:
    heard: dict[str, str] = {}

    def observe(company: Company, outcome: str, _seconds: float) -> None:
        heard[company.slug] = outcome

    shop.change(observe_courier=observe)
    hanging = asyncio.Event()
    await asked(
        shop,
        {
            "fine": OFFER,
            "declining": None,
            "down": CourierFailed("502"),
            "broken": RuntimeError("a bug"),
            "hanging": hanging.wait,
        },
    )
    await shop.company("inhouse")
    assert slugs(await shop.quotes()) == ["fine", "inhouse"]
    assert heard == {
        "fine": "offer",
        "declining": "no",
        "down": "failed",
        "broken": "failed",
        "hanging": "late",
        "inhouse": "offer",
    }


async def test_companies_that_must_be_waited_for_are_asked_at_once(shop: Shop) -> None:
    meeting = asyncio.Barrier(3)
    await asked(shop, dict.fromkeys(("a", "b", "c"), meeting.wait))
    assert len(await shop.quotes()) == 3


async def test_when_every_company_fails_all_couriers_failed(shop: Shop) -> None:
    await asked(shop, {"down": CourierFailed("502"), "broken": RuntimeError("a bug")})
    with pytest.raises(AllCouriersFailed) as refused:
        await shop.quotes()
    assert refused.value.asked == 2


async def test_a_company_that_declines_has_answered(shop: Shop) -> None:
    await asked(shop, {"down": CourierFailed("502"), "declining": None})
    assert await shop.quotes() == []


async def test_a_quote_ends_no_later_than_the_company_is_bound(shop: Shop) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=2)
    offer = Offer(500, timedelta(0), timedelta(minutes=9), True, soon, {"quote": "q-1"})
    await asked(shop, {"brief": offer})
    quote = await shop.quote()
    assert timedelta(minutes=1) < quote.expires_at - quote.created_at <= timedelta(minutes=2)
    assert (quote.require_pin, quote.upstream) == (True, {"quote": "q-1"})


async def test_in_sandbox_mode_companies_are_simulated_unless_remote(shop: Shop) -> None:
    await asked(shop, {"remote": OFFER})
    await shop.company("inhouse")
    rehearsal = await new_shop(shop.platform, Mode.SANDBOX)
    rehearsal.account = shop.account
    found = {quote.company_slug: quote.connector for quote in await rehearsal.quotes()}
    assert found == {"remote": Connector.REMOTE, "inhouse": Connector.SANDBOX}


async def test_parallel_quotes_are_all_stored(shop: Shop) -> None:
    for slug in ("a", "b", "c"):
        await shop.company(slug)
    found = await asyncio.gather(*(shop.quotes() for _ in range(100)))
    assert len({quote.id for quotes in found for quote in quotes}) == 300
    assert await shop.count("quotes") == 300


async def test_each_answer_is_measured_and_each_failure_is_told(shop: Shop) -> None:
    measured: dict[str, tuple[str, float]] = {}

    def observe(company: Company, outcome: str, seconds: float) -> None:
        measured[company.slug] = outcome, seconds

    shop.change(observe_courier=observe)
    answers: dict[str, object] = {
        "good": OFFER,
        "no": None,
        "down": CourierFailed("HTTP 500"),
        "resting": CourierResting("it failed too often", 5.0),
        "broken": ZeroDivisionError("nobody foresaw this"),
        "dear": Offer(LARGEST_SUM + 1, OFFER.pickup_within, OFFER.delivery_within),
    }
    await asked(shop, answers)
    with capture_logs() as logs:
        assert slugs(await shop.quotes()) == ["good"]
    assert {slug: outcome for slug, (outcome, _) in measured.items()} == {
        "good": "offer",
        "no": "no",
        "down": "failed",
        "resting": "open",
        "broken": "failed",
        "dear": "failed",
    }
    assert all(0 <= seconds < 60 for _, seconds in measured.values())
    failed = {"event": "courier_failed", "log_level": "warning"}
    broke = {"event": "courier_broke", "log_level": "error", "exc_info": True}
    assert sorted(logs, key=lambda line: line["company"]) == [
        broke | {"company": "broken"},
        failed | {"company": "dear", "reason": "the fee is beyond all measure"},
        failed | {"company": "down", "reason": "HTTP 500"},
    ]

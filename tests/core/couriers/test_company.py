"""Courier companies: whom they serve, when, and for how much."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.core.couriers.company import (
    WEEKDAYS,
    Capabilities,
    Company,
    Connector,
    CourierResting,
    Hours,
    Margin,
    QuoteRequest,
    connector_of,
    fits,
    names_of,
    offer_by_tariff,
    parcel_type,
)
from estafette.core.deliveries.delivery import Parcel, Stop
from estafette.core.quotes.place import City
from estafette.core.quotes.pricing import ANY, SAME, PriceList, Tariff

LUANDA = City("luanda", "Luanda", "AO", -8.84, 13.23, 2_776_168, ("Loanda",))
SUNDAY_NOON = datetime(2026, 11, 22, 11, tzinfo=UTC)  # 12:00 in Luanda


def company(**fields: Any) -> Company:
    given: dict[str, Any] = {"connector": Connector.INHOUSE, "time_zone": "Africa/Luanda"}
    given |= fields
    return Company(UUID(int=1), "AO", None, "Test", "test", **given)


def serves(one: Company, origin: str, destination: str, grams: int = 1_000) -> bool:
    stops = [names_of(Stop("x", city=city), None) for city in (origin, destination)]
    return fits(one, stops[0], stops[1], Parcel(grams), SUNDAY_NOON)


def test_both_stops_must_be_in_a_zone() -> None:
    one = company(service_zones=("Luanda", "Huíla"))
    assert serves(one, "LUANDA", "huila")
    assert not serves(one, "Luanda", "Benguela")
    assert not serves(one, "Benguela", "Luanda")


def test_without_zones_the_whole_market_is_served() -> None:
    assert serves(company(), "Benguela", "Aldeia")


def test_a_stop_is_known_by_its_city_in_any_spelling_and_by_its_province() -> None:
    names = names_of(Stop("x", city="Loanda", province="Província de Luanda"), LUANDA)
    assert {"loanda", "luanda"} <= names
    assert names_of(Stop("x"), None) == frozenset()


@pytest.mark.parametrize("zone", ["Cuanza Sul", "Kwanza Sul", "Província do Cuanza Sul"])
@pytest.mark.parametrize("province", ["Cuanza Sul", "Kwanza-Sul", "Cuanza Sul, Angola"])
def test_a_zone_holds_a_province_however_both_are_spelled(zone: str, province: str) -> None:
    one = company(service_zones=(zone,))
    stop = names_of(Stop("x", city="Sumbe", province=province), None)
    assert fits(one, stop, stop, Parcel(1_000), SUNDAY_NOON)


def test_an_inactive_company_serves_nobody() -> None:
    assert not serves(company(active=False), "Luanda", "Luanda")


@pytest.mark.parametrize(
    ("grams", "name"),
    [
        (1, "small"),
        (5_000, "small"),
        (5_001, "medium"),
        (20_000, "medium"),
        (20_001, "large"),
        (10**9, "large"),
    ],
)
def test_a_parcel_is_of_the_lightest_type_that_holds_it(grams: int, name: str) -> None:
    assert parcel_type(grams) == name


def test_limits_of_weight_and_type_include_their_bound() -> None:
    able = Capabilities(parcel_types=("small", "large"), max_weight_grams=30_000)
    one = company(capabilities=able)
    fitting = [serves(one, "a", "b", grams) for grams in (5_000, 5_001, 20_001, 30_000, 30_001)]
    assert fitting == [True, False, True, True, False]


@pytest.mark.parametrize(
    ("spans", "moment", "opened"),
    [
        ({"mon": ((time(8), time(18)),)}, "mon 08:00", True),
        ({"mon": ((time(8), time(18)),)}, "mon 17:59", True),
        ({"mon": ((time(8), time(18)),)}, "mon 18:00", False),
        ({"mon": ((time(8), time(18)),)}, "mon 07:59", False),
        ({"mon": ((time(8), time(12)), (time(14), time(18)))}, "mon 13:00", False),
        ({"mon": ((time(22), time(2)),)}, "mon 23:00", True),
        ({"mon": ((time(22), time(2)),)}, "tue 01:59", True),
        ({"mon": ((time(22), time(2)),)}, "tue 02:00", False),
        ({"mon": ((time(22), time(2)),)}, "mon 01:00", False),
        ({"sun": ((time(22), time(2)),)}, "mon 01:00", True),
        ({"mon": ((time(0), time(0)),)}, "mon 00:00", True),
        ({"mon": ((time(0), time(0)),)}, "mon 23:59", True),
        ({"mon": ((time(0), time(0)),)}, "tue 00:00", False),
        ({"mon": ((time(8), time(8)),)}, "tue 07:59", True),
        ({"mon": ((time(8), time(8)),)}, "tue 08:00", False),
        ({}, "mon 12:00", False),
    ],
)
def test_hours_hold_from_the_first_minute_to_before_the_last(
    spans: dict[str, Any], moment: str, opened: bool
) -> None:
    day, clock = moment.split()
    monday = datetime(2026, 11, 23)  # noqa: DTZ001 - hours are asked in local time
    date = monday + timedelta(days=WEEKDAYS.index(day))
    assert Hours(spans).open_at(datetime.combine(date, time.fromisoformat(clock))) is opened


def test_hours_are_those_of_the_companys_own_time_zone() -> None:
    hours = Hours({"sun": ((time(12), time(13)),)})
    stops = frozenset[str](), frozenset[str]()
    for zone, opened in (("Africa/Luanda", True), ("UTC", False)):
        one = company(hours=hours, time_zone=zone)
        assert fits(one, *stops, Parcel(1), SUNDAY_NOON) is opened


@given(
    st.integers(0, 10**9),
    st.decimals(0, 100, places=2),
    st.integers(0, 10**6),
)
def test_a_margin_never_takes_less_than_its_share_nor_a_whole_unit_more(
    fee: int, percent: Decimal, fixed: int
) -> None:
    exact = fee * (1 + percent / 100) + fixed
    assert exact <= Margin(percent, fixed).on(fee) < exact + 1


def test_in_a_rehearsal_only_a_remote_company_is_really_asked() -> None:
    for connector in Connector:
        one = company(connector=connector)
        assert connector_of(one, rehearsal=False) is connector
        rehearsed = connector_of(one, rehearsal=True)
        assert rehearsed is (connector if connector is Connector.REMOTE else Connector.SANDBOX)


def test_in_a_zone_that_the_gazetteer_does_not_know_the_slowest_price_holds() -> None:
    prices = PriceList(
        [
            Tariff(ANY, SAME, None, 1_000, 500, 60, 60),
            Tariff(ANY, ANY, 50, 1_000, 900, 60, 600),
            Tariff(ANY, ANY, None, 1_000, 2_000, 60, 6_000),
        ]
    )
    hamlet, city = Stop("x", city="Aldeia"), Stop("x", city="Luanda")
    inside = QuoteRequest(city, city, Parcel(1_000), LUANDA, LUANDA)
    unknown = QuoteRequest(city, hamlet, Parcel(1_000), LUANDA, None)
    heavy = QuoteRequest(city, hamlet, Parcel(1_001), LUANDA, None)
    offers = [offer_by_tariff(company(), prices, wanted) for wanted in (inside, unknown, heavy)]
    assert [offer and offer.fee for offer in offers] == [500, 2_000, None]


def test_without_a_price_list_a_company_charges_what_it_advertises() -> None:
    wanted = QuoteRequest(Stop("x"), Stop("y"), Parcel(1))
    offer = offer_by_tariff(company(base_fee=700, base_eta_minutes=45), PriceList(()), wanted)
    assert offer is not None
    assert (offer.fee, offer.pickup_within + offer.delivery_within) == (700, timedelta(minutes=45))
    assert offer_by_tariff(company(base_fee=700), PriceList(()), wanted) is None


def test_a_company_that_is_left_alone_says_why_and_for_how_long() -> None:
    resting = CourierResting("it failed 5 times", 12.5)
    assert str(resting) == "it failed 5 times"
    assert resting.seconds == 12.5

"""The price list that Kazakhstan begins with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.core.quotes.place import City, CityIndex
from estafette.core.quotes.pricing import ANY, SAME, PriceList
from estafette.core.quotes.tariff_file import tariffs_from_csv, tariffs_to_csv
from estafette.seeds.cities import cities_of
from estafette.seeds.tariffs import tariffs_of

HOUR = 3_600
CITIES = cities_of("KZ")
TARIFFS = tariffs_of("KZ")
PRICES = PriceList(TARIFFS)

cities = st.sampled_from(CITIES)
weights = st.integers(1, 1_000_000)


def test_within_almaty_the_guides_times_hold() -> None:
    almaty = CityIndex(CITIES).find("21 Zhibek Zholy, Almaty")
    price = PRICES.price(almaty, almaty, 1_200)
    assert price is not None
    assert price.pickup_within_seconds == 2 * HOUR
    assert price.delivery_within_seconds == 10 * HOUR


@given(cities, cities, weights)
def test_every_pair_of_cities_and_every_weight_is_covered(
    origin: City, destination: City, grams: int
) -> None:
    price = PRICES.price(origin, destination, grams)
    assert price is not None
    assert price.fee % 10 == 0
    assert price.fee > 0
    if origin is not destination:
        assert 24 * HOUR <= price.delivery_within_seconds <= 120 * HOUR


@given(cities, cities, weights, weights)
def test_a_heavier_parcel_never_costs_less(
    origin: City, destination: City, one: int, other: int
) -> None:
    light, heavy = (PRICES.price(origin, destination, grams) for grams in sorted((one, other)))
    assert light is not None
    assert heavy is not None
    assert light.fee <= heavy.fee


@given(cities, cities, weights)
def test_another_city_never_costs_less_than_the_same(
    origin: City, destination: City, grams: int
) -> None:
    within, between = (PRICES.price(origin, end, grams) for end in (origin, destination))
    assert within is not None
    assert between is not None
    assert within.fee <= between.fee


@pytest.mark.parametrize("grams", [1, 1_000_000])
def test_an_unknown_place_is_promised_the_longest_time(grams: int) -> None:
    assert PRICES.default_price(grams).delivery_within_seconds == 120 * HOUR


def test_the_rows_name_known_cities_alone() -> None:
    codes = {city.code for city in CITIES}
    assert {tariff.origin for tariff in TARIFFS} <= codes | {ANY}
    assert {tariff.destination for tariff in TARIFFS} <= codes | {ANY, SAME}
    assert len(tariffs_from_csv(tariffs_to_csv(TARIFFS), codes)) == len(TARIFFS)


def test_a_market_without_a_seed_begins_empty() -> None:
    assert tariffs_of("XX") == []

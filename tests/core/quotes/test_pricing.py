"""Prices: which row of a price list decides."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.core.quotes.place import City
from estafette.core.quotes.pricing import (
    ANY,
    SAME,
    UNPRICED,
    Price,
    PriceList,
    Tariff,
    in_reading_order,
)


def city(code: str, latitude: float) -> City:
    return City(code, code.capitalize(), "KZ", latitude, 77.0, 1_000_000, ())


NORTH = city("north", 52.0)
MIDDLE = city("middle", 48.0)  # 445 km from the north
SOUTH = city("south", 43.0)  # 1,001 km from the north, 556 km from the middle

ROUTES = [
    (ANY, ANY),
    (ANY, SAME),
    (ANY, "north"),
    ("north", ANY),
    ("north", SAME),
    ("north", "north"),
    ("south", "north"),
]


def row(
    route: tuple[str, str] = (ANY, ANY),
    *,
    km: int | None = None,
    grams: int = 1_000,
    fee: int = 100,
    pickup: int = 60,
    delivery: int = 600,
) -> Tariff:
    return Tariff(*route, km, grams, fee, pickup, delivery)


def fee(
    tariffs: Sequence[Tariff], origin: City | None, destination: City | None, grams: int = 1_000
) -> int | None:
    price = PriceList(tariffs).price(origin, destination, grams)
    return price and price.fee


def test_a_price_carries_the_fee_and_both_deadlines() -> None:
    tariffs = [row(fee=990, pickup=7_200, delivery=36_000)]
    assert PriceList(tariffs).price(SOUTH, SOUTH, 500) == Price(990, 7_200, 36_000)


def test_a_weight_falls_into_the_lightest_band_that_holds_it() -> None:
    tariffs = [row(grams=5_000, fee=200), row(grams=1_000, fee=100)]
    assert [fee(tariffs, SOUTH, NORTH, grams) for grams in (1, 1_000, 1_001, 5_000, 5_001)] == [
        *(100, 100, 200, 200),
        None,
    ]


def test_a_distance_falls_into_the_shortest_tier_that_holds_it() -> None:
    tariffs = [row(fee=300), row(km=900, fee=200), row(km=500, fee=100)]
    assert fee(tariffs, NORTH, MIDDLE) == 100
    assert fee(tariffs, MIDDLE, SOUTH) == 200
    assert fee(tariffs, NORTH, SOUTH) == 300


def test_a_place_beyond_the_last_tier_is_out_of_coverage() -> None:
    assert fee([row(km=500)], NORTH, SOUTH) is None


def test_a_city_that_was_not_recognised_is_out_of_coverage() -> None:
    tariffs = [row(), row((ANY, SAME))]
    assert fee(tariffs, None, SOUTH) is None
    assert fee(tariffs, SOUTH, None) is None


def test_an_unlisted_route_is_out_of_coverage() -> None:
    assert fee([row(("south", "north"))], NORTH, SOUTH) is None


def test_the_pair_of_cities_wins_over_the_origin_the_destination_and_anywhere() -> None:
    rows = [
        row(("south", "north"), fee=1),
        row(("south", ANY), fee=2),
        row((ANY, "north"), fee=3),
        row((ANY, ANY), fee=4),
    ]
    assert [fee(rows[first:], SOUTH, NORTH) for first in range(5)] == [1, 2, 3, 4, None]


def test_within_a_city_the_same_city_rows_win_over_one_sided_rows() -> None:
    rows = [
        row(("north", "north"), fee=1),
        row(("north", SAME), fee=2),
        row((ANY, SAME), fee=3),
        row(("north", ANY), fee=4),
        row((ANY, "north"), fee=5),
        row((ANY, ANY), fee=6),
    ]
    assert [fee(rows[first:], NORTH, NORTH) for first in range(7)] == [1, 2, 3, 4, 5, 6, None]


def test_same_city_rows_do_not_serve_trips_between_cities() -> None:
    assert fee([row((ANY, SAME)), row(("north", SAME))], NORTH, SOUTH) is None


def test_a_parcel_too_heavy_for_the_specific_rows_takes_the_general_ones() -> None:
    tariffs = [row(("south", "north"), fee=50), row(grams=20_000, fee=900)]
    assert fee(tariffs, SOUTH, NORTH, 1_000) == 50
    assert fee(tariffs, SOUTH, NORTH, 1_001) == 900


def test_of_two_rows_for_the_same_thing_the_later_counts() -> None:
    assert fee([row(fee=1), row(fee=2)], SOUTH, NORTH) == 2


def test_an_unknown_place_gets_the_slowest_price_from_anywhere_to_anywhere() -> None:
    slow = row(km=900, fee=300, delivery=9_000)
    tariffs = [row(fee=500), slow, row((ANY, SAME), delivery=99_000)]
    assert PriceList(tariffs).default_price(10) == Price(300, 60, 9_000)


def test_of_equally_slow_prices_an_unknown_place_gets_the_dearest() -> None:
    assert PriceList([row(km=9, fee=7), row(fee=5)]).default_price(10).fee == 7


def test_an_unknown_place_with_a_heavy_parcel_gets_the_slowest_row_that_holds_it() -> None:
    tariffs = [row(delivery=9_000), row(("north", ANY), grams=5_000, fee=70)]
    assert PriceList(tariffs).default_price(5_000).fee == 70


def test_an_unknown_place_with_a_parcel_beyond_all_bands_gets_the_slowest_row() -> None:
    tariffs = [row(delivery=9_000, fee=3), row(grams=5_000)]
    assert PriceList(tariffs).default_price(5_001).fee == 3


def test_an_empty_price_list_still_promises_something() -> None:
    assert PriceList([]).price(SOUTH, SOUTH, 1) is None
    assert PriceList([]).default_price(1) == UNPRICED


def test_rows_read_from_the_specific_to_the_general() -> None:
    near, far = row(km=9), row()
    light, heavy = row(("north", "south"), grams=1), row(("north", "south"), grams=2)
    same = row((ANY, SAME))
    assert in_reading_order([far, near, same, heavy, light]) == [light, heavy, same, near, far]


tariffs_of_any_kind = st.builds(
    Tariff,
    origin=st.sampled_from([ANY, "north", "south"]),
    destination=st.sampled_from([ANY, SAME, "north", "south"]),
    up_to_km=st.none() | st.integers(1, 1_500),
    up_to_grams=st.sampled_from([1_000, 5_000, 20_000]),
    fee=st.integers(0, 10**6),
    pickup_within_seconds=st.integers(1, 10**6),
    delivery_within_seconds=st.integers(1, 10**6),
)
places = st.sampled_from([NORTH, MIDDLE, SOUTH])
weights = st.integers(1, 25_000)


@given(st.lists(tariffs_of_any_kind), places, places, weights)
def test_a_price_exists_exactly_where_a_row_covers_the_trip(
    tariffs: list[Tariff], origin: City, destination: City, grams: int
) -> None:
    kilometres = abs(origin.latitude - destination.latitude) * 111.195
    covering = [
        tariff
        for tariff in tariffs
        if tariff.origin in (ANY, origin.code)
        and (
            tariff.destination in (ANY, destination.code)
            or (tariff.destination == SAME and origin is destination)
        )
        and (tariff.up_to_km is None or kilometres <= tariff.up_to_km)
        and grams <= tariff.up_to_grams
    ]
    price = PriceList(tariffs).price(origin, destination, grams)
    assert (price is not None) == bool(covering)
    if price is not None:
        assert price.fee in {tariff.fee for tariff in covering}
        assert PriceList(tariffs).default_price(grams) != UNPRICED


@given(st.lists(tariffs_of_any_kind), places, places, weights)
def test_the_order_of_different_rows_does_not_matter(
    tariffs: list[Tariff], origin: City, destination: City, grams: int
) -> None:
    distinct = list({replace(tariff, fee=0): tariff for tariff in tariffs}.values())
    keyed = {(t.origin, t.destination, t.up_to_km, t.up_to_grams): t for t in distinct}
    rows = list(keyed.values())
    price = PriceList(rows).price(origin, destination, grams)
    assert PriceList(rows[::-1]).price(origin, destination, grams) == price


@given(
    st.lists(st.integers(1, 10**6), min_size=1, unique=True),
    st.sampled_from(ROUTES),
    st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
)
def test_a_heavier_parcel_never_costs_less_where_the_bands_rise(
    bands: list[int], route: tuple[str, str], parcels: tuple[int, int]
) -> None:
    prices = PriceList([row(route, grams=grams, fee=10 * grams) for grams in bands])
    light, heavy = (prices.price(NORTH, NORTH, grams) for grams in sorted(parcels))
    if heavy is None:
        assert max(parcels) > max(bands) or route == ("south", "north")
    else:
        assert light is not None
        assert light.fee <= heavy.fee


@pytest.mark.parametrize(("kilometres", "covered"), [(444, False), (445, True)])
def test_a_tier_reaches_as_far_as_it_says(kilometres: int, covered: bool) -> None:
    assert (fee([row(km=kilometres)], NORTH, MIDDLE) is not None) == covered

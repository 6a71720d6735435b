"""What a new price list changes of the one before it."""

from dataclasses import replace

from estafette.core.quotes.pricing import ANY, SAME, Tariff
from estafette.core.quotes.tariff_changes import TariffChange, tariff_changes

LIGHT = Tariff(ANY, SAME, None, 1_000, 500, 3_600, 7_200)
HEAVY = replace(LIGHT, up_to_grams=5_000, fee=900)
FAR = replace(LIGHT, destination=ANY, up_to_km=100, fee=2_000)


def test_a_list_that_is_the_same_changes_nothing_in_whatever_order_it_is_written() -> None:
    assert tariff_changes([LIGHT, HEAVY, FAR], [FAR, LIGHT, HEAVY]) == []


def test_rows_are_added_removed_and_changed_by_route_distance_and_weight() -> None:
    dearer, farther = replace(LIGHT, fee=600), replace(FAR, up_to_km=200)
    assert tariff_changes([LIGHT, HEAVY, FAR], [farther, HEAVY, dearer]) == [
        TariffChange(dearer, LIGHT, dearer),
        TariffChange(FAR, FAR, None),
        TariffChange(farther, None, farther),
    ]


def test_another_promise_is_a_change_too() -> None:
    sooner = replace(LIGHT, pickup_within_seconds=60)
    assert tariff_changes([LIGHT], [sooner]) == [TariffChange(sooner, LIGHT, sooner)]

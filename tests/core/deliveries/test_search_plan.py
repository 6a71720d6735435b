"""Which way a search takes: of what the first texts tell."""

from math import inf

import pytest

from estafette.core.deliveries.search_plan import (
    EFFORT,
    Effort,
    Plan,
    Sampled,
    Way,
    cost_by_grams,
    cost_in_order,
    expected_reach,
    plan,
)

MANY = Sampled(total=1_000_000, hits=100, found=15, need=21)
RARE = Sampled(total=1_000_000, hits=1, found=0, need=21)


def test_the_reach_grows_with_what_is_missing_and_never_beyond_all_texts() -> None:
    assert expected_reach(MANY, EFFORT) == 2_000 * 21 / 15
    assert expected_reach(MANY._replace(need=10_000), EFFORT) == 1_000_000
    assert expected_reach(MANY._replace(found=0), EFFORT) == 1_000_000


def test_looking_in_order_costs_a_text_each_and_by_status_a_fetch_for_each_that_has_the_piece() -> (
    None
):
    assert cost_in_order(MANY, by_status=False, effort=EFFORT) == expected_reach(MANY, EFFORT)
    assert cost_in_order(MANY, by_status=True, effort=EFFORT) == (
        expected_reach(MANY, EFFORT) * (1 + 10 * 100 / 2_000)
    )


def test_grams_cost_a_fetch_for_each_text_that_should_have_the_piece() -> None:
    assert cost_by_grams(MANY, EFFORT) == 10 * 1_000_000 * 100 / 2_000
    assert cost_by_grams(RARE._replace(hits=0), EFFORT) == 0


def test_what_many_have_is_looked_for_in_order_twice_as_far_as_it_should_reach_then_by_grams() -> (
    None
):
    reach = round(2 * 2_000 * 21 / 15)
    assert plan(MANY, by_status=False, has_grams=True) == Plan(
        Way.IN_ORDER, reach, otherwise=Way.BY_GRAMS
    )
    assert plan(MANY, by_status=False, has_grams=False) == Plan(
        Way.IN_ORDER, reach, otherwise=Way.IN_ORDER
    )


def test_what_is_rare_is_looked_for_by_its_grams() -> None:
    assert plan(RARE, by_status=False, has_grams=True) == Plan(Way.BY_GRAMS)


def test_where_nothing_narrows_it_down_all_texts_are_looked_through_at_once() -> None:
    assert plan(RARE, by_status=False, has_grams=False) == Plan(Way.IN_ORDER, 1_000_000)


def test_a_reach_of_nearly_all_is_all_and_nothing_comes_after_it() -> None:
    few = MANY._replace(total=5_000, hits=200)
    assert plan(few, by_status=False, has_grams=True) == Plan(Way.IN_ORDER, 5_000)
    assert plan(few, by_status=False, has_grams=True).otherwise is None


def test_equal_costs_are_paid_in_order() -> None:
    even = Sampled(total=1_000, hits=50, found=1, need=100)
    effort = Effort(sample=100, fetch=2.0)
    assert cost_in_order(even, by_status=False, effort=effort) == cost_by_grams(even, effort)
    assert plan(even, by_status=False, has_grams=True, effort=effort).way is Way.IN_ORDER


@pytest.mark.parametrize("has_grams", [True, False])
def test_statuses_are_gone_through_where_the_other_ways_are_long(*, has_grams: bool) -> None:
    common = Sampled(total=1_000_000, hits=1_900, found=0, need=21)
    assert plan(common, by_status=True, has_grams=has_grams) == Plan(Way.BY_STATUS)
    assert plan(common, by_status=False, has_grams=has_grams).way is not Way.BY_STATUS
    patient = Effort(long=inf)
    way = plan(common, by_status=True, has_grams=has_grams, effort=patient).way
    assert way is (Way.BY_GRAMS if has_grams else Way.IN_ORDER)


def test_a_short_way_in_order_or_by_grams_is_taken_whatever_the_statuses() -> None:
    assert plan(RARE, by_status=True, has_grams=True) == Plan(Way.BY_GRAMS)
    assert plan(MANY, by_status=True, has_grams=True).way is Way.IN_ORDER

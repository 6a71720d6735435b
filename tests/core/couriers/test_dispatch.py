"""What an attempt at a platform leaves of the doubt, and what a platform's webhook means."""

from uuid import UUID

import pytest

from estafette.core.couriers.dispatch import Doubt, Known, Mention, Standing, doubt_after


def standing(*, doubtful: bool = False, heard: bool = False) -> Standing:
    return Standing("waiting", 1, None, True, True, True, doubtful, False, heard, None, 0)


def after(
    before: Standing,
    *,
    may_have_arrived: bool = False,
    looked_up: bool = False,
    may_arrive_yet: bool = False,
) -> Doubt:
    return doubt_after(
        before,
        may_have_arrived=may_have_arrived,
        looked_up=looked_up,
        may_arrive_yet=may_arrive_yet,
    )


@pytest.mark.parametrize("doubtful", [True, False])
@pytest.mark.parametrize("looked_up", [True, False])
def test_a_request_that_may_have_arrived_begins_a_doubt(doubtful: bool, looked_up: bool) -> None:
    before = standing(doubtful=doubtful)
    assert after(before, may_have_arrived=True, looked_up=looked_up) is Doubt.BEGINS


def test_a_webhook_since_the_claim_begins_a_doubt() -> None:
    assert after(standing(heard=True), looked_up=True) is Doubt.BEGINS


def test_without_a_doubt_a_request_that_did_not_arrive_leaves_none() -> None:
    assert after(standing()) is Doubt.OVER


def test_a_look_up_in_vain_ends_a_doubt_unless_a_request_may_be_under_way() -> None:
    before = standing(doubtful=True)
    assert after(before, looked_up=True) is Doubt.OVER
    assert after(before, looked_up=True, may_arrive_yet=True) is Doubt.STAYS
    assert after(before) is Doubt.STAYS


def known(state: str, upstream_id: str | None) -> Known:
    return Known(UUID(int=1), UUID(int=2), state, upstream_id, 1)


@pytest.mark.parametrize(
    ("state", "upstream_id", "mention"),
    [
        ("waiting", None, Mention.NEWS),
        ("placed", "d1", Mention.NEWS),
        ("refused", None, Mention.NEWS),
        ("closed", "d1", Mention.STALE),
        ("disputed", "d1", Mention.STALE),
        ("closed", None, Mention.STRAY),
        ("placed", "d2", Mention.TWIN),
        ("closed", "d2", Mention.TWIN),
    ],
)
def test_what_it_means_that_a_platform_names_a_delivery(
    state: str, upstream_id: str | None, mention: Mention
) -> None:
    assert known(state, upstream_id).named_as("d1") is mention

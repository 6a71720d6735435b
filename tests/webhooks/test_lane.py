"""How much an endpoint bears, learned from how it answers."""

from uuid import UUID

import pytest

from estafette.store.webhooks.failures import OPENS_AFTER
from estafette.webhooks.lane import EndpointLane, Job, LaneStanding

ACCOUNT = UUID(int=1)


def lane(*seconds: float, most: int = 64) -> EndpointLane:
    """An endpoint that has answered in so many seconds, one time after another."""
    one = EndpointLane(ACCOUNT)
    for each in seconds:
        one.learn(each, in_time=True, delivered=True, most=most)
    return one


def ready(one: EndpointLane, jobs: int = 9) -> EndpointLane:
    one.ready.extend(Job((UUID(int=2), UUID(int=number)), ACCOUNT) for number in range(jobs))
    return one


def test_of_a_new_endpoint_nothing_is_known_and_one_message_is_claimed() -> None:
    one = lane()
    assert (one.standing, one.limit, one.quota, one.room) == (LaneStanding.UNKNOWN, 1, 2, 1)
    one.held = 1
    assert one.room == 0
    assert one.is_hungry


@pytest.mark.parametrize(
    ("seconds", "standing"),
    [
        (0.01, LaneStanding.SOON),
        (0.5, LaneStanding.SOON),
        (0.51, LaneStanding.SLOW),
        (4.0, LaneStanding.SLOW),
    ],
)
def test_an_endpoint_stands_by_how_soon_it_answers(seconds: float, standing: LaneStanding) -> None:
    assert lane(seconds).standing is standing


def test_the_latest_answer_counts_for_a_fifth_of_the_average() -> None:
    assert lane(1.0, 2.0).seconds == pytest.approx(1.2)
    assert lane(1.0, 2.0, 0.0).seconds == pytest.approx(0.96)


def test_each_answer_in_time_allows_one_more_request_up_to_the_most() -> None:
    assert [lane(*[0.1] * times).limit for times in range(4)] == [1, 2, 3, 4]
    assert lane(*[0.1] * 9, most=4).limit == 4


def test_an_answer_that_is_too_late_halves_the_requests_and_never_to_none() -> None:
    one = lane(*[0.1] * 7)
    for limit in (4.0, 2.0, 1.0, 1.0):
        one.learn(5.0, in_time=False, delivered=False, most=64)
        assert one.limit == limit
        assert one.standing is LaneStanding.FAILING
    one.learn(0.1, in_time=True, delivered=True, most=64)
    assert one.standing is not LaneStanding.FAILING


def test_as_many_messages_are_held_as_are_sent_in_a_second_and_one_for_each_request() -> None:
    assert lane(0.25).quota == 2 * (1 + 4)
    assert lane(0.001).quota == 2 * (1 + 63)  # however quick it is
    assert lane(1 / 63).quota == 2 * (1 + 63)
    assert lane(2.0).quota == 3


def test_failures_in_a_row_make_an_endpoint_doubted_and_a_delivery_ends_them() -> None:
    one = lane(0.1)
    for failures in range(1, OPENS_AFTER + 1):
        assert not one.is_doubted
        one.learn(0.1, in_time=True, delivered=False, most=64)
        assert one.failures == failures
    assert one.is_doubted
    assert one.room == 1
    one.learn(0.1, in_time=True, delivered=True, most=64)
    assert (one.failures, one.is_doubted, one.standing) == (0, False, LaneStanding.SOON)


def test_what_other_workers_saw_fail_counts_too() -> None:
    one = lane(0.1)
    one.hear_of(OPENS_AFTER - 1)
    assert one.standing is LaneStanding.SOON
    one.hear_of(OPENS_AFTER)
    assert one.standing is LaneStanding.FAILING
    one.hear_of(0)
    assert one.standing is LaneStanding.SOON


def test_half_of_what_may_be_held_is_gone_before_more_is_claimed() -> None:
    one = lane(0.25)
    assert one.quota == 10
    for held, hungry in ((4, True), (5, True), (6, False), (10, False)):
        one.held = held
        assert one.is_hungry is hungry
        assert one.room == 10 - held
    slow = lane(*[2.0] * 7)  # eight requests at a time, and little ahead of them
    slow.held = 7
    assert slow.is_hungry


def test_a_request_more_is_sent_while_the_limit_allows_it() -> None:
    one = ready(lane(0.1, 0.1))
    for sending, may in ((0, True), (2, True), (3, False)):
        one.sending = sending
        assert one.may_send is may
    one.sending = 0
    one.ready.clear()
    assert not one.may_send


def test_an_endpoint_that_fails_is_sent_one_request_at_a_time() -> None:
    one = ready(lane(*[0.1] * 9))
    one.hear_of(OPENS_AFTER)
    assert one.may_send
    one.sending = 1
    assert not one.may_send


def test_where_a_request_takes_long_that_should_not_its_end_is_awaited() -> None:
    for one, may in ((lane(), False), (lane(0.1), False), (lane(2.0), True)):
        ready(one).late = 1
        assert one.may_send is may
        one.late = 0
        assert one.may_send


def test_messages_whose_requests_take_long_do_not_count_as_waiting() -> None:
    one = lane(0.1)
    one.held, one.late = 5, 2
    assert one.waiting == 3

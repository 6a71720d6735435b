"""The table of transitions and the milestone, against the published table written out again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estafette.core.deliveries.delivery import (
    COURSE,
    EVENT_LIMIT,
    FINAL,
    TRANSITIONS,
    Progress,
    Status,
    is_sealed,
    reference,
    way,
)
from tests.core.life import NEXT, Life

STATUSES = st.sampled_from(Status)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.STALLED])
def test_the_table_allows_what_is_published_and_nothing_else(status: Status) -> None:
    assert TRANSITIONS[status] == {Status(name) for name in NEXT[status.value]}


@given(st.sampled_from([Status.AWAITING_PAYMENT, Status.PENDING]), st.lists(STATUSES))
def test_a_life_goes_as_the_published_rules_say(start: Status, wishes: list[Status]) -> None:
    progress, life = Progress(start, start), Life(start.value)
    for wish in wishes:
        moved = progress.moved(wish)
        assert (moved is not None) is life.move(wish.value)
        progress = moved or progress
        assert (progress.status, progress.milestone) == (life.status, life.milestone)
        assert progress.picked_up is life.picked_up
        assert progress.seq == life.events
        assert progress.is_final is (not life.allowed())


@pytest.mark.parametrize("status", sorted(FINAL))
def test_nothing_follows_an_end(status: Status) -> None:
    assert Progress(status, status).is_final
    assert Progress(status, status).allowed() == frozenset()


def test_a_stall_before_the_pickup_may_be_cancelled_and_one_after_may_not() -> None:
    before = Progress(Status.ASSIGNED, Status.ASSIGNED).moved(Status.STALLED)
    after = Progress(Status.IN_TRANSIT, Status.IN_TRANSIT).moved(Status.STALLED)
    assert before is not None
    assert after is not None
    assert before.allowed() == {
        Status.ASSIGNED,
        Status.PENDING,
        Status.CANCELLED,
        Status.FAILED,
    }
    assert after.allowed() == {Status.IN_TRANSIT, Status.FAILED}


def test_a_courier_who_gives_back_does_not_undo_the_milestone() -> None:
    progress = Progress(Status.PICKUP_READY, Status.PICKUP_READY).moved(Status.PENDING)
    assert progress is not None
    assert progress.milestone is Status.PICKUP_READY
    again = progress.moved(Status.ASSIGNED)
    assert again is not None
    assert again.milestone is Status.PICKUP_READY


def test_with_a_full_history_every_way_leads_to_an_end() -> None:
    starts = [
        Progress(status, milestone, before_stall, EVENT_LIMIT)
        for status in Status
        for milestone in COURSE
        for before_stall in (COURSE if status is Status.STALLED else (None,))
        if status not in COURSE or COURSE.index(status) <= COURSE.index(milestone)
    ]
    ahead = list(starts)
    while ahead:
        progress = ahead.pop()
        assert progress.seq <= EVENT_LIMIT + 8
        assert progress.is_final or progress.allowed()
        assert Status.STALLED not in progress.allowed()
        for to in progress.allowed():
            moved = progress.moved(to)
            assert moved is not None
            ahead.append(moved)


def test_the_last_event_before_the_limit_may_still_be_a_stall() -> None:
    progress = Progress(Status.PENDING, Status.ASSIGNED, seq=EVENT_LIMIT - 1)
    stalled = progress.moved(Status.STALLED)
    assert stalled is not None
    assert stalled.allowed() == stalled.connected()
    again = stalled.moved(Status.PENDING)
    assert again is not None
    assert again.allowed() == {Status.ASSIGNED, Status.CANCELLED}
    assert again.moved(Status.STALLED) is None


def test_a_delivery_is_called_by_its_year_and_number() -> None:
    assert reference(2026, 42) == "DLV-2026-00042"
    assert reference(2026, 1_234_567) == "DLV-2026-1234567"


def test_a_pin_is_known_to_be_sealed_by_how_it_begins() -> None:
    assert is_sealed("sealed:AAAA")
    assert not is_sealed("1234")


@pytest.mark.parametrize(
    ("status", "before_stall", "to", "passed"),
    [
        ("pending", None, "assigned", "assigned"),
        (
            "pending",
            None,
            "delivered",
            "assigned pickup_ready in_transit out_for_delivery delivered",
        ),
        ("stalled", "assigned", "in_transit", "assigned in_transit"),
        ("stalled", "assigned", "failed", "failed"),
        ("pending", None, "failed", "assigned pickup_ready in_transit failed"),
        ("out_for_delivery", None, "pending", None),
        ("stalled", "out_for_delivery", "assigned", None),
        ("in_transit", None, "cancelled", None),
        ("delivered", None, "failed", None),
        ("awaiting_payment", None, "stalled", None),
        ("cancelled", None, "delivered", None),
    ],
)
def test_the_way_to_a_status_passes_every_step_that_lies_between(
    status: str, before_stall: str | None, to: str, passed: str | None
) -> None:
    been = Status(before_stall or status)
    progress = Progress(Status(status), been, Status(before_stall) if before_stall else None)
    assert way(progress, Status(to)) == (passed and tuple(map(Status, passed.split())))

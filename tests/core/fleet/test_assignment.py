"""The states of an assignment, and what a driver's steps mean for the delivery."""

import pytest

from estafette.core.deliveries.delivery import FINAL, Progress, Status
from estafette.core.fleet.assignment import (
    ENDING,
    ON_BOARD,
    OPEN,
    STATUS_AFTER,
    TRANSITIONS,
    AssignmentState,
    Load,
    Step,
    moves_for,
    state_after,
)
from estafette.core.fleet.driver import Capacity


def at(*course: Status) -> Progress:
    """The progress of a delivery that went through statuses."""
    progress = Progress(course[0], course[0])
    for status in course[1:]:
        moved = progress.moved(status)
        assert moved is not None, status
        progress = moved
    return progress


P, A, R = Status.PENDING, Status.ASSIGNED, Status.PICKUP_READY
T, O, D = Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED  # noqa: E741
S = Status.STALLED


@pytest.mark.parametrize(
    ("step", "course", "passed"),
    [
        (Step.ACCEPTED, (P,), (A,)),
        (Step.ARRIVED, (P, A), (R,)),
        (Step.PICKED_UP, (P, A), (T,)),
        (Step.PICKED_UP, (P, A, R), (T,)),
        (Step.ON_THE_WAY, (P, A, R, T), (O,)),
        (Step.HANDED_OVER, (P, A, T, O), (D,)),
        (Step.HANDED_OVER, (P, A, T), (O, D)),
        (Step.ARRIVED, (P, A, R), ()),  # its scheduled pickup is near: time was faster
        (Step.ACCEPTED, (P, A), ()),
        (Step.ACCEPTED, (P, S), (P, A)),
        (Step.ARRIVED, (P, A, S), (A, R)),
        (Step.ACCEPTED, (P, A, R, S), (R,)),
        (Step.HANDED_OVER, (P, A, T, O, S), (O, D)),
    ],
)
def test_a_step_brings_a_delivery_to_its_status_by_legal_moves(
    step: Step, course: tuple[Status, ...], passed: tuple[Status, ...]
) -> None:
    progress = at(*course)
    moves = moves_for(step, progress)
    assert moves == passed
    for status in passed:
        assert status in progress.allowed()
        progress = at(*course, *passed[: passed.index(status) + 1])


@pytest.mark.parametrize("step", Step)
def test_no_step_leads_out_of_what_is_over_or_not_paid(step: Step) -> None:
    for status in (Status.CANCELLED, Status.FAILED, Status.AWAITING_PAYMENT):
        assert moves_for(step, Progress(status, Status.PENDING)) is None


def test_every_step_has_a_status_of_its_own_in_the_order_of_the_course() -> None:
    assert list(STATUS_AFTER) == list(Step)
    assert len(set(STATUS_AFTER.values())) == len(Step)


def test_what_is_not_open_goes_nowhere() -> None:
    assert set(TRANSITIONS) == set(AssignmentState)
    assert {state for state, after in TRANSITIONS.items() if after} == OPEN


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("state", AssignmentState)
def test_an_assignment_follows_its_delivery_by_the_table(
    status: Status, state: AssignmentState
) -> None:
    after = state_after(status, was=state)
    assert after is state or after in TRANSITIONS[state]
    if state is AssignmentState.ACCEPTED:
        assert (after not in OPEN) == (status in ENDING)
    if state is AssignmentState.OFFERED:
        assert (after not in OPEN) == (status in ENDING | ON_BOARD)
    assert ENDING >= FINAL


def test_a_vehicle_holds_what_was_accepted_and_no_gram_or_parcel_more() -> None:
    load, capacity = Load(grams=8_000, parcels=2), Capacity(10_000, 3)
    assert load.has_room_for(2_000, capacity)
    assert not load.has_room_for(2_001, capacity)
    assert not Load(grams=0, parcels=3).has_room_for(1, capacity)

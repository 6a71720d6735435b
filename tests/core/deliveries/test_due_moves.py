"""What a delivery does by itself when time passes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import (
    COURSE,
    EVENT_LIMIT,
    Delivery,
    Parcel,
    Progress,
    Status,
    Stop,
)
from estafette.core.deliveries.due_moves import DueMove, WatchLimits, due_move, next_look
from estafette.core.money.payment import Payment, PaymentMethod

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIMITS = WatchLimits(payment=24 * HOUR, pickup_lead=HOUR / 2, courier=2 * HOUR, silence=3 * HOUR)


def delivery(status: Status, mode: Mode = Mode.LIVE) -> Delivery:
    """A company's delivery that came to its status now and is promised in an hour."""
    return Delivery(
        id=UUID(int=1),
        scope=Scope(UUID(int=2), mode),
        progress=Progress(status, status),
        pickup=Stop("a"),
        dropoff=Stop("b"),
        parcel=Parcel(1),
        fee=1,
        pickup_by=NOW,
        deliver_by=NOW + HOUR,
        created_at=NOW,
        updated_at=NOW,
        company_id=UUID(int=3),
    )


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("mode", list(Mode))
def test_a_move_is_due_exactly_from_the_next_look_on(status: Status, mode: Mode) -> None:
    one = replace(
        delivery(status, mode),
        scheduled_pickup_at=NOW + 5 * HOUR,
        payment=Payment(PaymentMethod.BANK_TRANSFER, due_at=NOW + 9 * HOUR),
    )
    at = next_look(one, LIMITS)
    if at is None:
        assert due_move(one, NOW + 1000 * HOUR, LIMITS) is None
        return
    assert due_move(one, at - timedelta(microseconds=1), LIMITS) is None
    due = due_move(one, at, LIMITS)
    assert due is not None
    assert due.to in one.progress.allowed()


@pytest.mark.parametrize(
    ("status", "hours"),
    [
        (Status.PENDING, 2),
        (Status.ASSIGNED, 1 + 3),
        (Status.IN_TRANSIT, 1 + 3),
        (Status.OUT_FOR_DELIVERY, 1 + 3),
        (Status.DELIVERED, None),
        (Status.CANCELLED, None),
        (Status.FAILED, None),
        (Status.STALLED, None),
    ],
)
def test_a_live_delivery_stalls_by_its_limits(status: Status, hours: int | None) -> None:
    assert next_look(delivery(status), LIMITS) == (hours and NOW + hours * HOUR)


@pytest.mark.parametrize("status", COURSE[1:])
def test_rehearsals_do_not_stall_by_themselves(status: Status) -> None:
    paid = replace(delivery(status, Mode.SANDBOX), payment=Payment(due_at=NOW))
    assert next_look(paid, LIMITS) is None
    assert next_look(delivery(status, Mode.SANDBOX), LIMITS) is None
    assert next_look(replace(delivery(status, Mode.SANDBOX), company_id=None), LIMITS) is None


@pytest.mark.parametrize(
    ("status", "hours"),
    [(Status.PENDING, 1 + 2), (Status.ASSIGNED, 2 + 3), (Status.DELIVERED, None)],
)
def test_without_a_company_a_courier_is_missed_from_the_promised_pickup_on(
    status: Status, hours: int | None
) -> None:
    one = replace(
        delivery(status), company_id=None, pickup_by=NOW + HOUR, deliver_by=NOW + 2 * HOUR
    )
    assert next_look(one, LIMITS) == (hours and NOW + hours * HOUR)


def test_a_delivery_heard_of_after_its_promise_is_silent_from_then_on() -> None:
    late = replace(delivery(Status.IN_TRANSIT), updated_at=NOW + 8 * HOUR)
    assert next_look(late, LIMITS) == NOW + 11 * HOUR


def test_a_courier_is_missed_only_from_when_the_pickup_is_near() -> None:
    scheduled = replace(delivery(Status.PENDING), scheduled_pickup_at=NOW + 10 * HOUR)
    assert next_look(scheduled, LIMITS) == NOW + 10 * HOUR - HOUR / 2 + 2 * HOUR


def test_an_assigned_delivery_is_ready_some_time_before_its_scheduled_pickup() -> None:
    scheduled = replace(delivery(Status.ASSIGNED), scheduled_pickup_at=NOW + 2 * HOUR)
    assert next_look(scheduled, LIMITS) == NOW + 2 * HOUR - HOUR / 2


def test_of_two_things_due_at_once_the_step_is_done_before_the_stall() -> None:
    stalls_at = NOW + HOUR + LIMITS.silence
    one = replace(delivery(Status.ASSIGNED), scheduled_pickup_at=stalls_at + LIMITS.pickup_lead)
    due = due_move(one, stalls_at, LIMITS)
    assert due is not None
    assert due.to is Status.PICKUP_READY


def test_of_two_things_due_the_one_that_came_first_is_done() -> None:
    one = replace(delivery(Status.ASSIGNED), scheduled_pickup_at=NOW + HOUR)
    due = due_move(one, NOW + 100 * HOUR, LIMITS)
    assert due is not None
    assert due == DueMove(Status.PICKUP_READY, "The scheduled pickup is near")
    late = due_move(
        replace(one, progress=Progress(Status.PICKUP_READY, Status.PICKUP_READY)),
        NOW + 100 * HOUR,
        LIMITS,
    )
    assert late is not None
    assert late.to is Status.STALLED


def test_a_transfer_is_awaited_in_either_mode_until_it_is_due() -> None:
    payment = Payment(PaymentMethod.BANK_TRANSFER, due_at=NOW + 24 * HOUR)
    for mode in Mode:
        one = replace(delivery(Status.AWAITING_PAYMENT, mode), payment=payment)
        assert next_look(one, LIMITS) == NOW + 24 * HOUR
        due = due_move(one, NOW + 24 * HOUR, LIMITS)
        assert due is not None
        assert due.to is Status.CANCELLED


@pytest.mark.parametrize("status", list(Status))
def test_a_delivery_with_a_full_history_stalls_by_itself_no_more(status: Status) -> None:
    full = replace(delivery(status), progress=Progress(status, status, seq=EVENT_LIMIT))
    due = due_move(full, NOW + 1000 * HOUR, LIMITS)
    assert due is None or due.to is not Status.STALLED
    assert next_look(full, LIMITS) is None


@pytest.mark.parametrize(
    ("status", "method", "note"),
    [
        (
            Status.AWAITING_PAYMENT,
            PaymentMethod.BANK_TRANSFER,
            "The bank transfer did not arrive in time",
        ),
        (Status.AWAITING_PAYMENT, PaymentMethod.PREPAID, "Nobody confirmed it in time"),
        (Status.PENDING, PaymentMethod.PREPAID, "No courier for too long"),
        (
            Status.IN_TRANSIT,
            PaymentMethod.PREPAID,
            "Nothing was heard of it after its promised time",
        ),
    ],
)
def test_what_happens_by_itself_says_why(status: Status, method: PaymentMethod, note: str) -> None:
    one = replace(delivery(status), payment=Payment(method, due_at=NOW))
    due = due_move(one, NOW + 1000 * HOUR, LIMITS)
    assert due is not None
    assert due.note == note

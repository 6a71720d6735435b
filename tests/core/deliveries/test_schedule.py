"""The times that a merchant asks for."""

from datetime import UTC, datetime, timedelta

import pytest

from estafette.core.deliveries.schedule import Schedule
from estafette.core.quotes.pricing import Price

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRICE = Price(fee=1, pickup_within_seconds=1_800, delivery_within_seconds=3_600)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("pickup", "delivery", "field"),
    [
        (None, None, None),
        (1, None, None),
        (0, None, "pickup"),
        (-1, None, "pickup"),
        (None, 0, "delivery"),
        (30 * 1440, None, None),
        (30 * 1440 + 1, None, "pickup"),
        (None, 30 * 1440 + 1, "delivery"),
        (60, 80, None),
        (60, 79, "delivery"),
        (60, 30, "delivery"),
    ],
)
def test_times_are_ahead_within_thirty_days_and_far_enough_apart(
    pickup: float | None, delivery: float | None, field: str | None
) -> None:
    schedule = Schedule(
        None if pickup is None else at(pickup), None if delivery is None else at(delivery)
    )
    refusal = schedule.refusal(NOW)
    assert (refusal and refusal.field) == field


@pytest.mark.parametrize(
    ("pickup", "delivery", "reason"),
    [
        (0, None, "must be in the future"),
        (30 * 1440 + 1, None, "must be within 30 days"),
        (60, 79, "must be at least 20 minutes after the pickup"),
    ],
)
def test_a_time_that_cannot_be_kept_is_refused_with_what_can(
    pickup: float, delivery: float | None, reason: str
) -> None:
    schedule = Schedule(at(pickup), None if delivery is None else at(delivery))
    refusal = schedule.refusal(NOW)
    assert refusal is not None
    assert refusal.reason == reason


@pytest.mark.parametrize(
    ("pickup", "delivery", "promised"),
    [
        (None, None, (30, 90)),
        (300, None, (300, 360)),
        (None, 300, (240, 300)),
        (None, 60, (30, 60)),
        (None, 10, (10, 10)),
        (300, 400, (300, 400)),
    ],
)
def test_a_promise_follows_the_schedule_and_else_the_price(
    pickup: float | None, delivery: float | None, promised: tuple[float, float]
) -> None:
    schedule = Schedule(
        None if pickup is None else at(pickup), None if delivery is None else at(delivery)
    )
    assert schedule.promise(NOW, PRICE) == (at(promised[0]), at(promised[1]))

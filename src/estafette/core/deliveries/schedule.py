"""When a merchant wants a delivery picked up and handed over, and what it can be promised then."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from estafette.core.errors import ScheduleInvalid
from estafette.core.quotes.pricing import Price

HORIZON = timedelta(days=30)
"""How far ahead a time may be."""

SHORTEST_TRIP = timedelta(minutes=20)
"""How long after the pickup the delivery is at the earliest."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The times asked for; None leaves one open."""

    pickup_at: datetime | None = None
    delivery_at: datetime | None = None

    def refusal(self, now: datetime) -> ScheduleInvalid | None:
        """Returns why the times cannot be kept as seen at `now`, or None."""
        for field, at in (("pickup", self.pickup_at), ("delivery", self.delivery_at)):
            if at is not None and at <= now:
                return ScheduleInvalid(field, "must be in the future")
            if at is not None and at > now + HORIZON:
                return ScheduleInvalid(field, f"must be within {HORIZON.days} days")
        if self.pickup_at is None or self.delivery_at is None:
            return None
        if self.delivery_at >= self.pickup_at + SHORTEST_TRIP:
            return None
        minutes = SHORTEST_TRIP // timedelta(minutes=1)
        return ScheduleInvalid("delivery", f"must be at least {minutes} minutes after the pickup")

    def promise(self, created_at: datetime, price: Price) -> tuple[datetime, datetime]:
        """By when the delivery is picked up and handed over: as scheduled, else as priced."""
        trip = timedelta(seconds=price.delivery_within_seconds)
        earliest = created_at + timedelta(seconds=price.pickup_within_seconds)
        if self.pickup_at is not None:
            pickup_by = self.pickup_at
        elif self.delivery_at is not None:
            pickup_by = min(max(earliest, self.delivery_at - trip), self.delivery_at)
        else:
            pickup_by = earliest
        return pickup_by, self.delivery_at or pickup_by + trip


UNSCHEDULED = Schedule()
"""As soon as it can be."""

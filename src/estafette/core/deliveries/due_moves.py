"""What a delivery does by itself when time passes: expires unpaid, nears its pickup, stalls."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How long things may take.

    `payment` is how long a bank transfer, or a confirmation, is awaited; `pickup_lead` how long
    before a scheduled pickup an assigned delivery is ready for it; `courier` how long a delivery
    may be without a courier, where no company carries it from its promised pickup on; `silence` how
    long after its promised time nothing may be heard of it.
    """

    payment: timedelta = timedelta(hours=24)
    pickup_lead: timedelta = timedelta(minutes=30)
    courier: timedelta = timedelta(minutes=30)
    silence: timedelta = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class DueMove:
    """What has become due, and why, in words for the event."""

    to: Status
    note: str


def next_look(delivery: Delivery, limits: WatchLimits) -> datetime | None:
    """Returns when something may become due if nothing happens before; None: never.

    Only live deliveries stall by themselves: simulated couriers stall by script.
    """
    if delivery.scope.mode is Mode.SANDBOX and delivery.scheduled_pickup_at is None:
        due_at = delivery.payment.due_at  # most deliveries are of this kind
        return due_at if delivery.status is Status.AWAITING_PAYMENT else None
    return min((at for at, _ in _ahead(delivery, limits)), default=None)


def due_move(delivery: Delivery, now: datetime, limits: WatchLimits) -> DueMove | None:
    """Returns the move that is due at `now`, of several the earliest; None when none is."""
    due = [(at, move) for at, move in _ahead(delivery, limits) if at <= now]
    return min(due, key=lambda one: one[0])[1] if due else None


def _ahead(delivery: Delivery, limits: WatchLimits) -> list[tuple[datetime, DueMove]]:
    """Returns what becomes due in the status that the delivery has, and when."""
    status, ahead = delivery.status, list[tuple[datetime, DueMove]]()
    if status is Status.AWAITING_PAYMENT and delivery.payment.due_at:
        note = (
            "Nobody confirmed it in time"
            if delivery.is_held
            else "The bank transfer did not arrive in time"
        )
        ahead.append((delivery.payment.due_at, DueMove(Status.CANCELLED, note)))
    pickup_at = delivery.scheduled_pickup_at
    if status is Status.ASSIGNED and pickup_at:
        note = "The scheduled pickup is near"
        ahead.append((pickup_at - limits.pickup_lead, DueMove(Status.PICKUP_READY, note)))
    if delivery.scope.mode is not Mode.LIVE:
        return ahead
    if Status.STALLED not in delivery.progress.allowed():
        return ahead
    if status is Status.PENDING:
        since = delivery.updated_at
        if pickup_at:
            since = max(since, pickup_at - limits.pickup_lead)
        elif delivery.company_id is None:  # a market's price list promises when it is picked up
            since = max(since, delivery.pickup_by)
        ahead.append((since + limits.courier, DueMove(Status.STALLED, "No courier for too long")))
    elif status in _UNDER_WAY:
        since = max(delivery.updated_at, delivery.deliver_by)
        note = "Nothing was heard of it after its promised time"
        ahead.append((since + limits.silence, DueMove(Status.STALLED, note)))
    return ahead


_UNDER_WAY = frozenset(
    {Status.ASSIGNED, Status.PICKUP_READY, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY}
)

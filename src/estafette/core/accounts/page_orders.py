"""Whether what a page orders with a publishable key is within the limits of the key."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from estafette.core.accounts.acts import address_of
from estafette.core.accounts.page_limits import PageLimits, PickupPlace
from estafette.core.deliveries.delivery import Stop
from estafette.core.errors import (
    HourIsFull,
    PageCashRefused,
    PageMethodRefused,
    PickupRefused,
    Refusal,
)
from estafette.core.money.payment import Payment

SLICE = timedelta(minutes=5)
"""In which steps an hour is counted."""

SLICES = 13
"""So many are counted: the one under way and those that hold the hour before."""

EVERYBODY = b""
"""The source of all of a key's deliveries together."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IPV6_PREFIX_BITS = 64


@dataclass(frozen=True, slots=True)
class OrderingPage:
    """A page that orders: the key it shows, the key's limits, and from where it asks.

    Counted under `lineage`, the first of the keys that followed each other in rotations, so that a
    key and its successor have an hour together. `source` stands for the client's address; see
    `source_of`.
    """

    lineage: UUID
    limits: PageLimits
    source: bytes


def source_of(lineage: UUID, address: str | None) -> bytes:
    """Returns what stands for a client's address where deliveries are counted.

    The address itself is kept nowhere. One household has a whole network of IPv6 addresses, so they
    are counted together; so are clients whose address is not known.
    """
    known = address_of(address)
    if known is None:
        packed = b"?"
    elif known.version == 6:
        packed = known.packed[: _IPV6_PREFIX_BITS // 8]
    else:
        packed = known.packed
    return blake2b(packed, key=lineage.bytes, digest_size=16).digest()


def pickup_refusal(limits: PageLimits, pickup: Stop) -> Refusal | None:
    """Returns why a page may have nothing picked up there, or None."""
    return PickupRefused() if limits.pickups and _place_of(limits, pickup) is None else None


def pickup_for(limits: PageLimits, pickup: Stop) -> Stop:
    """Returns the pickup of a page's order, which is not refused, with whom a courier meets there.

    Where places are set, that is whom the place names; nobody, if it names none. What a page says
    of it could send a courier, or a call, anywhere.
    """
    place = _place_of(limits, pickup)
    if place is None:
        return pickup
    return replace(pickup, name=place.contact, phone=place.phone, phone_e164=place.phone)


def _place_of(limits: PageLimits, pickup: Stop) -> PickupPlace | None:
    where = (pickup.address, pickup.city, pickup.province, pickup.latitude, pickup.longitude)
    phone = pickup.phone_e164 or pickup.phone
    for place in limits.pickups:
        if place.covers(*where) and place.names(pickup.name, phone):
            return place
    return None


def order_refusal(limits: PageLimits, pickup: Stop, payment: Payment) -> Refusal | None:
    """Returns why a page may not order this, whatever it has ordered before, or None."""
    if refusal := pickup_refusal(limits, pickup):
        return refusal
    if payment.method not in limits.methods:
        return PageMethodRefused(payment.method, limits.methods)
    if (payment.cash_collect or 0) > limits.highest_cash:
        return PageCashRefused(limits.highest_cash)
    return None


@dataclass(frozen=True, slots=True)
class OrderTally:
    """How many deliveries were created in each of the last slices of time.

    `last` is the number of the last slice since 1970, `counts` those of the slices up to it, the
    oldest first.
    """

    last: int = 0
    counts: tuple[int, ...] = (0,) * SLICES

    def at(self, now: datetime) -> "OrderTally":
        """Returns the same as seen at `now`: what is older than an hour is forgotten."""
        number = (now - _EPOCH) // SLICE
        passed = min(max(number - self.last, 0), SLICES)
        return OrderTally(max(number, self.last), (*self.counts, *(0,) * SLICES)[passed:][:SLICES])

    def plus_one(self) -> "OrderTally":
        """Returns the same with one more delivery, created now."""
        return OrderTally(self.last, (*self.counts[:-1], self.counts[-1] + 1))

    def wait(self, limit: int, now: datetime) -> int:
        """Returns in how many seconds one more can be created; 0: now."""
        if sum(self.counts) < limit:
            return 0
        freeing = next(at for at in range(SLICES) if sum(self.counts[at + 1 :]) < limit)
        free_at = _EPOCH + (self.last + freeing + 1) * SLICE
        return max(1, -((now - free_at) // timedelta(seconds=1)))


def hour_refusal(
    limits: PageLimits, of_all: OrderTally, of_source: OrderTally, now: datetime
) -> Refusal | None:
    """Returns why a page may not order once more in this hour, or None; tallies are at `now`."""
    for tally, limit, of_address in (
        (of_source, limits.per_hour_from_address, True),
        (of_all, limits.per_hour, False),
    ):
        if wait := tally.wait(limit, now):
            return HourIsFull(of_address, wait)
    return None

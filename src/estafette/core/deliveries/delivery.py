"""The delivery and its life: the statuses, the one table of legal transitions, the milestone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.failing import FailedAttempt, FailurePolicy
from estafette.core.deliveries.windows import Window
from estafette.core.money.payment import PREPAID, Payment, PaymentMethod
from estafette.core.proofs.demand import NOTHING, Demand
from estafette.core.proofs.proof import ProofKind


class Status(StrEnum):
    """Where a delivery is. One that is held until its merchant confirms it awaits payment, too."""

    AWAITING_PAYMENT = "awaiting_payment"
    PENDING = "pending"
    ASSIGNED = "assigned"
    PICKUP_READY = "pickup_ready"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    FAILED = "failed"
    STALLED = "stalled"


COURSE = (
    Status.AWAITING_PAYMENT,
    Status.PENDING,
    Status.ASSIGNED,
    Status.PICKUP_READY,
    Status.IN_TRANSIT,
    Status.OUT_FOR_DELIVERY,
    Status.DELIVERED,
)
"""The normal course, in order."""

FINAL = frozenset({Status.DELIVERED, Status.CANCELLED, Status.FAILED})
"""Nothing follows these."""

_RANK = {status: rank for rank, status in enumerate(COURSE)}

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.AWAITING_PAYMENT: frozenset({Status.PENDING, Status.CANCELLED}),
    Status.PENDING: frozenset({Status.ASSIGNED, Status.STALLED, Status.CANCELLED}),
    Status.ASSIGNED: frozenset(
        {
            Status.PICKUP_READY,
            Status.IN_TRANSIT,
            Status.PENDING,  # the courier gave it back
            Status.STALLED,
            Status.CANCELLED,
        }
    ),
    Status.PICKUP_READY: frozenset(
        {Status.IN_TRANSIT, Status.PENDING, Status.STALLED, Status.CANCELLED}
    ),
    Status.IN_TRANSIT: frozenset({Status.OUT_FOR_DELIVERY, Status.FAILED, Status.STALLED}),
    Status.OUT_FOR_DELIVERY: frozenset({Status.DELIVERED, Status.FAILED, Status.STALLED}),
    Status.STALLED: frozenset({Status.FAILED}),  # and what `allowed` adds
    Status.DELIVERED: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.FAILED: frozenset(),
}


EVENT_LIMIT = 100
"""After so many events a delivery takes only moves that lead to its end, at most eight more."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a delivery has come.

    `milestone` is the furthest status of the normal course that it ever reached (a stall, a
    failure or a courier's giving back does not undo it), or `cancelled`. `before_stall` is where
    it was when it stalled. `seq` is the number of its last event.
    """

    status: Status
    milestone: Status
    before_stall: Status | None = None
    seq: int = 1

    @property
    def picked_up(self) -> bool:
        """Whether a courier has ever had the parcel in hand."""
        return _RANK.get(self.milestone, -1) >= _RANK[Status.IN_TRANSIT]

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow."""
        return self.status in FINAL

    def allowed(self) -> frozenset[Status]:
        """Returns the statuses that may follow; with a full history only those towards an end."""
        targets = self.connected()
        if self.seq < EVENT_LIMIT:
            return targets
        return frozenset(target for target in targets if self._is_onwards(target))

    def _is_onwards(self, to: Status) -> bool:
        """Returns whether a move leads to an end: directly, along the course, or out of a stall."""
        if to in FINAL or self.status is Status.STALLED:
            return True
        return _RANK.get(to, -1) > _RANK.get(self.status, -1)

    def connected(self) -> frozenset[Status]:
        """Returns the statuses that may follow by the table, whatever has happened before."""
        targets = TRANSITIONS[self.status]
        if self.status is Status.STALLED:
            if self.before_stall is not None:
                targets = targets | {self.before_stall}
            if not self.picked_up:
                targets = targets | {Status.PENDING, Status.CANCELLED}
        return targets

    def noted(self) -> "Progress | None":
        """Returns the progress after an event that moves nothing; None with a full history."""
        return replace(self, seq=self.seq + 1) if self.seq < EVENT_LIMIT else None

    def moved(self, to: Status) -> "Progress | None":
        """Returns the progress after one transition, or None when the table does not allow it."""
        if to not in self.allowed():
            return None
        return Progress(
            status=to,
            milestone=_milestone(self.milestone, to),
            before_stall=self.status if to is Status.STALLED else None,
            seq=self.seq + 1,
        )


def _milestone(reached: Status, to: Status) -> Status:
    if to is Status.CANCELLED:
        return to
    return to if _RANK.get(to, -1) > _RANK[reached] else reached


def way(progress: Progress, to: Status) -> tuple[Status, ...] | None:
    """Returns the statuses to pass on the way to another one, the goal included.

    What stalled returns first to where it was; what is behind passes every step of the normal
    course; what fails was on its way. None where the table of transitions has no such way.
    """
    if to in progress.allowed():
        return (to,)
    if progress.before_stall and to in COURSE:
        back = progress.moved(progress.before_stall)
        rest = back and way(back, to)
        return (progress.before_stall, *rest) if rest else None
    if progress.status in COURSE and to in COURSE:
        onwards = COURSE[COURSE.index(progress.status) + 1 : COURSE.index(to) + 1]
        return onwards or None
    if to is Status.FAILED and progress.status in COURSE:
        until = way(progress, Status.IN_TRANSIT)
        return until and (*until, to)
    return None


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a parcel is picked up or dropped off.

    `phone` is as the merchant wrote it, `phone_e164` the same in E.164. `city` is the
    gazetteer's or the merchant's name of the city, None when none was recognised. Coordinates
    are degrees.
    """

    address: str
    city: str | None = None
    province: str | None = None
    name: str | None = None
    phone: str | None = None
    phone_e164: str | None = None
    notes: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is carried: weight in grams, declared value in whole units of the market's currency."""

    weight_grams: int
    description: str | None = None
    declared_value: int | None = None


SEAL = "sealed:"


def is_sealed(pin: str) -> bool:
    """Returns whether a PIN is encrypted. Those of versions before are not."""
    return pin.startswith(SEAL)


PIN_TRIES = 5
"""How many wrong PINs lock a delivery."""


def reference(year: int, number: int) -> str:
    """Returns the reference of a year's delivery by its number: "DLV-2026-00042"."""
    return f"DLV-{year:04d}-{number:05d}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One parcel on its way from a pickup to a drop-off.

    `fee` is in whole units of the market's currency. `pickup_by` and `deliver_by` are the
    promised times. `version` of its state is `progress.seq`.

    `reference` is the number that people call it by. `company_id` and `company_name` are the
    courier company's, which carries it for `company_fee` of the fee; None where none was chosen.
    With `remote`, that company has a platform of its own, where it is placed and followed.
    `metadata` is the merchant's own JSON object. With `require_pin`, the recipient's `pin` (None
    until another platform has told it; sealed, see `usecases.pins`) is needed to hand it over;
    `pin_failures` wrong ones were tried.
    `return_of` is the delivery that a return brings back, `return_id` the return of this one.
    `proof` is what its merchant demands as proof; the company may demand more. `skills` are what
    its merchant demands of whoever drives for a company of this server. `failing` is what its
    merchant has said of failed attempts for it alone. `attempts` are those that failed, in
    order. `window` is when it is brought instead of at the time that was promised first: after a
    failed attempt, or because its recipient chose so, which was `changes` times. With
    `left_at_door`, nobody took it, and it was left there.
    `key_id` is the API key it was created with, None for one that is older than that was kept;
    with `by_page` it is a publishable key, so that a page in a browser has ordered it.
    """

    id: UUID
    scope: Scope
    progress: Progress
    pickup: Stop
    dropoff: Stop
    parcel: Parcel
    fee: int
    pickup_by: datetime
    deliver_by: datetime
    created_at: datetime
    updated_at: datetime
    external_ref: str | None = None
    quote_id: UUID | None = None
    scenario: str | None = None
    reference: str | None = None
    company_id: UUID | None = None
    company_name: str | None = None
    company_fee: int | None = None
    remote: bool = False
    payment: Payment = PREPAID
    scheduled_pickup_at: datetime | None = None
    scheduled_delivery_at: datetime | None = None
    metadata: Mapping[str, Any] | None = None
    require_pin: bool = False
    pin: str | None = None
    pin_failures: int = 0
    key_id: UUID | None = None
    by_page: bool = False
    proof: Demand = NOTHING
    skills: tuple[str, ...] = ()
    return_of: UUID | None = None
    return_id: UUID | None = None
    failing: FailurePolicy | None = None
    attempts: tuple[FailedAttempt, ...] = ()
    window: Window | None = None
    changes: int = 0
    left_at_door: bool = False

    def needs_recipient(self, of_company: Demand = NOTHING) -> str | None:
        """Returns why somebody has to be there to take it: `cash`, or a kind of proof.

        None: it may be left at the door. `of_company` is what its courier company demands as proof
        besides.
        """
        if self.payment.cash_collect:
            return "cash"
        if self.require_pin:
            return ProofKind.PIN
        return min((self.proof | of_company).dropoff - {ProofKind.PHOTO}, default=None)

    def in_window(self, window: Window) -> "Delivery":
        """Returns the delivery with another promise: to be brought within a window.

        What nobody has picked up is fetched so long before as was promised first.
        """
        trip, after = self.deliver_by - self.pickup_by, self
        if not self.progress.picked_up:
            after = replace(
                self, pickup_by=window.end - trip, scheduled_pickup_at=window.start - trip
            )
        return replace(
            after, window=window, deliver_by=window.end, scheduled_delivery_at=window.end
        )

    @property
    def eta_minutes(self) -> int:
        """The minutes from its creation to its promised time, begun ones counted."""
        return -((self.created_at - self.deliver_by) // timedelta(minutes=1))

    @property
    def is_held(self) -> bool:
        """Whether its merchant has to confirm it: it awaits something, and that is no transfer."""
        by_transfer = self.payment.method is PaymentMethod.BANK_TRANSFER
        return self.status is Status.AWAITING_PAYMENT and not by_transfer

    def is_kept_from(self, to: Status) -> bool:
        """Returns whether people may not move it there, whatever way leads there.

        A live one that awaits a payment, or its merchant's word, can be cancelled by hand. It goes
        on when that has come: to confirm it is an act of its own, which books what was paid.
        """
        waits = self.status is Status.AWAITING_PAYMENT and self.scope.mode is Mode.LIVE
        return waits and to is not Status.CANCELLED

    def way_by_hand(self, to: Status) -> tuple[Status, ...] | None:
        """Returns what `way` does, for people who move it; None where they may not."""
        return None if self.is_kept_from(to) else way(self.progress, to)

    @property
    def pin_is_locked(self) -> bool:
        """Whether so many wrong PINs were tried that the operator has to look."""
        return self.pin_failures >= PIN_TRIES

    @property
    def status(self) -> Status:
        """The present status."""
        return self.progress.status

    @property
    def milestone(self) -> Status:
        """The furthest it has come; see `Progress`."""
        return self.progress.milestone

"""What a recipient may know of a delivery: who sends and brings it, nothing of the recipient."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from estafette.core.accounts.account import MARKETS
from estafette.core.accounts.branding import UNBRANDED, Branding
from estafette.core.deliveries.delivery import FINAL, Delivery, Status
from estafette.core.deliveries.event import Actor, Event
from estafette.core.deliveries.failing import LEFT, AttemptReason, words_in
from estafette.core.deliveries.personal_data import ERASED
from estafette.core.deliveries.rescheduling import NOTE, WhyNot, other_times, why_not
from estafette.core.deliveries.windows import Window
from estafette.core.fleet.approach import Approach
from estafette.core.fleet.reasons import DriverReason, is_ours, said_in
from estafette.core.money.payment import PaymentMethod
from estafette.store.accounts import brandings
from estafette.store.deliveries import events
from estafette.store.deliveries import table as deliveries
from estafette.usecases.fleet.approach import approaches
from estafette.usecases.platform import Platform, clock


@dataclass(frozen=True, slots=True)
class TrackedStep:
    """One step, the delivery's event of that number.

    `note` is the courier's own word, free text that nobody has vetted. `reason` is why an attempt
    failed, `handed_back` why a driver gave it back; with `is_rescheduled` the recipient has chosen
    another time.
    """

    number: int
    status: Status
    occurred_at: datetime
    note: str | None
    reason: AttemptReason | None = None
    is_rescheduled: bool = False
    handed_back: DriverReason | None = None


@dataclass(frozen=True, slots=True)
class TrackedDelivery:
    """A delivery as its recipient sees it. `version` grows with every event.

    `steps` are its newest ones, `STEPS_SHOWN` at most.
    With `awaits_confirmation`, what it awaits or awaited first is its merchant's word, no payment.
    `carrier` is the courier company's name, `carrier_phone` its phone where the sender names none;
    `cash` is what the courier takes at the door, in whole units of the market's currency; with
    `asks_pin` the recipient's PIN is needed to hand it over.
    `approach` is the courier, while on the way to the recipient.
    `window` is when it comes instead of at the time that was promised first, `times` when it could
    come instead by the recipient's choice; `why_not` says why there are none. One that
    `is_left` stands at the door. One that `is_erased` has ended, and its personal data is gone.
    `logo` is the digest of the sender's.
    """

    id: UUID
    version: int
    status: Status
    milestone: Status
    pickup_city: str | None
    dropoff_city: str | None
    pickup_by: datetime
    deliver_by: datetime
    created_at: datetime
    time_zone: str
    market: str
    dialect: str
    steps: tuple[TrackedStep, ...]
    reference: str | None = None
    awaits_confirmation: bool = False
    sender: Branding = UNBRANDED
    carrier: str | None = None
    carrier_phone: str | None = None
    cash: int | None = None
    asks_pin: bool = False
    is_erased: bool = False
    logo: str | None = None
    approach: Approach | None = None
    window: Window | None = None
    times: tuple[Window, ...] = ()
    why_not: WhyNot | None = WhyNot.NOT_OFFERED
    is_left: bool = False

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in FINAL


STEPS_SHOWN = 30
"""How many steps whoever knows a delivery's id sees, the newest."""

_NOTED_BY = frozenset({Actor.COURIER, Actor.DRIVER})
"""Whose notes a recipient sees: a merchant's reason or an operator's remark is not for them."""


async def track(
    platform: Platform, delivery_id: UUID, visitor: str | None = None
) -> TrackedDelivery | None:
    """Returns the delivery of that id, of whichever account and mode; None when there is none.

    `visitor` is the address by which who asks is counted; None: we ask ourselves. Raises Busy.
    """
    async with (
        platform.connections.public(visitor) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        delivery = await deliveries.find_anywhere(connection, delivery_id)
        if delivery is None:
            return None
        history = await events.of_delivery(connection, delivery.scope, delivery_id, STEPS_SHOWN)
        sender = await brandings.sender(connection, delivery.scope.account_id)
        market = MARKETS[sender.market]
    company = None
    if delivery.company_id is not None:
        company = (await platform.catalog.companies(market.code)).by_id(delivery.company_id)
    approach = None
    if delivery.status is Status.OUT_FOR_DELIVERY:
        approach = (await approaches(platform, [delivery_id], visitor)).get(delivery_id)
    asks_carrier = sender.branding.phone is None and not delivery.progress.is_final
    return TrackedDelivery(
        id=delivery.id,
        version=delivery.progress.seq,
        status=delivery.status,
        milestone=delivery.milestone,
        pickup_city=delivery.pickup.city,
        dropoff_city=delivery.dropoff.city,
        pickup_by=delivery.pickup_by,
        deliver_by=delivery.deliver_by,
        created_at=delivery.created_at,
        time_zone=market.time_zone,
        market=market.code,
        dialect=sender.dialect,
        reference=delivery.reference,
        awaits_confirmation=delivery.payment.method is not PaymentMethod.BANK_TRANSFER,
        sender=sender.branding,
        carrier=delivery.company_name,
        carrier_phone=company.phone_e164 if company and asks_carrier else None,
        cash=delivery.payment.cash_collect,
        asks_pin=delivery.require_pin,
        is_erased=delivery.progress.is_final and delivery.dropoff.address == ERASED,
        logo=sender.logo,
        approach=approach,
        window=delivery.window,
        times=tuple(other_times(delivery, company, clock())),
        why_not=why_not(delivery, company),
        is_left=delivery.left_at_door,
        steps=_steps(delivery, history),
    )


def _steps(delivery: Delivery, history: Sequence[Event]) -> tuple[TrackedStep, ...]:
    reasons = {attempt.seq: attempt.reason for attempt in delivery.attempts}
    return tuple(_step(event, reasons.get(event.seq)) for event in history)


def _step(event: Event, reason: AttemptReason | None) -> TrackedStep:
    note = event.note if event.actor in _NOTED_BY else None
    if event.status is not Status.STALLED:
        reason = None  # the last attempt of the sandbox, whose end the event tells
    if reason is not None:
        note = words_in(note, reason)
    elif note == LEFT or is_ours(note):
        note = None  # the page says so in its own words
    said = said_in(note) if event.actor is Actor.DRIVER else None
    if said is not None:
        note = said.words
    is_rescheduled = event.actor is Actor.SYSTEM and (event.note or "").startswith(NOTE)
    of = (event.seq, event.status, event.occurred_at)
    return TrackedStep(*of, note, reason, is_rescheduled, said and said.reason)


async def versions(platform: Platform, ids: Collection[UUID]) -> dict[UUID, int]:
    """Returns the version of each delivery that exists, in one statement."""
    async with platform.connections.public(None) as connection:
        return await deliveries.versions(connection, ids)

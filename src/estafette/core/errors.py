"""Every refusal as data: what was refused and its facts. No HTTP; dialects map all of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from estafette.core.accounts.acts import Act
from estafette.core.deliveries.delivery import Status
from estafette.core.money.payment import PaymentMethod
from estafette.core.proofs.proof import ProofKind, ProofStage


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """The request was understood and is refused.

    Refusals are compared by their facts. They are not frozen: Python writes the traceback into an
    exception that passes a context manager.

    A conflict is a refusal by the state of things, not by the request: under an idempotency key
    it is the answer and is kept; any other refusal leaves the key unused.
    """

    is_conflict: ClassVar[bool] = False


@dataclass(unsafe_hash=True)
class Busy(Refusal):
    """So much is under way that there is no place for this; try again in `retry_after` seconds."""

    retry_after: int


@dataclass(unsafe_hash=True)
class Unavailable(Refusal):
    """What keeps the data is away, full or too slow; try again in `retry_after` seconds.

    It is not known whether what was asked for was done: whoever sent an idempotency key can repeat
    it safely.
    """

    retry_after: int


@dataclass(unsafe_hash=True)
class DeliveryNotFound(Refusal):
    """No such delivery in this account and mode."""

    delivery_id: UUID


@dataclass(unsafe_hash=True)
class TransitionRefused(Refusal):
    """The table of transitions has no way from `status` to `to`."""

    is_conflict: ClassVar[bool] = True

    status: Status
    milestone: Status
    to: Status


@dataclass(unsafe_hash=True)
class HistoryFull(Refusal):
    """The delivery has had `limit` events: what does not lead to its end is not taken any more."""

    is_conflict: ClassVar[bool] = True

    status: Status
    to: Status
    limit: int


@dataclass(unsafe_hash=True)
class CancelRefused(Refusal):
    """The delivery is past the point where its dialect lets a merchant cancel."""

    is_conflict: ClassVar[bool] = True

    status: Status
    milestone: Status


@dataclass(unsafe_hash=True)
class OrderConflict(Refusal):
    """Another live delivery already carries this external reference."""

    is_conflict: ClassVar[bool] = True

    external_ref: str
    delivery_id: UUID


@dataclass(unsafe_hash=True)
class IdempotencyMismatch(Refusal):
    """The idempotency key was used before with another payload."""

    key: str


@dataclass(unsafe_hash=True)
class QuoteNotFound(Refusal):
    """No such quote in this account and mode."""

    quote_id: UUID


@dataclass(unsafe_hash=True)
class QuoteExpired(Refusal):
    """The quote's validity is over."""

    quote_id: UUID
    expired_at: datetime


@dataclass(unsafe_hash=True)
class QuoteUsed(Refusal):
    """A delivery was already created from this quote."""

    is_conflict: ClassVar[bool] = True

    quote_id: UUID
    delivery_id: UUID


@dataclass(unsafe_hash=True)
class QuoteMismatch(Refusal):
    """The delivery differs from what was quoted in `fields`, named as the dialect named them."""

    quote_id: UUID
    fields: tuple[str, ...]


@dataclass(unsafe_hash=True)
class QuoteCompanyMismatch(Refusal):
    """The delivery names another courier company than its quote."""

    quote_id: UUID
    company_id: UUID | None
    named: UUID


@dataclass(unsafe_hash=True)
class PaymentMethodNotSupported(Refusal):
    """The courier company does not take payment in this way."""

    method: PaymentMethod
    company_name: str | None


@dataclass(unsafe_hash=True)
class ScheduleInvalid(Refusal):
    """The times asked for cannot be kept; `field` is `pickup` or `delivery`."""

    field: str
    reason: str


@dataclass(unsafe_hash=True)
class LeavingExcluded(Refusal):
    """A parcel shall be left at the door that somebody has to take: to pay, or to show who it is.

    `because` is what asks for the recipient: `cash`, `pin`, or a kind of proof.
    """

    because: str


@dataclass(unsafe_hash=True)
class NoCourierConfigured(Refusal):
    """The account has no courier company at all."""


@dataclass(unsafe_hash=True)
class AllCouriersFailed(Refusal):
    """None of the courier companies that were asked could answer."""

    asked: int


@dataclass(unsafe_hash=True)
class CourierUnavailable(Refusal):
    """The company that carries the delivery could not be asked, or has not answered; try again."""

    delivery_id: UUID


@dataclass(unsafe_hash=True)
class PaymentNotAwaited(Refusal):
    """No payment is awaited for the delivery, or not any more."""

    is_conflict: ClassVar[bool] = True

    status: Status


@dataclass(unsafe_hash=True)
class PinRequired(Refusal):
    """The recipient's PIN is needed to hand the parcel over."""

    delivery_id: UUID


@dataclass(unsafe_hash=True)
class PinWrong(Refusal):
    """Not the recipient's PIN; so many tries are left before it is locked."""

    delivery_id: UUID
    tries_left: int


@dataclass(unsafe_hash=True)
class PinLocked(Refusal):
    """Too many wrong PINs were tried: only the operator can help."""

    delivery_id: UUID


@dataclass(unsafe_hash=True)
class ProofsMissing(Refusal):
    """A driver's step needs proofs that nobody has taken yet: `kinds` of them, at `stage`."""

    delivery_id: UUID
    stage: ProofStage
    kinds: tuple[ProofKind, ...]


@dataclass(unsafe_hash=True)
class OutOfCoverage(Refusal):
    """No tariff serves this route and weight."""

    origin: str | None
    destination: str | None
    weight_grams: int


@dataclass(unsafe_hash=True)
class EndpointMissing(Refusal):
    """The account has no address to send webhooks to."""

    endpoint: str


@dataclass(unsafe_hash=True)
class ActRefused(Refusal):
    """The API key may not do this: `act` is not among its `acts`."""

    act: Act
    acts: tuple[Act, ...]


@dataclass(unsafe_hash=True)
class AddressRefused(Refusal):
    """The API key is not accepted from this client address; None: it is not known."""

    address: str | None


@dataclass(unsafe_hash=True)
class PickupRefused(Refusal):
    """The publishable key has parcels picked up at other places alone."""


@dataclass(unsafe_hash=True)
class PageMethodRefused(Refusal):
    """The publishable key takes payment in other ways alone: by one of `methods`."""

    method: PaymentMethod
    methods: tuple[PaymentMethod, ...]


@dataclass(unsafe_hash=True)
class PageCashRefused(Refusal):
    """The publishable key collects less cash for one delivery: at most `highest`."""

    highest: int


@dataclass(unsafe_hash=True)
class HourIsFull(Refusal):
    """The publishable key's deliveries of an hour are created, in all or for one client address.

    Another can be created in `retry_after` seconds.
    """

    of_address: bool
    retry_after: int


@dataclass(unsafe_hash=True)
class NotHeld(Refusal):
    """The delivery waits for no confirmation, or not any more."""

    is_conflict: ClassVar[bool] = True

    status: Status

"""The books: which transfers follow from a delivery's move.

Double entry: every transfer's lines sum to zero. A line is positive for the book that receives,
negative for the one that gives, so that a book's balance is what it has had more than it has
given: above zero it owes that much, below zero that much is owed to it.

| what happens | merchant | company | platform | cash |
|---|---|---|---|---|
| delivered: the merchant has had the service | +fee | -company's fee | -margin | |
| cash collected: it is in the company's hand, and the merchant's | -cash | | | +cash |
| transfer confirmed: it went to the company's bank | -fee | +fee | | |
| refunded: cancelled or failed after that | +fee | -fee | | |
| settled: the operator received it from one of the three | -amount | -amount | +amount | -amount |
| paid out: the operator paid it to one of the two | +amount | +amount | -amount | |

A delivery that fails earns nothing: what was paid for it is given back, and no cash is booked,
because cash is taken at the hand-over alone. What a company asks for a vain trip is between it and
the operator. A prepaid delivery's fee is owed when it is delivered, like that of the others: the
books show what is to be settled, whenever it is.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.money.payment import PaymentMethod


class Book(StrEnum):
    """Whose side of a transfer it is."""

    MERCHANT = "merchant"
    COMPANY = "company"
    PLATFORM = "platform"
    CASH = "cash"
    """In the hand of a company's drivers."""


class Cause(StrEnum):
    """What a transfer is booked for: once for a delivery, or for a payment."""

    DELIVERED = "delivered"
    CASH_COLLECTED = "cash_collected"
    TRANSFER_CONFIRMED = "transfer_confirmed"
    REFUNDED = "refunded"
    SETTLED = "settled"
    """Money that the operator has received: for a payment, not for a delivery."""
    PAID_OUT = "paid_out"
    """Money that the operator has paid."""


class Line(NamedTuple):
    """What a book receives (above zero) or gives, in whole units of the market's currency."""

    book: Book
    amount: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """What one cause moves between the books; `lines` sum to zero and none is zero."""

    cause: Cause
    lines: tuple[Line, ...]


def transfers(before: Status, delivery: Delivery) -> list[Transfer]:
    """Returns what follows from a delivery's move from the status `before` to the one that it has.

    Nothing without a courier company: then nobody is owed anything that these books know of.
    """
    if delivery.company_id is None:
        return []
    fee, payment, status = delivery.fee, delivery.payment, delivery.status
    by_transfer = payment.method is PaymentMethod.BANK_TRANSFER
    booked: list[Transfer | None] = []
    if status is Status.DELIVERED:
        to_company = fee if delivery.company_fee is None else delivery.company_fee
        service = {
            Book.MERCHANT: fee,
            Book.COMPANY: -to_company,
            Book.PLATFORM: to_company - fee,
        }
        booked.append(_transfer(Cause.DELIVERED, service))
        cash = payment.cash_collect or 0
        booked.append(_transfer(Cause.CASH_COLLECTED, {Book.CASH: cash, Book.MERCHANT: -cash}))
    elif by_transfer and before is Status.AWAITING_PAYMENT and status is Status.PENDING:
        paid = {Book.COMPANY: fee, Book.MERCHANT: -fee}
        booked.append(_transfer(Cause.TRANSFER_CONFIRMED, paid))
    elif by_transfer and before is not Status.AWAITING_PAYMENT and status in _GIVEN_BACK:
        returned = {Book.MERCHANT: fee, Book.COMPANY: -fee}
        booked.append(_transfer(Cause.REFUNDED, returned))
    return [transfer for transfer in booked if transfer]


_GIVEN_BACK = frozenset({Status.CANCELLED, Status.FAILED})


def _transfer(cause: Cause, amounts: dict[Book, int]) -> Transfer | None:
    lines = tuple(Line(book, amount) for book, amount in amounts.items() if amount)
    return Transfer(cause, lines) if lines else None


MOST_PAID = 10**12
"""The most that one payment may be, in whole units of the market's currency."""


def payment(cause: Cause, book: Book, amount: int) -> Transfer:
    """Returns the transfer of a payment between the operator and the holder of a book."""
    given = -amount if cause is Cause.SETTLED else amount
    return Transfer(cause, (Line(book, given), Line(Book.PLATFORM, -given)))


def outstanding(cause: Cause, balance: int) -> int:
    """Returns the most that can be settled with, or paid out to, the holder of such a balance."""
    return max(0, balance if cause is Cause.SETTLED else -balance)


class Holder(NamedTuple):
    """A book of an account; that of a company and its cash are one for each company."""

    book: Book
    company_id: UUID | None


_OF_COMPANIES = frozenset({Book.COMPANY, Book.CASH})


def holder(book: Book, company_id: UUID) -> Holder:
    """Returns the book that a line changes, of a delivery that this company carries."""
    return Holder(book, company_id if book in _OF_COMPANIES else None)


NO_COMPANY = UUID(int=0)
"""What stands in the place of a company where none has a part."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line as it stands in the books, `number` within its transfer.

    `company_id` and `company` (its name) are the delivery's, whichever the book. What a payment
    has booked has the payment's id in the place of `delivery_id`, and NO_COMPANY for the
    merchant's own.
    """

    booked_at: datetime
    delivery_id: UUID
    reference: str | None
    cause: Cause
    number: int
    book: Book
    company_id: UUID
    company: str
    amount: int

    @property
    def is_payment(self) -> bool:
        """Whether money that changed hands was booked, not what became of a delivery."""
        return self.cause in (Cause.SETTLED, Cause.PAID_OUT)

    @property
    def holder(self) -> Holder:
        """The book whose balance it changes."""
        return holder(self.book, self.company_id)

"""The books: which transfers follow from a delivery's move.

Double entry: every transfer's lines sum to zero. A line is positive for the book that receives,
negative for the one that gives, so that a book's balance is what it has had more than it has
given: above zero it owes that much, below zero that much is owed to it.

| what happens | merchant | company | platform | cash |
|---|---|---|---|---|
| delivered: the merchant has had the service | +fee | -company's fee | -margin | |
| cash collected, where no driver of ours is known: the company has it | -cash | | | +cash |
| transfer confirmed: it went to the company's bank | -fee | +fee | | |
| refunded: cancelled or failed after that | +fee | -fee | | |
| settled: the operator received it from one of the three | -amount | -amount | +amount | -amount |
| paid out: the operator paid it to one of the two | +amount | +amount | -amount | |

Cash that a driver of ours collects is in that driver's book first (`core/money/cash.py`):

| what happens | merchant | driver | company | cash |
|---|---|---|---|---|
| cash collected | -cash | +cash | | |
| handed over: counted, and the company answers for the rest | | -declared | +rest | +counted |
| a handover or a collection is reversed | the same with the other sign | | | |

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
    """Cash that a company has: handed over by its drivers, or collected where none is known."""
    DRIVER = "driver"
    """Cash in the hand of one driver."""


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
    HANDED_OVER = "handed_over"
    """Cash that a driver has handed over and somebody else has counted: for a handover."""
    HANDOVER_REVERSED = "handover_reversed"
    """A handover that was counted wrongly: the driver has the cash again."""
    COLLECTION_REVERSED = "collection_reversed"
    """Cash that was not collected after all, of a delivery."""


class Line(NamedTuple):
    """What a book receives (above zero) or gives, in whole units of the market's currency.

    `driver_id` is whose book it is, of the book of a driver alone.
    """

    book: Book
    amount: int
    driver_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """What one cause moves between the books; `lines` sum to zero and none is zero."""

    cause: Cause
    lines: tuple[Line, ...]


def transfers(before: Status, delivery: Delivery, driver_id: UUID | None = None) -> list[Transfer]:
    """Returns what follows from a delivery's move from the status `before` to the one that it has.

    `driver_id` is the driver of ours who carries it, and has the cash that is collected. Nothing
    without a courier company: then nobody is owed anything that these books know of.
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
        booked.append(_collected(payment.cash_collect or 0, driver_id))
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


def _collected(cash: int, driver_id: UUID | None) -> Transfer | None:
    if not cash:
        return None
    taken = Line(Book.CASH if driver_id is None else Book.DRIVER, cash, driver_id)
    return Transfer(Cause.CASH_COLLECTED, (taken, Line(Book.MERCHANT, -cash)))


def payment(cause: Cause, book: Book, amount: int) -> Transfer:
    """Returns the transfer of a payment between the operator and the holder of a book."""
    given = -amount if cause is Cause.SETTLED else amount
    return Transfer(cause, (Line(book, given), Line(Book.PLATFORM, -given)))


def outstanding(cause: Cause, balance: int) -> int:
    """Returns the most that can be settled with, or paid out to, the holder of such a balance."""
    return max(0, balance if cause is Cause.SETTLED else -balance)


class Holder(NamedTuple):
    """A book of an account; those of a company, its cash and its drivers are one for each company.

    What each driver has in hand is counted across all accounts: see `core/money/cash.py`.
    """

    book: Book
    company_id: UUID | None


OF_COMPANIES = frozenset({Book.COMPANY, Book.CASH, Book.DRIVER})
"""The books that there are of each company."""


def holder(book: Book, company_id: UUID) -> Holder:
    """Returns the book that a line changes, of a delivery that this company carries."""
    return Holder(book, company_id if book in OF_COMPANIES else None)


HANDOVERS = frozenset({Cause.HANDED_OVER, Cause.HANDOVER_REVERSED})
"""What is booked for a handover, not for a delivery."""

NO_COMPANY = UUID(int=0)
"""What stands in the place of a company where none has a part."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line as it stands in the books, `number` within its transfer.

    `company_id` and `company` (its name) are the delivery's, whichever the book. What a payment or
    a handover has booked has its id in the place of `delivery_id`, and a payment has NO_COMPANY for
    the merchant's own. `driver_id` is whose cash it is, in the book of drivers.
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
    driver_id: UUID | None = None

    @property
    def is_payment(self) -> bool:
        """Whether money that the operator received or paid was booked."""
        return self.cause in (Cause.SETTLED, Cause.PAID_OUT)

    @property
    def is_handover(self) -> bool:
        """Whether it is of cash that a driver handed over."""
        return self.cause in HANDOVERS

    @property
    def holder(self) -> Holder:
        """The book whose balance it changes."""
        return holder(self.book, self.company_id)

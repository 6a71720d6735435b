"""Book money that changes hands: what the operator receives from others, and pays to them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.audit import AuditedAct
from estafette.core.couriers.company import Company
from estafette.core.ids import new_id
from estafette.core.money.books import Book, Cause, Holder, outstanding
from estafette.core.money.sums import LARGEST_SUM
from estafette.store.money import books
from estafette.store.money.books import BookedPayment
from estafette.usecases import audit
from estafette.usecases.couriers.companies import CompanyNotFoundError, find_company
from estafette.usecases.platform import Platform

REFERENCE_LENGTH = 100

_ACTS = {Cause.SETTLED: AuditedAct.PAYMENT_SETTLED, Cause.PAID_OUT: AuditedAct.PAYMENT_PAID_OUT}
_EVER = datetime(9999, 12, 31, tzinfo=UTC)


class PaymentRefusedError(ValueError):
    """Money cannot be booked as it was told; the message says why."""


class TooMuchError(PaymentRefusedError):
    """More than is owed: `most` is what is, in whole units of the market's currency."""

    def __init__(self, message: str, most: int) -> None:
        """Says `message`."""
        super().__init__(message)
        self.most = most


class ReferenceTakenError(PaymentRefusedError):
    """Another payment was booked under the reference."""


@dataclass(frozen=True)
class WantedTransfer:
    """What is to be booked: whose book gives (settled) or receives (paid out), and how much.

    `amount` is in whole units of the market's currency. `reference` is the bank's or the receipt's:
    it makes the same payment once. `company` is for the books of a courier company.
    """

    account: Account
    mode: Mode
    cause: Cause
    book: Book
    amount: int
    reference: str
    company: Company | None = None


async def company_serving(platform: Platform, account: Account, slug: str) -> Company:
    """Returns the company of that slug that is the account's own, or else its market's.

    Raises CompanyNotFoundError.
    """
    try:
        return await find_company(platform, account.market.code, slug, account.id)
    except CompanyNotFoundError:
        return await find_company(platform, account.market.code, slug)


async def pay(platform: Platform, wanted: WantedTransfer) -> tuple[BookedPayment, bool]:
    """Books a payment; also returns whether it was there already, under its reference.

    Raises PaymentRefusedError for more than is owed, and for a reference that another payment has.
    """
    _check(wanted)
    scope = Scope(wanted.account.id, wanted.mode)
    company_id = wanted.company.id if wanted.company else None
    payment = BookedPayment(
        new_id(), wanted.cause, wanted.book, company_id, wanted.amount, wanted.reference
    )
    async with platform.pool.acquire() as connection, connection.transaction():
        await books.lock(connection, scope)
        known = await books.payment(connection, scope, wanted.reference)
        if known is not None:
            if known._replace(id=payment.id) != payment:
                raise ReferenceTakenError(
                    f"the reference {wanted.reference!r} has another payment:"
                    f" {known.cause.value} {known.amount}, {known.book.value}"
                )
            return known, True
        balances = await books.balances(connection, scope, _EVER)
        of = Holder(wanted.book, company_id)
        balance = next((one.amount for one in balances if one.holder == of), 0)
        most = outstanding(wanted.cause, balance)
        if wanted.amount > most:
            raise TooMuchError(_too_much(wanted, most), most)
        await books.book_payment(connection, scope, payment)
        facts = {
            "book": wanted.book.value,
            "company": wanted.company.slug if wanted.company else None,
            "amount": wanted.amount,
            "reference": wanted.reference,
        }
        act = _ACTS[wanted.cause]
        await audit.note(connection, platform.by, act, payment.id, facts, of=scope)
    return payment, False


def _check(wanted: WantedTransfer) -> None:
    if not 1 <= wanted.amount <= LARGEST_SUM:
        raise PaymentRefusedError(
            f"the amount must be from 1 to {LARGEST_SUM}, not {wanted.amount}"
        )
    text = wanted.reference
    if not text.strip() or len(text) > REFERENCE_LENGTH or not text.isprintable():
        raise PaymentRefusedError(
            f"the reference must be one line of 1 to {REFERENCE_LENGTH} characters"
        )
    if (wanted.company is None) is not (wanted.book is Book.MERCHANT):
        raise PaymentRefusedError("a company's books, and they alone, need the company")


def _too_much(wanted: WantedTransfer, most: int) -> str:
    who = wanted.book.value if wanted.company is None else wanted.company.slug
    currency = wanted.account.market.currency
    if wanted.cause is Cause.SETTLED:
        return f"{who} owes {most} {currency} and no more: {wanted.amount} cannot be settled"
    return f"{who} is owed {most} {currency} and no more: {wanted.amount} cannot be paid out"

"""How a delivery is paid for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PaymentMethod(StrEnum):
    """Who pays when: the merchant before, the merchant by bank transfer, the recipient in cash."""

    PREPAID = "prepaid"
    BANK_TRANSFER = "bank_transfer"
    COD = "cod"


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where a bank transfer goes."""

    bank: str | None = None
    iban: str | None = None
    holder: str | None = None


NO_BANK = BankAccount()
"""No account is named."""


@dataclass(frozen=True, slots=True)
class Payment:
    """How a delivery is to be paid.

    `cash_collect` is what the driver takes from the recipient, in whole units of the market's
    currency: with `COD` alone. A bank transfer of the delivery's fee goes to `bank` with the
    delivery's reference written on it, and is awaited until `due_at`. So is, with another method,
    the merchant's word to let a held delivery go.
    """

    method: PaymentMethod = PaymentMethod.PREPAID
    cash_collect: int | None = None
    bank: BankAccount | None = None
    due_at: datetime | None = None


PREPAID = Payment()
"""How a delivery is paid unless the order says otherwise."""

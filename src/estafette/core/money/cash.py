"""Cash on its way: in a driver's hand, handed over and counted by a second person, the company's.

What a driver has collected is in that driver's book until a handover: the driver declares a sum,
somebody else counts it. The driver's book gives what was declared, the company's cash receives
what was counted, and the company answers for the difference: it owes what was missing, and is owed
what was too much. So of each driver: collected = counted + differences + in hand.

Nothing that was booked is changed. What was wrong is reversed: the same lines with the other sign,
once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.core.money.books import Book, Cause, Line, Transfer
from estafette.core.money.sums import LARGEST_SUM

LONGEST_REASON: Final = 500
"""How long the reason of a difference or a reversal may be, in characters."""


class HandoverState(StrEnum):
    """What became of a handover."""

    DECLARED = "declared"
    """The driver says how much it is; nobody has counted it yet."""
    COUNTED = "counted"
    """It is booked."""
    WITHDRAWN = "withdrawn"
    """It was not counted: the driver has it still."""
    REVERSED = "reversed"
    """It was booked, and then reversed: the driver has it again."""


@dataclass(frozen=True, slots=True)
class Handover:
    """Cash that a driver of a company hands over, in whole units of the market's currency.

    `number` is what people call it by, of its company. `declared_by` is who said so for the driver,
    mostly the driver; `ended_by` who counted it, or withdrew it. `reason` says why there was a
    difference, `reversal` why it was reversed.
    """

    company_id: UUID
    id: UUID
    mode: Mode
    driver_id: UUID
    number: int
    state: HandoverState
    declared: int
    declared_by: By
    declared_at: datetime
    counted: int | None = None
    ended_by: By | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    reversed_by: By | None = None
    reversed_at: datetime | None = None
    reversal: str | None = None

    @property
    def difference(self) -> int:
        """What was missing when it was counted; below zero: what was too much."""
        return 0 if self.counted is None else self.declared - self.counted

    @property
    def name(self) -> str:
        """What people call it."""
        return f"H-{self.number:05d}"


class CashRoom(NamedTuple):
    """How much cash a driver has, and will have: in whole units.

    `to_collect` is that of the deliveries that the driver has accepted. `limit` None: no limit.
    """

    in_hand: int = 0
    to_collect: int = 0
    limit: int | None = None


NO_CASH = CashRoom()
"""Of a driver who has none, and no limit."""


def may_take(room: CashRoom, cash: int) -> bool:
    """Returns whether a delivery with that much cash to collect may be given to a driver.

    Nor may it be offered otherwise. One without cash always may.
    """
    return not cash or room.limit is None or room.in_hand + room.to_collect + cash <= room.limit


class Share(NamedTuple):
    """Of one account's cash: what is handed over, and what of it was counted."""

    account_id: UUID
    declared: int
    counted: int


class InHand(NamedTuple):
    """Cash of one account's deliveries in the hand of one driver."""

    account_id: UUID
    amount: int


def shares(in_hand: Sequence[InHand], declared: int, counted: int) -> list[Share]:
    """Returns which accounts' cash it is that was handed over, in the order that is given.

    What is missing is missing from the last; what was too much comes to the first. Raises
    ValueError when it is more than there is.
    """
    found: list[Share] = []
    left, uncounted = declared, counted
    for account_id, amount in in_hand:
        if not left:
            break
        taken = min(amount, left)
        there = min(taken, uncounted)
        found.append(Share(account_id, taken, there))
        left, uncounted = left - taken, uncounted - there
    if left or not found:
        raise ValueError("more was declared than is in hand")
    first = found[0]
    found[0] = first._replace(counted=first.counted + uncounted)
    return found


def handed_over(share: Share, driver_id: UUID) -> Transfer:
    """Returns what is booked for one account's share of a handover."""
    lines = (
        Line(Book.DRIVER, -share.declared, driver_id),
        Line(Book.CASH, share.counted),
        Line(Book.COMPANY, share.declared - share.counted),
    )
    return Transfer(Cause.HANDED_OVER, tuple(line for line in lines if line.amount))


def reversal(lines: Sequence[Line], cause: Cause) -> Transfer:
    """Returns what takes lines back that were booked."""
    return Transfer(cause, tuple(line._replace(amount=-line.amount) for line in lines))


def passed_on(lines: Sequence[Line], driver_id: UUID) -> Transfer | None:
    """Returns what is booked besides when cash was booked as the company's, and a driver has it.

    `lines` are those of the collection. None where a driver has it already, or there was none.
    """
    there = sum(line.amount for line in lines if line.book is Book.CASH)
    if not there or any(line.book is Book.DRIVER for line in lines):
        return None
    further = (Line(Book.CASH, -there), Line(Book.DRIVER, there, driver_id))
    return Transfer(Cause.CASH_COLLECTED, further)


class CashRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """What was asked for is refused; its text says why, in a sentence without its full stop.

    `code` is for programs.
    """

    code = "refused"


@dataclass(unsafe_hash=True)
class HandoverNotFound(CashRefusal):
    """The company has no such handover."""

    def __str__(self) -> str:
        return "there is no such handover"


@dataclass(unsafe_hash=True)
class AmountRefused(CashRefusal):
    """An amount is no whole number between the two."""

    least: int
    most: int = LARGEST_SUM

    def __str__(self) -> str:
        return f"the amount must be a whole number from {self.least} to {self.most}"


@dataclass(unsafe_hash=True)
class MoreThanInHand(CashRefusal):
    """The driver has `in_hand`, and not more."""

    in_hand: int
    code = "more_than_in_hand"

    def __str__(self) -> str:
        return f"the driver has {self.in_hand} in hand by the books, and no more"


@dataclass(unsafe_hash=True)
class HandoverOpen(CashRefusal):
    """The driver has declared another handover, which nobody has counted yet."""

    declared: int
    code = "handover_open"

    def __str__(self) -> str:
        return (
            f"a handover of {self.declared} is declared already: it has to be counted or"
            " withdrawn first"
        )


@dataclass(unsafe_hash=True)
class SamePerson(CashRefusal):
    """Who carried the cash, or declared it, cannot count it."""

    code = "same_person"

    def __str__(self) -> str:
        return "somebody else has to count it: not the driver, nor who declared it"


@dataclass(unsafe_hash=True)
class ReasonNeeded(CashRefusal):
    """A difference, or a reversal, needs a reason of one to `LONGEST_REASON` characters."""

    difference: int = 0
    code = "reason_needed"

    def __str__(self) -> str:
        if self.difference:
            kind = "missing" if self.difference > 0 else "too much"
            return f"{abs(self.difference)} is {kind}: say why"
        return f"a reason of 1 to {LONGEST_REASON} characters is needed"


@dataclass(unsafe_hash=True)
class HandoverEnded(CashRefusal):
    """It was counted, withdrawn or reversed already."""

    handover: Handover
    code = "handover_ended"

    def __str__(self) -> str:
        of = self.handover
        if of.state is HandoverState.DECLARED:
            return f"{of.name} was not counted yet"
        if of.state is HandoverState.COUNTED:
            return f"{of.name} was counted already: {of.counted}"
        return f"{of.name} was {of.state.value} already"


@dataclass(unsafe_hash=True)
class CashPassedOn(CashRefusal):
    """What is to be reversed has gone on: handed over since, or settled with the operator."""

    code = "cash_passed_on"

    def __str__(self) -> str:
        return "the cash has gone on since: it was handed over, or settled with the operator"


@dataclass(unsafe_hash=True)
class NothingCollected(CashRefusal):
    """No driver has collected cash for that delivery, or it was reversed already."""

    code = "nothing_collected"

    def __str__(self) -> str:
        return "no driver has collected cash for this delivery, or that was reversed already"


def reason_of(text: str | None) -> str | None:
    """Returns a reason as it is kept; None for an empty one. Raises ReasonNeeded when too long."""
    kept = " ".join((text or "").split())
    if len(kept) > LONGEST_REASON or not kept.isprintable():
        raise ReasonNeeded
    return kept or None


def check_counter(handover: Handover, driver_person: UUID | None, by: By) -> None:
    """Raises SamePerson when `by` is who declared a handover, or the driver whose cash it is."""
    if (by.kind, by.name) == (handover.declared_by.kind, handover.declared_by.name):
        raise SamePerson
    if driver_person is not None and by.name == str(driver_person):
        raise SamePerson

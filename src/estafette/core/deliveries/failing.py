"""What becomes of a parcel that could not be handed over: so many attempts, and then what.

The merchant and the courier company each may say it; `combined` says what holds then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, cast

MOST_ATTEMPTS: Final = 5
"""How many attempts to deliver there may be at most."""


class AfterAttempts(StrEnum):
    """What follows the last attempt."""

    RETURN = "return"
    """The delivery has failed, and the parcel is brought back by a delivery of its own."""
    DISCARD = "discard"
    """The delivery has failed, and the parcel is not brought back."""
    LEAVE = "leave_at_door"
    """Where nobody takes it at the last attempt, the driver may leave it at the door, with a photo
    of where it stands. A parcel that cannot be left there is brought back."""


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """How often it is tried to deliver, the first time counted, and what follows.

    Raises ValueError for fewer attempts than one, or more than MOST_ATTEMPTS.
    """

    attempts: int
    then: AfterAttempts

    def __post_init__(self) -> None:
        """Checks the number."""
        if not 1 <= self.attempts <= MOST_ATTEMPTS:
            raise ValueError(f"it is tried 1 to {MOST_ATTEMPTS} times, not {self.attempts}")


class AttemptReason(StrEnum):
    """Why an attempt to deliver failed, as drivers choose it."""

    NOBODY_THERE = "nobody_there"
    PHONE_SILENT = "phone_silent"
    """The recipient does not answer the phone."""
    WRONG_ADDRESS = "wrong_address"
    REFUSED_BY_RECIPIENT = "refused_by_recipient"
    NO_MONEY = "no_money"
    """The recipient has not the cash that is to be collected."""
    DAMAGED = "damaged"
    NO_ACCESS = "no_access"
    OTHER = "other"
    """The driver says in a few words what it is."""


ENDS_ATTEMPTS: Final = frozenset({AttemptReason.REFUSED_BY_RECIPIENT, AttemptReason.DAMAGED})
"""After these no further attempt is worth making."""

_ENGLISH: Final = {
    AttemptReason.NOBODY_THERE: "nobody was there",
    AttemptReason.PHONE_SILENT: "the recipient did not answer the phone",
    AttemptReason.WRONG_ADDRESS: "the address is wrong",
    AttemptReason.REFUSED_BY_RECIPIENT: "the recipient refused the parcel",
    AttemptReason.NO_MONEY: "the recipient had no money for it",
    AttemptReason.DAMAGED: "the parcel is damaged",
    AttemptReason.NO_ACCESS: "the courier could not get in",
    AttemptReason.OTHER: "the parcel could not be handed over",
}


def reason_of(code: str) -> AttemptReason:
    """Returns the reason that a driver's page names; one that is not known is another one."""
    return AttemptReason(code) if code in set(AttemptReason) else AttemptReason.OTHER


def in_english(reason: AttemptReason, words: str | None = None) -> str:
    """Returns a reason as programs of merchants read it, with what the driver has written."""
    return f"{_ENGLISH[reason]}: {words}" if words else _ENGLISH[reason]


def words_in(note: str | None, reason: AttemptReason) -> str | None:
    """Returns what the driver has written besides the reason, from the note of `in_english`."""
    return (note or "").removeprefix(_ENGLISH[reason]).removeprefix(": ") or None


LEFT: Final = "Left at the door"
"""The note of the event of a parcel that was left."""


class FailedAttempt(NamedTuple):
    """An attempt to deliver that failed: its event's number, why, and when."""

    seq: int
    reason: AttemptReason
    at: datetime


class Settled(StrEnum):
    """Who has set the policy that holds."""

    DELIVERY = "delivery"
    """The merchant, for this delivery."""
    ACCOUNT = "account"
    """The merchant, for all deliveries that say nothing else."""
    COMPANY = "company"


class HeldPolicy(NamedTuple):
    """The policy that holds for a delivery, and whose word decides what follows the last attempt.

    With `is_limited` the company makes fewer attempts than the merchant wants.
    """

    policy: FailurePolicy
    by: Settled
    is_limited: bool = False

    def may_leave(self, tried: int) -> bool:
        """Whether the parcel may be left at the door, after so many failed attempts."""
        return self.policy.then is AfterAttempts.LEAVE and tried >= self.policy.attempts - 1

    def follows(self, attempts: Sequence[FailedAttempt]) -> AfterAttempts | None:
        """Returns what follows the last of these attempts; None: it is tried again.

        What a driver could not leave at the door comes back.
        """
        if not attempts:
            return None
        is_last = attempts[-1].reason in ENDS_ATTEMPTS
        if len(attempts) < self.policy.attempts and not is_last:
            return None
        is_left = self.policy.then is AfterAttempts.LEAVE
        return AfterAttempts.RETURN if is_left else self.policy.then


def combined(
    own: FailurePolicy | None,
    of_account: FailurePolicy | None,
    of_company: FailurePolicy | None,
    *,
    needs_recipient: bool,
) -> HeldPolicy | None:
    """Returns which policy holds; None: the dispatcher decides each time.

    What follows is the merchant's to say, whose parcel it is: for the delivery, else for all. How
    often it is tried at most is the company's, whose driver goes there; a company without a policy
    sets no limit. Where somebody has to take the parcel (`needs_recipient`), it is brought back
    instead of being left.
    """
    held = _merchants(own, of_account, of_company)
    if held is None and of_company is not None:
        held = HeldPolicy(of_company, Settled.COMPANY)
    if held is not None and needs_recipient and held.policy.then is AfterAttempts.LEAVE:
        held = held._replace(policy=replace(held.policy, then=AfterAttempts.RETURN))
    return held


def _merchants(
    own: FailurePolicy | None, of_account: FailurePolicy | None, of_company: FailurePolicy | None
) -> HeldPolicy | None:
    wanted = own or of_account
    if wanted is None:
        return None
    by = Settled.ACCOUNT if own is None else Settled.DELIVERY
    if of_company is None or wanted.attempts <= of_company.attempts:
        return HeldPolicy(wanted, by)
    return HeldPolicy(replace(wanted, attempts=of_company.attempts), by, is_limited=True)


def as_words(policy: FailurePolicy) -> dict[str, Any]:
    """Returns a policy as APIs show it."""
    return {"attempts": policy.attempts, "then": policy.then.value}


def from_words(words: Any) -> FailurePolicy:
    """Returns the policy that `as_words` wrote. Raises ValueError where `fault_of` finds one."""
    if fault := fault_of(words):
        raise ValueError(" ".join(fault))
    return FailurePolicy(words["attempts"], AfterAttempts(words["then"]))


def fault_of(value: Any) -> tuple[str, str] | None:
    """Returns the field of a decoded `{attempts, then}` that is wrong, and why; None: it is good.

    The field is relative to the object, "" for the object itself.
    """
    if not isinstance(value, dict):
        return "", "must be an object"
    given = cast("dict[str, Any]", value)
    if given.keys() != {"attempts", "then"}:
        return "", "must have attempts and then, and nothing else"
    attempts, then = given["attempts"], given["then"]
    if type(attempts) is not int or not 1 <= attempts <= MOST_ATTEMPTS:
        return "attempts", f"must be an integer from 1 to {MOST_ATTEMPTS}"
    if not isinstance(then, str) or then not in set(AfterAttempts):
        return "then", f"must be one of {', '.join(AfterAttempts)}"
    return None

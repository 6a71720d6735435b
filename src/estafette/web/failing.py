"""Failed attempts as pages show them, and the forms in which a policy and windows are set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.failing import (
    MOST_ATTEMPTS,
    AfterAttempts,
    AttemptReason,
    FailurePolicy,
    HeldPolicy,
    Settled,
)
from estafette.core.deliveries.windows import BOUNDS, WindowRules
from estafette.http.formats import number
from estafette.http.texts import N_, gettext, ngettext
from estafette.web.forms import Form

_REASONS: Final = {
    AttemptReason.NOBODY_THERE: N_("Nobody was there"),
    AttemptReason.PHONE_SILENT: N_("They did not answer the phone"),
    AttemptReason.WRONG_ADDRESS: N_("The address is wrong"),
    AttemptReason.REFUSED_BY_RECIPIENT: N_("They refused the parcel"),
    AttemptReason.NO_MONEY: N_("They had no money for it"),
    AttemptReason.DAMAGED: N_("The parcel is damaged"),
    AttemptReason.NO_ACCESS: N_("The driver could not get in"),
    AttemptReason.OTHER: N_("Something else"),
}

_FOLLOWS: Final = {
    AfterAttempts.RETURN: N_("It is brought back"),
    AfterAttempts.DISCARD: N_("It is discarded"),
    AfterAttempts.LEAVE: N_("It is left at the door"),
}

_BY: Final = {
    Settled.DELIVERY: N_("As ordered for this delivery"),
    Settled.ACCOUNT: N_("As the merchant says of all deliveries"),
    Settled.COMPANY: N_("As the courier company says"),
}

_PREFIX: Final = "window_"

_WINDOWS: Final = {
    "window_hours": N_("Hours of a window"),
    "window_days": N_("Days within which a recipient may choose one"),
    "window_changes": N_("How often a recipient may"),
}

FIELDS: Final = ("attempts", "then", *_WINDOWS)
"""The fields of a form in which a courier company says what follows failed attempts."""


@dataclass(frozen=True, slots=True)
class ShownAttempt:
    """One attempt that failed, in the reader's language."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ShownPolicy:
    """Which policy holds, in the reader's language: what is done, and who says so."""

    what: str
    by: str


def attempts_of(delivery: Delivery) -> list[ShownAttempt]:
    """Returns the attempts that failed, the latest first."""
    return [ShownAttempt(reason_text(one.reason), one.at) for one in delivery.attempts[::-1]]


def policy_of(held: HeldPolicy | None) -> ShownPolicy | None:
    """Returns the policy that holds; None: the dispatcher decides each time."""
    if held is None:
        return None
    by = gettext(_BY[held.by])
    if held.is_limited:
        by = gettext("%(by)s; the courier company makes no more attempts", by=by)
    return ShownPolicy(policy_text(held.policy), by)


def policy_text(policy: FailurePolicy) -> str:
    """Returns a policy in a few words."""
    return ended_text(policy.attempts, policy.then)


def reason_text(reason: AttemptReason) -> str:
    """Returns why an attempt failed."""
    return gettext(_REASONS[reason])


def ended_text(count: int, then: AfterAttempts) -> str:
    """Returns what follows so many attempts, in a few words."""
    times = ngettext("%(count)s attempt", "%(count)s attempts", count)
    return f"{times} · {gettext(_FOLLOWS[then])}"


def attempt_choices() -> list[tuple[str, str]]:
    """Returns what may be chosen as the number of attempts; the first: nothing is said."""
    counts = [(str(count), number(count)) for count in range(1, MOST_ATTEMPTS + 1)]
    return [("", gettext("Nothing is said")), *counts]


def follow_choices() -> list[tuple[str, str]]:
    """Returns what may follow the last attempt."""
    return [(then.value, gettext(name)) for then, name in _FOLLOWS.items()]


def fields_of(policy: FailurePolicy | None) -> dict[str, str]:
    """Returns what the two fields of a form say of a policy."""
    if policy is None:
        return {"attempts": "", "then": AfterAttempts.RETURN.value}
    return {"attempts": str(policy.attempts), "then": policy.then.value}


def policy_in(form: Form) -> FailurePolicy | None:
    """Returns the policy that a form asks for; None: none. Raises ValueError for what is none."""
    attempts, then = form.value("attempts"), form.value("then")
    if not attempts:
        return None
    if attempts not in {value for value, _ in attempt_choices()}:
        raise ValueError("attempts")
    return FailurePolicy(int(attempts), AfterAttempts(then))


def window_fields(
    rules: WindowRules, typed: Mapping[str, str], faults: Mapping[str, str]
) -> Sequence[tuple[str, str, str, str | None]]:
    """Returns the fields of a form for windows: name, label, what is typed there, what is wrong."""
    return [
        (name, gettext(_WINDOWS[name]), typed.get(name, value), faults.get(name))
        for name, value in window_values(rules).items()
    ]


def window_values(rules: WindowRules) -> dict[str, str]:
    """Returns what the fields of a form say of windows, by their names."""
    return {f"{_PREFIX}{name}": str(value) for name, value in asdict(rules).items()}


def windows_in(form: Form) -> tuple[WindowRules | None, dict[str, str]]:
    """Returns the windows that a form asks for, or what is wrong with it by the field."""
    numbers: dict[str, int] = {}
    faults: dict[str, str] = {}
    for name, (least, most) in BOUNDS.items():
        text = form.value(f"{_PREFIX}{name}").strip()
        if text.isascii() and text.isdecimal() and len(text) < 4 and least <= int(text) <= most:
            numbers[name] = int(text)
        else:
            faults[f"{_PREFIX}{name}"] = gettext(
                "A number from %(least)s to %(most)s.", least=number(least), most=number(most)
            )
    return (None if faults else WindowRules(**numbers)), faults

"""What these pages say of keys, attempts and refusals, in the reader's language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from estafette.core.accounts.acts import Act
from estafette.core.accounts.key_rules import (
    MOST_NETWORKS,
    NAME_LENGTH,
    KeyFault,
    KeyState,
    state_of,
)
from estafette.core.money.payment import PaymentMethod
from estafette.http.shell import Tone
from estafette.http.texts import N_, gettext
from estafette.usecases.accounts.keys import MOST_KEYS, ApiKey

_ACTS: Final[Mapping[Act, str]] = {
    Act.READ: N_("See deliveries and courier companies"),
    Act.QUOTE: N_("Ask for prices"),
    Act.CREATE: N_("Create deliveries"),
    Act.CANCEL: N_("Cancel deliveries"),
    Act.CONFIRM: N_("Confirm held deliveries"),
    Act.TEST_WEBHOOKS: N_("Send test webhooks"),
    Act.MOVE: N_("Move deliveries of the sandbox by hand"),
}

_METHODS: Final[Mapping[PaymentMethod, str]] = {
    PaymentMethod.PREPAID: N_("Paid by you"),
    PaymentMethod.BANK_TRANSFER: N_("Bank transfer"),
    PaymentMethod.COD: N_("Cash on delivery"),
}

_FAULTS: Final[Mapping[KeyFault, str]] = {
    KeyFault.KIND: N_("Accounts of this country have no keys of this kind."),
    KeyFault.NAME: N_("A name is one line of at most %(length)s characters."),
    KeyFault.ACTS: N_("Choose at least one thing that the key may do."),
    KeyFault.NETWORKS: N_("A key is accepted from at most %(networks)s networks."),
    KeyFault.PAST: N_("Choose a day to come."),
    KeyFault.TOO_MANY: N_("The account has %(keys)s keys. Revoke those that nobody uses."),
    KeyFault.ENDED: N_("This key has ended. Create a new one."),
    KeyFault.ROTATED: N_("This key is disabled, or was rotated already."),
    KeyFault.LIMITS: N_("These limits cannot be: look at the numbers and the places."),
    KeyFault.UNKNOWN: N_("There is no such key."),
}

_ADVICE: Final[Mapping[str, str]] = {
    "rejected": N_("Answer with a status from 200 to 299. Redirects are not followed."),
    "timed_out": N_("Answer first, within five seconds, and do the work afterwards."),
    "unreachable": N_(
        "See that the host name, the port, the firewall and the certificate are right."
    ),
    "disconnected": N_("See in the receiver's log why it closed the connection."),
    "invalid_response": N_("See whether something else than a web server listens on this port."),
    "response_too_large": N_("Answer with a status and next to no body."),
    "refused_by_guard": N_("Webhooks go to public addresses. Ask your operator to allow this one."),
    "error": N_("Tell your operator the time of this attempt."),
}


def act_names(acts: frozenset[Act]) -> list[tuple[Act, str]]:
    """Returns the acts with what people call them, in the order of their list."""
    return [(act, gettext(_ACTS[act])) for act in Act if act in acts]


def method_names() -> list[tuple[PaymentMethod, str]]:
    """Returns the ways to pay with what people call them."""
    return [(method, gettext(text)) for method, text in _METHODS.items()]


def fault(of: KeyFault) -> str:
    """Returns why a key cannot be so."""
    return gettext(_FAULTS[of], length=NAME_LENGTH, networks=MOST_NETWORKS, keys=MOST_KEYS)


_STATES: Final[Mapping[KeyState, tuple[str, Tone]]] = {
    KeyState.ENDED: (N_("Ended"), Tone.QUIET),
    KeyState.DISABLED: (N_("Disabled"), Tone.WARNING),
    KeyState.ENDING: (N_("Being replaced"), Tone.INFO),
    KeyState.ACTIVE: (N_("Works"), Tone.GOOD),
}


def state(key: ApiKey, now: datetime) -> tuple[str, Tone]:
    """Returns how a key stands now."""
    text, tone = _STATES[state_of(key, now)]
    return gettext(text), tone


def outcome_tone(of: str) -> Tone:
    """Returns the colour of what came of an attempt."""
    return Tone.GOOD if of == "delivered" else Tone.BAD


def advice(of: str) -> str:
    """Returns what to do about an attempt that failed; "" for nothing."""
    return gettext(_ADVICE[of]) if of in _ADVICE else ""

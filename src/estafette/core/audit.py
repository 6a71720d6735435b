"""The audit: which acts of people and programs are written down, and who is said to have acted.

What happens to a delivery in its normal course is an event of the delivery. The audit tells of what
somebody did by hand, or with the power of an operator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, cast
from uuid import UUID

from estafette.core.accounts.account import Mode


class AuditedAct(StrEnum):
    """What was done. The word before the dot is the kind of thing that it was done to."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    ACCOUNT_REMOVED = "account.removed"
    BRANDING_CHANGED = "branding.changed"
    ACCOUNT_ENTERED = "account.entered"
    """One of the platform's people visited its console as a guest."""
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_CHANGED = "key.changed"
    KEY_DISABLED = "key.disabled"
    KEY_ENABLED = "key.enabled"
    KEY_REVOKED = "key.revoked"
    ENDPOINT_CREATED = "endpoint.created"
    ENDPOINT_CHANGED = "endpoint.changed"
    ENDPOINT_ENABLED = "endpoint.enabled"
    ENDPOINT_DISABLED = "endpoint.disabled"
    ENDPOINT_REMOVED = "endpoint.removed"
    ENDPOINT_REVEALED = "endpoint.revealed"
    ENDPOINT_ROTATED = "endpoint.rotated"
    ENDPOINT_ROTATION_FINISHED = "endpoint.rotation_finished"
    WEBHOOKS_RESENT = "webhooks.resent"
    WEBHOOKS_TESTED = "webhooks.tested"
    PAYMENT_CONFIRMED = "payment.confirmed"
    PAYMENT_SETTLED = "payment.settled"
    PAYMENT_PAID_OUT = "payment.paid_out"
    HANDOVER_DECLARED = "handover.declared"
    HANDOVER_WITHDRAWN = "handover.withdrawn"
    HANDOVER_COUNTED = "handover.counted"
    HANDOVER_REVERSED = "handover.reversed"
    COLLECTION_REVERSED = "collection.reversed"
    DELIVERY_CREATED = "delivery.created"
    DELIVERY_CANCELLED = "delivery.cancelled"
    IMPORT_STARTED = "import.started"
    IMPORT_STOPPED = "import.stopped"
    DELIVERY_MOVED = "delivery.moved"
    DELIVERY_RELEASED = "delivery.released"
    DELIVERY_DISPUTE_SETTLED = "delivery.dispute_settled"
    DELIVERY_PIN_UNLOCKED = "delivery.pin_unlocked"
    DELIVERY_PIN_REVEALED = "delivery.pin_revealed"
    COMPANY_CREATED = "company.created"
    COMPANY_CHANGED = "company.changed"
    COMPANY_ENTERED = "company.entered"
    """One of the platform's people visited its board as a guest."""
    COMPANY_CONNECTED = "company.connected"
    COMPANY_DISCONNECTED = "company.disconnected"
    CARRIERS_CHANGED = "carriers.changed"
    DRIVER_ADDED = "driver.added"
    DRIVER_CHANGED = "driver.changed"
    """Also paused, or back from a pause."""
    DRIVER_REMOVED = "driver.removed"
    SHIFT_STARTED = "shift.started"
    """By somebody else than the driver."""
    SHIFT_ENDED = "shift.ended"
    DELIVERY_ASSIGNED = "delivery.assigned"
    """A dispatcher gave it to a driver."""
    DELIVERY_TAKEN_BACK = "delivery.taken_back"
    """A dispatcher took it from a driver."""
    TARIFFS_REPLACED = "tariffs.replaced"
    SECRET_KEY_ROTATED = "secret_key.rotated"  # noqa: S105 - an act, not a secret
    SECRET_KEY_ACCEPTED = "secret_key.accepted"  # noqa: S105 - an act, not a secret
    PRIVACY_EXPORTED = "privacy.exported"
    PRIVACY_ERASED = "privacy.erased"
    INVITATION_CREATED = "invitation.created"
    INVITATION_WITHDRAWN = "invitation.withdrawn"
    PERSON_JOINED = "person.joined"
    PERSON_ROLE_CHANGED = "person.role_changed"
    PERSON_REMOVED = "person.removed"
    PERSON_DISABLED = "person.disabled"
    PERSON_ENABLED = "person.enabled"
    PERSON_RESET = "person.reset"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - an act, not a password
    PASSWORD_LINK_SENT = "password.link_sent"  # noqa: S105 - an act, not a password
    SECOND_FACTOR_SET = "second_factor.set"
    SECOND_FACTOR_REMOVED = "second_factor.removed"
    RECOVERY_CODES_RENEWED = "recovery_codes.renewed"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    ACT_REFUSED = "act.refused"
    OPERATOR_KEY_CREATED = "operator_key.created"
    OPERATOR_KEY_ROTATED = "operator_key.rotated"
    OPERATOR_KEY_CHANGED = "operator_key.changed"
    OPERATOR_KEY_DISABLED = "operator_key.disabled"
    OPERATOR_KEY_ENABLED = "operator_key.enabled"
    OPERATOR_KEY_REVOKED = "operator_key.revoked"


class ByKind(StrEnum):
    """What kind of actor it was."""

    PERSON = "person"
    KEY = "key"
    COMMAND = "command"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class By:
    """Who acts.

    `name` is the id of a person or an API key, the system user who runs a command, or the name of a
    process of Estafette. `address` is the client's, where the act came over the network.
    """

    kind: ByKind
    name: str
    address: str | None = None

    @classmethod
    def key(cls, key_id: UUID, address: str | None) -> "By":
        """Somebody with an API key."""
        return cls(ByKind.KEY, str(key_id), address)

    @classmethod
    def person(cls, person_id: UUID, address: str | None) -> "By":
        """Somebody who is signed in."""
        return cls(ByKind.PERSON, str(person_id), address)

    @classmethod
    def command(cls, user: str) -> "By":
        """Returns the command line, run by that system user."""
        return cls(ByKind.COMMAND, user)

    @classmethod
    def process(cls, name: str) -> "By":
        """Returns a process of Estafette by itself."""
        return cls(ByKind.PROCESS, name)


class AuditEntry(NamedTuple):
    """One act as it was written down.

    `object` is the id of what it was done to, of the kind that the act names. `changes` are facts
    by name; a fact that was changed is a pair of what it was and what it is.
    """

    id: UUID
    at: datetime
    by: By
    act: str
    account_id: UUID | None
    mode: Mode | None
    object: str | None
    changes: Mapping[str, Any]


MOST_CHANGES = 50
LONGEST_TEXT = 200


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what has changed from one to the other: pairs of what was and what is, by name."""
    names = dict.fromkeys([*before, *after])
    return {
        name: [before.get(name), after.get(name)]
        for name in names
        if before.get(name) != after.get(name)
    }


def ending(secret: str | None) -> str | None:
    """Returns the end of an account number or the like, by which a person recognises it."""
    return None if not secret else f"…{secret[-4:]}" if len(secret) >= 12 else "…"


def bounded(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the changes as they are kept: a bounded number of JSON values with bounded texts."""
    kept = list(changes.items())[:MOST_CHANGES]
    return {name[:LONGEST_TEXT]: _bounded(value) for name, value in kept}


def _bounded(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        members = cast("Sequence[Any]", value)
        return [_bounded(member) for member in members[:MOST_CHANGES]]
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    clean = text.replace("\0", "�").encode("utf-8", "replace").decode()
    return clean if len(clean) <= LONGEST_TEXT else clean[: LONGEST_TEXT - 1] + "…"

"""What the acts in the audit are called on pages."""

from collections.abc import Mapping
from typing import Final

from estafette.core.audit import AuditedAct, ByKind
from estafette.http.texts import N_, gettext

_NAMES: Final[Mapping[AuditedAct, str]] = {
    AuditedAct.ACCOUNT_CREATED: N_("Account opened"),
    AuditedAct.ACCOUNT_CHANGED: N_("Account changed"),
    AuditedAct.ACCOUNT_DISABLED: N_("Account disabled"),
    AuditedAct.ACCOUNT_ENABLED: N_("Account enabled"),
    AuditedAct.ACCOUNT_REMOVED: N_("Account removed"),
    AuditedAct.ACCOUNT_ENTERED: N_("Console visited by the platform"),
    AuditedAct.KEY_CREATED: N_("API key created"),
    AuditedAct.KEY_ROTATED: N_("API key rotated"),
    AuditedAct.KEY_CHANGED: N_("API key changed"),
    AuditedAct.KEY_DISABLED: N_("API key disabled"),
    AuditedAct.KEY_ENABLED: N_("API key enabled"),
    AuditedAct.KEY_REVOKED: N_("API key revoked"),
    AuditedAct.ENDPOINT_CREATED: N_("Webhook address added"),
    AuditedAct.ENDPOINT_CHANGED: N_("Webhook address changed"),
    AuditedAct.ENDPOINT_ENABLED: N_("Webhook address enabled"),
    AuditedAct.ENDPOINT_DISABLED: N_("Webhook address disabled"),
    AuditedAct.ENDPOINT_REMOVED: N_("Webhook address removed"),
    AuditedAct.ENDPOINT_REVEALED: N_("Webhook secret shown"),
    AuditedAct.ENDPOINT_ROTATED: N_("Webhook secret rotated"),
    AuditedAct.ENDPOINT_ROTATION_FINISHED: N_("Old webhook secret ended"),
    AuditedAct.WEBHOOKS_RESENT: N_("Webhooks sent again"),
    AuditedAct.WEBHOOKS_TESTED: N_("Test webhook sent"),
    AuditedAct.PAYMENT_CONFIRMED: N_("Payment confirmed"),
    AuditedAct.PAYMENT_SETTLED: N_("Debt settled"),
    AuditedAct.PAYMENT_PAID_OUT: N_("Paid out"),
    AuditedAct.HANDOVER_DECLARED: N_("Handover of cash declared"),
    AuditedAct.HANDOVER_WITHDRAWN: N_("Handover of cash withdrawn"),
    AuditedAct.HANDOVER_COUNTED: N_("Cash counted"),
    AuditedAct.HANDOVER_REVERSED: N_("Handover of cash taken back"),
    AuditedAct.COLLECTION_REVERSED: N_("Collection of cash taken back"),
    AuditedAct.DELIVERY_MOVED: N_("Delivery moved by hand"),
    AuditedAct.BRANDING_CHANGED: N_("Branding changed"),
    AuditedAct.DELIVERY_CREATED: N_("Delivery created"),
    AuditedAct.DELIVERY_CANCELLED: N_("Delivery cancelled"),
    AuditedAct.IMPORT_STARTED: N_("Import started"),
    AuditedAct.IMPORT_STOPPED: N_("Import stopped"),
    AuditedAct.OPERATOR_KEY_CREATED: N_("Operator's key created"),
    AuditedAct.OPERATOR_KEY_ROTATED: N_("Operator's key rotated"),
    AuditedAct.OPERATOR_KEY_CHANGED: N_("Operator's key changed"),
    AuditedAct.OPERATOR_KEY_DISABLED: N_("Operator's key disabled"),
    AuditedAct.OPERATOR_KEY_ENABLED: N_("Operator's key enabled"),
    AuditedAct.OPERATOR_KEY_REVOKED: N_("Operator's key revoked"),
    AuditedAct.DELIVERY_RELEASED: N_("Delivery released"),
    AuditedAct.DELIVERY_DISPUTE_SETTLED: N_("Dispute settled"),
    AuditedAct.DELIVERY_PIN_UNLOCKED: N_("PIN unlocked"),
    AuditedAct.DELIVERY_PIN_REVEALED: N_("PIN shown"),
    AuditedAct.COMPANY_CREATED: N_("Courier company added"),
    AuditedAct.COMPANY_CHANGED: N_("Courier company changed"),
    AuditedAct.COMPANY_ENTERED: N_("Board visited by the platform"),
    AuditedAct.COMPANY_CONNECTED: N_("Company's platform connected"),
    AuditedAct.COMPANY_DISCONNECTED: N_("Company's platform disconnected"),
    AuditedAct.DRIVER_ADDED: N_("Driver added"),
    AuditedAct.DRIVER_CHANGED: N_("Driver changed"),
    AuditedAct.DRIVER_REMOVED: N_("Driver removed"),
    AuditedAct.SHIFT_STARTED: N_("Shift started for a driver"),
    AuditedAct.SHIFT_ENDED: N_("Shift ended for a driver"),
    AuditedAct.DELIVERY_ASSIGNED: N_("Delivery given to a driver"),
    AuditedAct.DELIVERY_TAKEN_BACK: N_("Delivery taken back from a driver"),
    AuditedAct.CARRIERS_CHANGED: N_("Carriers changed"),
    AuditedAct.TARIFFS_REPLACED: N_("Price list replaced"),
    AuditedAct.SECRET_KEY_ROTATED: N_("Secret key rotated"),
    AuditedAct.SECRET_KEY_ACCEPTED: N_("Secret key accepted"),
    AuditedAct.PRIVACY_EXPORTED: N_("Personal data exported"),
    AuditedAct.PRIVACY_ERASED: N_("Personal data erased"),
    AuditedAct.INVITATION_CREATED: N_("Invitation made"),
    AuditedAct.INVITATION_WITHDRAWN: N_("Invitation withdrawn"),
    AuditedAct.PERSON_JOINED: N_("Person joined"),
    AuditedAct.PERSON_ROLE_CHANGED: N_("Role changed"),
    AuditedAct.PERSON_REMOVED: N_("Person removed from the team"),
    AuditedAct.PERSON_DISABLED: N_("Person disabled"),
    AuditedAct.PERSON_ENABLED: N_("Person enabled"),
    AuditedAct.PERSON_RESET: N_("Password and second factor taken away"),
    AuditedAct.PASSWORD_CHANGED: N_("Password changed"),
    AuditedAct.PASSWORD_LINK_SENT: N_("Link for a new password sent"),
    AuditedAct.SECOND_FACTOR_SET: N_("Second factor set up"),
    AuditedAct.SECOND_FACTOR_REMOVED: N_("Second factor removed"),
    AuditedAct.RECOVERY_CODES_RENEWED: N_("New recovery codes made"),
    AuditedAct.PASSKEY_ADDED: N_("Passkey added"),
    AuditedAct.PASSKEY_REMOVED: N_("Passkey removed"),
    AuditedAct.SESSION_STARTED: N_("Signed in"),
    AuditedAct.SESSION_ENDED: N_("Session ended"),
    AuditedAct.ACT_REFUSED: N_("Tried, and refused by role"),
}


def act_name(act: str) -> str:
    """Returns what an act is called, in the reader's language; one of a newer version its word."""
    name = _NAMES.get(act)  # type: ignore[call-overload]
    return act if name is None else gettext(name)


_KINDS: Final[Mapping[ByKind, str]] = {
    ByKind.PERSON: N_("person"),
    ByKind.KEY: N_("API key"),
    ByKind.COMMAND: N_("command line"),
    ByKind.PROCESS: N_("Estafette itself"),
}


def kind_name(kind: ByKind) -> str:
    """Returns what kind of actor it was, in the reader's language."""
    return gettext(_KINDS[kind])


def act_names() -> list[tuple[str, str]]:
    """Returns all acts that are known, each with its name, in the order of the alphabet."""
    return sorted(((act, gettext(name)) for act, name in _NAMES.items()), key=lambda each: each[1])

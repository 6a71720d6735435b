"""What roles and kinds of organisations are called on pages."""

from collections.abc import Mapping
from typing import Final

from estafette.core.people.permission import Role
from estafette.http.texts import N_, gettext

_ROLES: Final[Mapping[Role, str]] = {
    Role.OWNER: N_("Owner"),
    Role.DEVELOPER: N_("Developer"),
    Role.SUPPORT: N_("Support"),
    Role.VIEWER: N_("Viewer"),
    Role.FINANCE: N_("Finance"),
    Role.MANAGER: N_("Manager"),
    Role.DISPATCHER: N_("Dispatcher"),
    Role.DRIVER: N_("Driver"),
}

_ABOUT: Final[Mapping[Role, str]] = {
    Role.OWNER: N_("Everything, and who else belongs here"),
    Role.DEVELOPER: N_("Keys, webhooks and deliveries"),
    Role.SUPPORT: N_("Deliveries: see, create, cancel"),
    Role.VIEWER: N_("Sees, and changes nothing"),
    Role.FINANCE: N_("Payments, statements and prices"),
    Role.MANAGER: N_("Everything of the company"),
    Role.DISPATCHER: N_("Deliveries and who carries them"),
    Role.DRIVER: N_("Their own stops"),
}


def role_name(role: Role) -> str:
    """Returns what a role is called, in the reader's language."""
    return gettext(_ROLES[role])


def role_about(role: Role) -> str:
    """Returns what somebody of a role does, in a few words of the reader's language."""
    return gettext(_ABOUT[role])

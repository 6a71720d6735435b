"""What a role may do: one table, act by role. Whatever a page, an API or a command does is an act.

Tests are made of this table, so that a new row needs none of its own.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from estafette.core.people.organisation import OrganisationKind


class Role(StrEnum):
    """As what a person belongs to an organisation."""

    OWNER = "owner"
    DEVELOPER = "developer"
    SUPPORT = "support"
    VIEWER = "viewer"
    FINANCE = "finance"
    MANAGER = "manager"
    DISPATCHER = "dispatcher"
    DRIVER = "driver"


ROLES: Mapping[OrganisationKind, tuple[Role, ...]] = {
    OrganisationKind.PLATFORM: (Role.OWNER, Role.SUPPORT, Role.FINANCE),
    OrganisationKind.ACCOUNT: (Role.OWNER, Role.DEVELOPER, Role.SUPPORT, Role.VIEWER),
    OrganisationKind.COMPANY: (Role.MANAGER, Role.DISPATCHER, Role.DRIVER),
}
"""The roles that an organisation has; the first is the one that it is never without."""

HEAD: Mapping[OrganisationKind, Role] = {kind: roles[0] for kind, roles in ROLES.items()}
"""The role of whoever decides who else belongs to it."""

GUEST: Mapping[OrganisationKind, Mapping[Role, Role]] = {
    OrganisationKind.ACCOUNT: {
        Role.OWNER: Role.SUPPORT,
        Role.SUPPORT: Role.SUPPORT,
        Role.FINANCE: Role.VIEWER,
    },
    OrganisationKind.COMPANY: {
        Role.OWNER: Role.DISPATCHER,
        Role.SUPPORT: Role.DISPATCHER,
    },
}
"""As what the platform's people of a role visit another organisation that they do not belong to."""


class PersonAct(StrEnum):
    """What a person may be allowed to do. The word before the dot is what it is done to."""

    PROFILE_MANAGE = "profile.manage"
    """One's own name, language, password, second factor, passkeys and sessions."""

    OVERVIEW_SEE = "overview.see"
    DELIVERIES_SEE = "deliveries.see"
    DELIVERIES_EXPORT = "deliveries.export"
    DELIVERIES_CREATE = "deliveries.create"
    DELIVERIES_IMPORT = "deliveries.import"
    DELIVERIES_CANCEL = "deliveries.cancel"
    DELIVERIES_CONFIRM = "deliveries.confirm"
    """Let deliveries go on that a page of the merchant's has ordered, and that are held."""
    DELIVERIES_MOVE = "deliveries.move"
    """Move deliveries by hand: of the sandbox in the console, of any in the office."""
    DELIVERIES_RELEASE = "deliveries.release"
    """Settle what a courier company's platform and we tell differently."""
    LABELS_PRINT = "labels.print"
    VIEWS_SAVE = "views.save"
    """Save a filter of a list under a name."""
    PINS_UNLOCK = "pins.unlock"

    KEYS_SEE = "keys.see"
    KEYS_MANAGE = "keys.manage"
    ENDPOINTS_SEE = "endpoints.see"
    ENDPOINTS_MANAGE = "endpoints.manage"
    ENDPOINTS_REVEAL = "endpoints.reveal"
    WEBHOOKS_SEE = "webhooks.see"
    """Every attempt, with request and response."""
    WEBHOOKS_RESEND = "webhooks.resend"
    ORIGINS_MANAGE = "origins.manage"
    REQUESTS_SEE = "requests.see"

    PAYMENTS_SEE = "payments.see"
    PAYMENTS_CONFIRM = "payments.confirm"
    PAYMENTS_SETTLE = "payments.settle"
    PAYMENTS_PAY_OUT = "payments.pay_out"
    STATEMENTS_SEE = "statements.see"

    BRANDING_SEE = "branding.see"
    BRANDING_MANAGE = "branding.manage"
    FAILING_SEE = "failing.see"
    FAILING_MANAGE = "failing.manage"
    """Say what becomes of an account's parcels that cannot be handed over."""
    TEAM_SEE = "team.see"
    TEAM_MANAGE = "team.manage"
    AUDIT_SEE = "audit.see"

    ACCOUNTS_SEE = "accounts.see"
    ACCOUNTS_MANAGE = "accounts.manage"
    PEOPLE_SEE = "people.see"
    PEOPLE_MANAGE = "people.manage"
    """Invite, disable and reset people of any organisation."""
    COMPANIES_SEE = "companies.see"
    COMPANIES_MANAGE = "companies.manage"
    TARIFFS_SEE = "tariffs.see"
    TARIFFS_EDIT = "tariffs.edit"
    PLATFORMS_SEE = "platforms.see"
    PLATFORMS_MANAGE = "platforms.manage"
    """Connect courier companies' own platforms, and disconnect them."""
    HEALTH_SEE = "health.see"

    ASSIGNMENTS_SEE = "assignments.see"
    ASSIGNMENTS_MANAGE = "assignments.manage"
    DRIVERS_SEE = "drivers.see"
    DRIVERS_MANAGE = "drivers.manage"
    CASH_SEE = "cash.see"
    """What drivers have in hand and have handed over, and their statements."""
    CASH_DECLARE = "cash.declare"
    """Declare a handover for a driver, and withdraw one that was declared."""
    CASH_COUNT = "cash.count"
    """Count what a driver hands over: never what one has declared or carried."""
    CASH_REVERSE = "cash.reverse"
    """Take a handover or a collection back that was booked wrongly."""
    STOPS_WORK = "stops.work"
    """A driver's own stops: arrive, pick up, hand over, fail, take cash."""


_P, _A, _C = OrganisationKind.PLATFORM, OrganisationKind.ACCOUNT, OrganisationKind.COMPANY


def _allowed(
    platform: str = "", account: str = "", company: str = ""
) -> Mapping[OrganisationKind, frozenset[Role]]:
    """One row of the table: the roles in words, by the kind of their organisation."""
    named = {_P: platform, _A: account, _C: company}
    rows = {kind: frozenset(map(Role, words.split())) for kind, words in named.items()}
    for kind, roles in rows.items():
        if not roles <= set(ROLES[kind]):
            raise ValueError(f"{kind} has no roles {roles - set(ROLES[kind])}")
    return MappingProxyType(rows)


_EVERY_PLATFORM = "owner support finance"
_EVERY_ACCOUNT = "owner developer support viewer"
_EVERY_COMPANY = "manager dispatcher driver"
_SERVES = "owner developer support"  # an account's people who may change deliveries

TABLE: Mapping[PersonAct, Mapping[OrganisationKind, frozenset[Role]]] = {
    PersonAct.PROFILE_MANAGE: _allowed(_EVERY_PLATFORM, _EVERY_ACCOUNT, _EVERY_COMPANY),
    PersonAct.OVERVIEW_SEE: _allowed(_EVERY_PLATFORM, _EVERY_ACCOUNT, "manager dispatcher"),
    PersonAct.DELIVERIES_SEE: _allowed(_EVERY_PLATFORM, _EVERY_ACCOUNT, "manager dispatcher"),
    PersonAct.DELIVERIES_EXPORT: _allowed("owner support finance", _EVERY_ACCOUNT, "manager"),
    PersonAct.DELIVERIES_CREATE: _allowed(account=_SERVES),
    PersonAct.DELIVERIES_IMPORT: _allowed(account=_SERVES),
    PersonAct.DELIVERIES_CANCEL: _allowed("owner support", _SERVES),
    PersonAct.DELIVERIES_CONFIRM: _allowed("owner support", _SERVES),
    PersonAct.DELIVERIES_MOVE: _allowed("owner support", "owner developer"),
    PersonAct.DELIVERIES_RELEASE: _allowed("owner support"),
    PersonAct.LABELS_PRINT: _allowed(account=_SERVES, company="manager dispatcher"),
    PersonAct.VIEWS_SAVE: _allowed("owner support finance", _SERVES),
    PersonAct.PINS_UNLOCK: _allowed("owner support", company="manager dispatcher"),
    PersonAct.KEYS_SEE: _allowed("owner", "owner developer"),
    PersonAct.KEYS_MANAGE: _allowed("owner", "owner developer"),
    PersonAct.ENDPOINTS_SEE: _allowed(account=_SERVES),
    PersonAct.ENDPOINTS_MANAGE: _allowed(account="owner developer"),
    PersonAct.ENDPOINTS_REVEAL: _allowed(account="owner developer"),
    PersonAct.WEBHOOKS_SEE: _allowed(account=_SERVES),
    PersonAct.WEBHOOKS_RESEND: _allowed(account=_SERVES),
    PersonAct.ORIGINS_MANAGE: _allowed(account="owner developer"),
    PersonAct.REQUESTS_SEE: _allowed(account="owner developer"),
    PersonAct.PAYMENTS_SEE: _allowed("owner support finance", "owner support viewer"),
    PersonAct.PAYMENTS_CONFIRM: _allowed("owner finance"),
    PersonAct.PAYMENTS_SETTLE: _allowed("owner finance"),
    PersonAct.PAYMENTS_PAY_OUT: _allowed("owner finance"),
    PersonAct.STATEMENTS_SEE: _allowed("owner finance", "owner viewer", "manager"),
    PersonAct.BRANDING_SEE: _allowed(account=_EVERY_ACCOUNT),
    PersonAct.BRANDING_MANAGE: _allowed(account="owner developer"),
    PersonAct.FAILING_SEE: _allowed(account=_EVERY_ACCOUNT),
    PersonAct.FAILING_MANAGE: _allowed(account=_SERVES),
    PersonAct.TEAM_SEE: _allowed(_EVERY_PLATFORM, _EVERY_ACCOUNT, "manager dispatcher"),
    PersonAct.TEAM_MANAGE: _allowed("owner", "owner", "manager"),
    PersonAct.AUDIT_SEE: _allowed("owner support finance", "owner developer", "manager"),
    PersonAct.ACCOUNTS_SEE: _allowed(_EVERY_PLATFORM),
    PersonAct.ACCOUNTS_MANAGE: _allowed("owner"),
    PersonAct.PEOPLE_SEE: _allowed("owner support"),
    PersonAct.PEOPLE_MANAGE: _allowed("owner"),
    PersonAct.COMPANIES_SEE: _allowed(_EVERY_PLATFORM, company="manager dispatcher"),
    PersonAct.COMPANIES_MANAGE: _allowed("owner", company="manager"),
    PersonAct.TARIFFS_SEE: _allowed(_EVERY_PLATFORM, company="manager"),
    PersonAct.TARIFFS_EDIT: _allowed("owner finance"),
    PersonAct.PLATFORMS_SEE: _allowed("owner support"),
    PersonAct.PLATFORMS_MANAGE: _allowed("owner"),
    PersonAct.HEALTH_SEE: _allowed("owner support"),
    PersonAct.ASSIGNMENTS_SEE: _allowed("owner support", company="manager dispatcher"),
    PersonAct.ASSIGNMENTS_MANAGE: _allowed("owner support", company="manager dispatcher"),
    PersonAct.DRIVERS_SEE: _allowed("owner support", company="manager dispatcher"),
    PersonAct.DRIVERS_MANAGE: _allowed("owner", company="manager"),
    PersonAct.CASH_SEE: _allowed("owner support finance", company="manager dispatcher"),
    PersonAct.CASH_DECLARE: _allowed("owner finance", company="manager dispatcher"),
    PersonAct.CASH_COUNT: _allowed("owner finance", company="manager dispatcher"),
    PersonAct.CASH_REVERSE: _allowed("owner finance", company="manager"),
    PersonAct.STOPS_WORK: _allowed(company="driver"),
}
"""Which roles may do an act, by the kind of organisation that they have the role in."""


def may(role: Role, kind: OrganisationKind, act: PersonAct) -> bool:
    """Returns whether a role of an organisation of this kind may do an act there."""
    return role in TABLE[act][kind]


def guest_role(platform_role: Role, kind: OrganisationKind) -> Role | None:
    """Returns as what one of the platform's people visits an organisation; None: not at all."""
    return GUEST.get(kind, {}).get(platform_role)


def guest_may(platform_role: Role, kind: OrganisationKind, act: PersonAct) -> bool:
    """Returns whether one of the platform's people may do an act where they are a guest.

    What only some of the platform may do, such as counting cash, the others cannot do as guests
    either, whatever they visit as.
    """
    role = guest_role(platform_role, kind)
    of_platform = TABLE[act][OrganisationKind.PLATFORM]
    return role in TABLE[act][kind] and (not of_platform or platform_role in of_platform)

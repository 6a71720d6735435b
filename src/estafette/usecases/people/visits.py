"""Find out who visits a page, and where they belong; write down what they tried and may not."""

from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Account, Mode
from estafette.core.audit import AuditedAct
from estafette.core.couriers.company import Company
from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import PersonAct, Role, guest_role
from estafette.store.accounts import keys
from estafette.store.accounts import table as accounts
from estafette.store.couriers import companies
from estafette.usecases import audit
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.organisations import (
    Belonging,
    account_of,
    belongings,
    must_exist,
)
from estafette.usecases.people.sessions import SignedIn, Stage, find_session
from estafette.usecases.platform import Platform

__all__ = [
    "PLATFORM_NAME",
    "Belonging",
    "Visitor",
    "first_mode",
    "name_of",
    "note_entered",
    "note_refused",
    "visitor",
]

PLATFORM_NAME = "Estafette"


class Visitor(NamedTuple):
    """Who visits: the session with its person, and to what they belong.

    `account` or `company` is the one that was asked for, if it exists.
    """

    found: SignedIn
    belongings: tuple[Belonging, ...] = ()
    account: Account | None = None
    company: Company | None = None

    def role_in(self, organisation: Organisation) -> Role | None:
        """Returns as what the person belongs to an organisation; None: not at all."""
        memberships = (one.membership for one in self.belongings)
        return next((one.role for one in memberships if one.organisation == organisation), None)

    def role_as_guest(self, kind: OrganisationKind) -> Role | None:
        """Returns as what they come to an organisation of others, as the platform's people may."""
        role = self.role_in(PLATFORM)
        return None if role is None else guest_role(role, kind)


async def visitor(
    platform: Platform, token: str, address: str | None, wanted: Organisation | None = None
) -> Visitor | None:
    """Returns who has the session of this token; None where it is over, or never was.

    `wanted` is the account or company whose page is visited. Raises Busy or Unavailable.
    """
    found = await find_session(platform, token, address)
    if found is None:
        return None
    if found.session.stage is not Stage.OPEN:
        return Visitor(found)
    of = tuple(await belongings(platform, found.person))
    if wanted is None:
        return Visitor(found, of)
    if wanted.kind is OrganisationKind.COMPANY:
        async with reading(platform) as connection:
            return Visitor(found, of, company=await companies.find(connection, wanted.id))
    own = next((one.account for one in of if one.account and one.account.id == wanted.id), None)
    if own is None:
        async with reading(platform) as connection:
            own = (await accounts.find_all(connection, [wanted.id])).get(wanted.id)
    return Visitor(found, of, own)


async def note_refused(
    platform: Platform, organisation: Organisation, act: PersonAct, path: str
) -> None:
    """Writes down that the person sent a form that their role may not send."""
    of = account_of(organisation)
    async with writing(platform) as connection:
        facts = {"act": act, "path": path}
        await audit.note(
            connection, platform.by, AuditedAct.ACT_REFUSED, organisation.id, facts, of=of
        )


_ENTERED = {
    OrganisationKind.ACCOUNT: AuditedAct.ACCOUNT_ENTERED,
    OrganisationKind.COMPANY: AuditedAct.COMPANY_ENTERED,
}


async def note_entered(platform: Platform, of: Organisation) -> None:
    """Writes down that one of the platform's people visits an account or company as a guest.

    Raises OrganisationNotFound or Busy.
    """
    async with writing(platform) as connection:
        await must_exist(connection, of)
        act = _ENTERED[of.kind]
        await audit.note(connection, platform.by, act, of.id, of=account_of(of))


async def name_of(platform: Platform, organisation: Organisation) -> str | None:
    """Returns what an organisation is called; None where there is no such account or company."""
    if organisation == PLATFORM:
        return PLATFORM_NAME
    async with reading(platform) as connection:
        if organisation.kind is OrganisationKind.ACCOUNT:
            found = await accounts.find_all(connection, [organisation.id])
            return found[organisation.id].name if organisation.id in found else None
        return (await companies.names(connection, [organisation.id])).get(organisation.id)


async def first_mode(platform: Platform, account_id: UUID) -> Mode:
    """Returns the mode that an account is used in: live, unless all of its keys are rehearsals'."""
    async with reading(platform) as connection:
        modes = {key.mode for key in await keys.of_account(connection, account_id)}
    return Mode.SANDBOX if modes == {Mode.SANDBOX} else Mode.LIVE

"""Write to people: an invitation, the link of a reset."""

from datetime import timedelta
from uuid import UUID

from estafette.core.audit import ByKind
from estafette.core.notifications.letter import Letter, LetterKind, is_address
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.person import INVITATION_LENGTH, RESET_LENGTH
from estafette.store.accounts import table as accounts
from estafette.store.couriers import companies
from estafette.store.people import table as people
from estafette.store.people.invitations import Invitation
from estafette.store.pool import Connection
from estafette.store.work import UnitOfWork
from estafette.usecases.notifications import tell
from estafette.usecases.platform import Platform

_OURS = "Estafette"
_HOUR = timedelta(hours=1)


async def invited(work: UnitOfWork, platform: Platform, invitation: Invitation, path: str) -> None:
    """Has an invitation sent, where it names an address that letters can go to.

    Whoever invites is shown the link all the same.
    """
    of = invitation.organisation
    if of is None or invitation.email is None or not is_address(invitation.email):
        return
    facts = {
        "organisation": await _name(work.connection, of),
        "inviter": await _inviter(work.connection, platform),
        "link": platform.public_url + path,
        "hours": str(INVITATION_LENGTH // _HOUR),
    }
    letter = Letter(LetterKind.INVITATION, invitation.email, invitation.language, facts)
    await tell.write(work, platform, letter)


async def reset(
    work: UnitOfWork,
    platform: Platform,
    invitation: Invitation,
    path: str,
    length: timedelta = RESET_LENGTH,
) -> None:
    """Has the link of a reset, which is good for `length`, sent to the person.

    Where letters can go to their address.
    """
    if invitation.email is None or not is_address(invitation.email):
        return
    facts = {"link": platform.public_url + path, "hours": str(length // _HOUR)}
    letter = Letter(LetterKind.PASSWORD_RESET, invitation.email, invitation.language, facts)
    await tell.write(work, platform, letter)


async def _inviter(connection: Connection, platform: Platform) -> str:
    """Returns who invites: the person's name, or ours for a command of the operator's."""
    if platform.by.kind is not ByKind.PERSON:
        return _OURS
    person = await people.find(connection, UUID(platform.by.name))
    return _OURS if person is None else person.name


async def _name(connection: Connection, of: Organisation) -> str:
    if of.kind is OrganisationKind.ACCOUNT:
        found = await accounts.find_all(connection, [of.id])
        return found[of.id].name if of.id in found else _OURS
    if of.kind is OrganisationKind.COMPANY:
        return (await companies.names(connection, [of.id])).get(of.id, _OURS)
    return _OURS

"""Invite people by a link that works once, and withdraw it."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.ids import new_id
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import ROLES, Role
from estafette.core.people.person import (
    INVITATION_LENGTH,
    LANGUAGES,
    MOST_INVITATIONS,
    MOST_MEMBERS,
    Person,
    read_email,
    read_language,
    read_name,
)
from estafette.core.people.refusals import AlreadyMember, NotFound, RoleUnknown, TooMany
from estafette.store.people import invitations, memberships
from estafette.store.people import table as people
from estafette.store.people.invitations import Invitation
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.people import letters
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.organisations import account_of, must_exist
from estafette.usecases.platform import Platform, clock

__all__ = [
    "Invitation",
    "IssuedLink",
    "invite",
    "list_invitations",
    "withdraw_invitation",
]

_BEGINNING = UUID(int=0)


class IssuedLink(NamedTuple):
    """An invitation, and the path of its link, for this once; before it stands the public URL."""

    invitation: Invitation
    path: str


def link_path(token: str) -> str:
    """Returns the path of the page that a token opens."""
    return f"/invitation/{token}"


async def invite(
    platform: Platform,
    of: Organisation,
    role: Role,
    email: str | None,
    *,
    name: str = "",
    language: str = LANGUAGES[0],
) -> IssuedLink:
    """Makes a link by which somebody joins an organisation. Earlier ones for them open nothing.

    It is sent to the e-mail address. Without one, whoever has the link may use it, and says their
    own. Raises
    FieldError, RoleUnknown, OrganisationNotFound, AlreadyMember or TooMany.
    """
    if role not in ROLES[of.kind]:
        raise RoleUnknown(of.kind, role)
    invitation = Invitation(
        id=new_id(),
        organisation=of,
        role=role,
        person_id=None,
        email=None if email is None else read_email(email),
        name=read_name(name) if name.strip() else "",
        language=read_language(language),
        created_at=clock(),
        expires_at=clock() + INVITATION_LENGTH,
    )
    token = new_token("")
    async with reading(platform) as connection, platform.transaction(connection) as work:
        await must_exist(connection, of)
        await _must_have_room(connection, of)
        if invitation.email is not None:
            known = await people.by_email(connection, invitation.email)
            if known and await memberships.role(connection, of, known.person.id):
                raise AlreadyMember(invitation.email)
        await invitations.withdraw_for(connection, of, invitation.email)
        await invitations.insert(connection, invitation, key_hash(token), INVITATION_LENGTH)
        facts = {**organisation_facts(of), "role": role, "email": invitation.email}
        await audit.note(
            connection,
            platform.by,
            AuditedAct.INVITATION_CREATED,
            invitation.id,
            facts,
            of=account_of(of),
        )
        await letters.invited(work, platform, invitation, link_path(token))
    return IssuedLink(invitation, link_path(token))


def reset_of(person: Person, length: timedelta) -> Invitation:
    """Returns what lets a person set their password anew, for so long."""
    return Invitation(
        id=new_id(),
        organisation=None,
        role=None,
        person_id=person.id,
        email=person.email,
        name=person.name,
        language=person.language,
        created_at=clock(),
        expires_at=clock() + length,
    )


def organisation_facts(of: Organisation) -> dict[str, str]:
    """Returns what the audit records of an organisation."""
    if of.kind is OrganisationKind.PLATFORM:
        return {"organisation": of.kind}
    return {"organisation": of.kind, "organisation_id": str(of.id)}


async def _must_have_room(connection: Connection, of: Organisation) -> None:
    if await invitations.count_open(connection, of) >= MOST_INVITATIONS:
        raise TooMany("open invitations", MOST_INVITATIONS)
    if await memberships.count(connection, of) >= MOST_MEMBERS:
        raise TooMany("people", MOST_MEMBERS)


async def list_invitations(
    platform: Platform, of: Organisation, after: UUID | None = None, limit: int = MOST_INVITATIONS
) -> list[Invitation]:
    """Returns the open invitations of an organisation, oldest first, after one.

    Raises OrganisationNotFound, or Busy.
    """
    async with reading(platform) as connection:
        await must_exist(connection, of)
        return await invitations.open_of(connection, of, after or _BEGINNING, limit)


async def withdraw_invitation(platform: Platform, of: Organisation, id: UUID) -> None:
    """Ends an open invitation: its link is refused from then on. Raises NotFound."""
    async with writing(platform) as connection:
        if not await invitations.withdraw(connection, of, id):
            raise NotFound(id)
        await audit.note(
            connection, platform.by, AuditedAct.INVITATION_WITHDRAWN, id, of=account_of(of)
        )

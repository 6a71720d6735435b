"""Use a link: join as somebody new, or as who is signed in; or set a password anew."""

from estafette.core.audit import AuditedAct, By
from estafette.core.ids import new_id
from estafette.core.people.organisation import Organisation
from estafette.core.people.permission import Role
from estafette.core.people.person import (
    MOST_MEMBERSHIPS,
    Person,
    read_email,
    read_language,
    read_name,
    read_password,
)
from estafette.core.people.refusals import (
    AlreadyMember,
    EmailTaken,
    InvitationOfAnother,
    InvitationRefused,
    TooMany,
)
from estafette.store.people import invitations, memberships, sessions
from estafette.store.people import table as people
from estafette.store.people.invitations import Invitation
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import key_hash
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.invite import organisation_facts
from estafette.usecases.people.organisations import account_of, must_exist
from estafette.usecases.people.passwords import hashed
from estafette.usecases.people.sessions import Client, NewSession, SignedIn, Stage, begin
from estafette.usecases.platform import Platform


async def look_at_invitation(platform: Platform, token: str) -> Invitation:
    """Returns what a link is for, and leaves it as it is. Raises InvitationRefused."""
    async with reading(platform) as connection:
        found = await invitations.find(connection, key_hash(token))
    if found is None:
        raise InvitationRefused
    return found


async def join_as_new(
    platform: Platform,
    token: str,
    client: Client,
    *,
    name: str,
    password: str,
    language: str,
    email: str | None = None,
) -> NewSession:
    """Makes a person, who belongs to what the link is for, and signs them in. It works once.

    `email` counts where the invitation is for nobody in particular. Raises FieldError,
    InvitationRefused, EmailTaken, OrganisationNotFound or Busy.
    """
    invitation = await look_at_invitation(platform, token)
    if invitation.organisation is None:
        raise InvitationRefused
    mine = read_email(invitation.email or email or "")
    name, language = read_name(name), read_language(language)
    secret = read_password(password, mine, mine.partition("@")[0], name)
    await _must_be_new(platform, mine)
    hash = await hashed(secret)
    async with writing(platform) as connection:
        of, role = await _use(connection, token)
        person_id = new_id()
        if not await people.insert(connection, person_id, mine, name, language, hash):
            raise EmailTaken(mine)
        person = await people.find(connection, person_id)
        if person is None:
            raise RuntimeError("a person that was just written is not there")
        await _join(connection, person, of, role, client)
        return await begin(connection, person, Stage.OPEN, "invitation", client)


async def _must_be_new(platform: Platform, email: str) -> None:
    async with reading(platform) as connection:
        if await people.by_email(connection, email) is not None:
            raise EmailTaken(email)


async def join(platform: Platform, signed_in: SignedIn, token: str, client: Client) -> Organisation:
    """Has somebody who is signed in belong to what the link is for. It works once.

    Raises InvitationRefused, InvitationOfAnother, AlreadyMember, TooMany, OrganisationNotFound.
    """
    person = signed_in.person
    async with writing(platform) as connection:
        found = await invitations.find(connection, key_hash(token))
        if found is not None and found.email not in (None, person.email):
            raise InvitationOfAnother(found.email or "")
        of, role = await _use(connection, token)
        if await memberships.count_of_person(connection, person.id) >= MOST_MEMBERSHIPS:
            raise TooMany("organisations of one person", MOST_MEMBERSHIPS)
        await _join(connection, person, of, role, client)
    return of


async def _use(connection: Connection, token: str) -> tuple[Organisation, Role]:
    used = await invitations.use(connection, key_hash(token))
    if used is None or used.organisation is None or used.role is None:
        raise InvitationRefused
    await must_exist(connection, used.organisation)
    return used.organisation, used.role


async def _join(
    connection: Connection, person: Person, of: Organisation, role: Role, client: Client
) -> None:
    if not await memberships.insert(connection, of, person.id, role):
        raise AlreadyMember(person.email)
    by = By.person(person.id, client.address)
    facts = {**organisation_facts(of), "role": role}
    await audit.note(connection, by, AuditedAct.PERSON_JOINED, person.id, facts, of=account_of(of))


async def set_password_by_link(
    platform: Platform, token: str, password: str, client: Client
) -> NewSession:
    """Sets a person's password anew, by the link of a reset, and signs them in. It works once.

    The session is of Stage.SECOND_FACTOR where the person has kept one. Raises FieldError,
    InvitationRefused or Busy.
    """
    invitation = await look_at_invitation(platform, token)
    if invitation.person_id is None:
        raise InvitationRefused
    secret = read_password(password, invitation.email or "", invitation.name)
    hash = await hashed(secret)
    async with writing(platform) as connection:
        used = await invitations.use(connection, key_hash(token))
        if used is None or used.person_id is None:
            raise InvitationRefused
        person = await people.lock(connection, used.person_id)
        if person is None or person.disabled_at is not None:
            raise InvitationRefused
        await people.set_password(connection, person.id, hash)
        await sessions.end_all(connection, person.id)
        by = By.person(person.id, client.address)
        await audit.note(connection, by, AuditedAct.PASSWORD_CHANGED, person.id, {"by": "link"})
        stage = Stage.SECOND_FACTOR if person.has_second_factor else Stage.OPEN
        return await begin(connection, person, stage, "link", client)

"""Sign in who an OpenID provider vouches for: a person, or somebody who is invited."""

from estafette.core.audit import AuditedAct, By
from estafette.core.ids import new_id
from estafette.core.people.person import FieldError, Person, read_email, read_name
from estafette.core.people.refusals import SignInRefused
from estafette.store.people import invitations, memberships, provider_identities
from estafette.store.people import table as people
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.people.connect import writing
from estafette.usecases.people.invite import organisation_facts
from estafette.usecases.people.organisations import account_of, exists
from estafette.usecases.people.sessions import Client, NewSession, Stage, begin
from estafette.usecases.platform import Platform


async def sign_in_by_provider(
    platform: Platform,
    issuer: str,
    subject: str,
    email: str,
    name: str,
    language: str,
    client: Client,
) -> NewSession:
    """Begins a session of the person whom a provider knows by `subject`.

    The first time it is the one who has the `email`, which the provider has verified; from then on
    `subject` counts alone. Who is no person yet and has open invitations becomes one, without a
    password, and joins them all. The session is of Stage.SECOND_FACTOR where the person has one
    here. Raises SignInRefused.
    """
    async with writing(platform) as connection:
        person = await _person(connection, issuer, subject, email, name, language, client)
        if person.disabled_at is not None:
            raise SignInRefused
        stage = Stage.SECOND_FACTOR if person.has_second_factor else Stage.OPEN
        return await begin(connection, person, stage, "provider", client)


async def _person(
    connection: Connection,
    issuer: str,
    subject: str,
    email: str,
    name: str,
    language: str,
    client: Client,
) -> Person:
    known = await provider_identities.person_of(connection, issuer, subject)
    if known is not None:
        person = await people.lock(connection, known)
        if person is None:
            raise SignInRefused
        return person
    try:
        mine = read_email(email)
    except FieldError:
        raise SignInRefused from None
    found = await people.by_email(connection, mine)
    if found is None:
        person = await _invited(connection, mine, name, language, client)
    else:
        person = await people.lock(connection, found.person.id)
    if person is None or not await provider_identities.keep(connection, issuer, subject, person.id):
        raise SignInRefused
    return person


async def _invited(
    connection: Connection, email: str, name: str, language: str, client: Client
) -> Person | None:
    """Makes a person of somebody who is invited, and has them join what they are invited to."""
    invited = await invitations.use_all_of(connection, email)
    if not invited:
        return None
    id = new_id()
    try:
        called = read_name(name or invited[0].name or email.partition("@")[0])
    except FieldError:
        called = email.partition("@")[0]
    if not await people.insert(connection, id, email, called, language, None):
        return None
    by = By.person(id, client.address)
    for one in invited:
        of, role = one.organisation, one.role
        if of is None or role is None or not await exists(connection, of):
            continue
        await memberships.insert(connection, of, id, role)
        facts = {**organisation_facts(of), "role": role, "by": "provider"}
        await audit.note(connection, by, AuditedAct.PERSON_JOINED, id, facts, of=account_of(of))
    return await people.lock(connection, id)

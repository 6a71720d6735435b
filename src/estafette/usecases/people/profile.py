"""What a person changes of their own: name, language, password."""

from estafette.core.audit import AuditedAct
from estafette.core.people.person import Person, read_language, read_name, read_password
from estafette.store.people import sessions
from estafette.store.people import table as people
from estafette.usecases import audit
from estafette.usecases.people.connect import writing
from estafette.usecases.people.passwords import hashed, must_know_password
from estafette.usecases.people.sessions import Client, NewSession, SignedIn, renew
from estafette.usecases.platform import Platform


async def change_profile(platform: Platform, person: Person, name: str, language: str) -> None:
    """Sets what a person is called, and the language of their pages. Raises FieldError."""
    name, language = read_name(name), read_language(language)
    async with writing(platform) as connection:
        await people.set_profile(connection, person.id, name, language)


async def change_password(
    platform: Platform, signed_in: SignedIn, old: str, new: str, client: Client
) -> NewSession:
    """Sets another password; every session ends but the one that is returned, with a new token.

    Raises FieldError for the new password, SignInRefused for the old one, TooManyAttempts, Busy,
    or SessionEnded.
    """
    session, person = signed_in
    secret = read_password(new, person.email, person.email.partition("@")[0], person.name)
    await must_know_password(platform, person, old)
    hash = await hashed(secret)
    async with writing(platform) as connection:
        renewed = await renew(connection, signed_in, session.by, client)
        await people.set_password(connection, person.id, hash)
        await sessions.end_all(connection, person.id, but=renewed.session.id)
        await audit.note(connection, platform.by, AuditedAct.PASSWORD_CHANGED, person.id)
    return renewed

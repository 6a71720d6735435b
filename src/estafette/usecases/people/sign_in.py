"""Sign in by e-mail address and password, and then by the second factor where there is one."""

from estafette.core.people.person import FieldError, read_email
from estafette.core.people.refusals import CodeRefused, SessionEnded, SignInRefused
from estafette.store.people import table as people
from estafette.store.people import tallies
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.passwords import (
    MOST_FROM_ADDRESS,
    MOST_OF_PERSON,
    is_right,
    must_be_few,
    of_address,
    of_person,
    of_second_factor,
)
from estafette.usecases.people.second_factor import MOST_CODES, take_code
from estafette.usecases.people.sessions import (
    Client,
    NewSession,
    SignedIn,
    Stage,
    begin,
    find_session,
    renew,
)
from estafette.usecases.platform import Platform


async def sign_in(platform: Platform, email: str, password: str, client: Client) -> NewSession:
    """Begins a session, of Stage.SECOND_FACTOR where the person has one.

    Raises SignInRefused, whether there is such a person or not and after the same time;
    TooManyAttempts for the person or the address; Busy.
    """
    named = _named(email)
    subject, place = of_person(named), of_address(client.address)
    await must_be_few(platform, [(subject, MOST_OF_PERSON), (place, MOST_FROM_ADDRESS)])
    async with reading(platform) as connection:
        known = await people.by_email(connection, named)
    hash = None if known is None or known.person.disabled_at else known.password_hash
    if not await is_right(hash, password) or known is None:
        raise SignInRefused
    async with writing(platform) as connection:
        person = await people.lock(connection, known.person.id)
        now = await people.password_hash(connection, known.person.id)
        if person is None or person.disabled_at is not None or now != hash:
            raise SignInRefused  # it was changed while we looked
        await tallies.clear(connection, subject)
        await tallies.take_back(connection, place)
        stage = Stage.SECOND_FACTOR if person.has_second_factor else Stage.OPEN
        return await begin(connection, person, stage, "password", client)


def _named(email: str) -> str:
    try:
        return read_email(email)
    except FieldError:
        return "nobody"  # which is nobody's e-mail address


async def pass_code(platform: Platform, token: str, code: str, client: Client) -> NewSession:
    """Signs in who has shown the password by a code of their app, or a recovery code.

    Returns a session with a new token. Raises SessionEnded, CodeRefused or TooManyAttempts.
    """
    signed_in = await waiting_session(platform, token, client)
    subject = of_second_factor(signed_in.person.id)
    await must_be_few(platform, [(subject, MOST_CODES)])
    async with writing(platform) as connection:
        renewed = await renew(connection, signed_in, "password+code", client)
        if not await take_code(connection, platform.cipher, signed_in.person.id, code):
            raise CodeRefused
        await tallies.clear(connection, subject)
    return renewed


async def waiting_session(platform: Platform, token: str, client: Client) -> SignedIn:
    """Returns the session that waits for the second factor. Raises SessionEnded."""
    signed_in = await find_session(platform, token, client.address)
    if signed_in is None or signed_in.session.stage is not Stage.SECOND_FACTOR:
        raise SessionEnded
    return signed_in

"""Passkeys (WebAuthn): a second factor, and a way to sign in without a password.

The challenge that a device signs is kept here, and is answered once.
"""

from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from estafette.core.audit import AuditedAct
from estafette.core.ids import new_id
from estafette.core.people.person import LONGEST_NAME, MOST_PASSKEYS, Person, read_name
from estafette.core.people.refusals import NotFound, PasskeyRefused, SessionEnded, TooMany
from estafette.store.people import passkeys, sessions
from estafette.store.people import table as people
from estafette.store.people.passkeys import Challenge, Passkey, Purpose
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.passwords import (
    MOST_FROM_ADDRESS,
    must_be_few,
    must_know_password,
    of_address,
)
from estafette.usecases.people.second_factor import must_not_need_it
from estafette.usecases.people.sessions import (
    Client,
    NewSession,
    SignedIn,
    Stage,
    begin,
    renew,
)
from estafette.usecases.people.sign_in import waiting_session
from estafette.usecases.platform import Platform

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

__all__ = [
    "Asked",
    "Passkey",
    "add_passkey",
    "begin_adding",
    "begin_second_factor",
    "begin_sign_in",
    "list_passkeys",
    "pass_passkey",
    "remove_passkey",
    "sign_in_by_passkey",
]

CHALLENGE_LENGTH = timedelta(minutes=5)
LONGEST_ANSWER = 16_384
"""How many characters of JSON a device's answer has at most."""


class Asked(NamedTuple):
    """What a browser gives to `navigator.credentials`, as JSON, and the id to answer it with."""

    challenge_id: UUID
    options: str


class _Party(NamedTuple):
    """Who asks for passkeys: a host name, and the origin of its pages."""

    id: str
    origin: str


def _party(platform: Platform) -> _Party:
    """Raises PasskeyRefused where browsers allow none: they need a host with a name."""
    parts = urlsplit(platform.public_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return _Party(host, f"{parts.scheme}://{parts.netloc}".lower())
    raise PasskeyRefused("this server is reached by an address; passkeys need a host name")


def _known(found: list[Passkey]) -> "list[PublicKeyCredentialDescriptor]":
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=each.credential_id) for each in found]


async def _ask(
    connection: Connection, challenge: bytes, person_id: UUID | None, purpose: Purpose
) -> UUID:
    id = new_id()
    await passkeys.insert_challenge(
        connection, Challenge(id, challenge, person_id, purpose), CHALLENGE_LENGTH
    )
    return id


async def begin_adding(platform: Platform, person: Person, password: str) -> Asked:
    """Asks a person's device for a new passkey, after the password was shown again.

    Raises SignInRefused, TooManyAttempts, TooMany or PasskeyRefused.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    party = _party(platform)
    await must_know_password(platform, person, password)
    async with writing(platform) as connection:
        known = await passkeys.of_person(connection, person.id)
        if len(known) >= MOST_PASSKEYS:
            raise TooMany("passkeys", MOST_PASSKEYS)
        options = generate_registration_options(
            rp_id=party.id,
            rp_name="Estafette",
            user_id=person.id.bytes,
            user_name=person.email,
            user_display_name=person.name,
            exclude_credentials=_known(known),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        id = await _ask(connection, options.challenge, person.id, Purpose.REGISTER)
    return Asked(id, options_to_json(options))


async def add_passkey(
    platform: Platform, signed_in: SignedIn, challenge_id: UUID, answer: str, name: str
) -> Passkey:
    """Keeps the passkey that a device has made. All other sessions of the person end.

    Raises PasskeyRefused, FieldError for the name, TooMany, or SessionEnded.
    """
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    session, person = signed_in
    party, called = _party(platform), read_name(name)
    challenge = await _take(platform, challenge_id, Purpose.REGISTER)
    if challenge.person_id != person.id:
        raise PasskeyRefused("it was asked of somebody else")
    try:
        made = verify_registration_response(
            credential=_read(answer),
            expected_challenge=challenge.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(_reason(error)) from None
    passkey = Passkey(
        person_id=person.id,
        id=new_id(),
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        name=called,
        created_at=session.created_at,
        used_at=None,
    )
    async with writing(platform) as connection:
        if await people.lock(connection, person.id) is None:
            raise SessionEnded
        if len(await passkeys.of_person(connection, person.id)) >= MOST_PASSKEYS:
            raise TooMany("passkeys", MOST_PASSKEYS)
        if not await passkeys.insert(connection, passkey):
            raise PasskeyRefused("it is known already")
        await sessions.end_all(connection, person.id, but=session.id)
        facts = {"name": called}
        await audit.note(connection, platform.by, AuditedAct.PASSKEY_ADDED, passkey.id, facts)
    return passkey


async def list_passkeys(platform: Platform, person: Person) -> list[Passkey]:
    """Returns a person's passkeys, oldest first."""
    async with reading(platform) as connection:
        return await passkeys.of_person(connection, person.id)


async def remove_passkey(
    platform: Platform, signed_in: SignedIn, passkey_id: UUID, password: str
) -> None:
    """Removes a passkey. All other sessions of the person end.

    Raises NotFound, SignInRefused, TooManyAttempts, or SecondFactorRequired where it is the last
    factor besides the password, and the person may not be without one.
    """
    session, person = signed_in
    await must_know_password(platform, person, password)
    async with writing(platform) as connection:
        locked = await people.lock(connection, person.id)
        left = await passkeys.of_person(connection, person.id)
        if locked is not None and not locked.has_totp and len(left) == 1:
            await must_not_need_it(connection, platform, person.id)
        if not await passkeys.remove(connection, person.id, passkey_id):
            raise NotFound(passkey_id)
        await sessions.end_all(connection, person.id, but=session.id)
        await audit.note(connection, platform.by, AuditedAct.PASSKEY_REMOVED, passkey_id)


async def begin_sign_in(platform: Platform, client: Client) -> Asked:
    """Asks whoever wants to sign in for a passkey that their device has of this server.

    Raises TooManyAttempts for the address, or PasskeyRefused.
    """
    party = _party(platform)
    await must_be_few(platform, [(of_address(client.address), MOST_FROM_ADDRESS)])
    return await _ask_to_sign(platform, party, None, Purpose.SIGN_IN)


async def begin_second_factor(platform: Platform, token: str, client: Client) -> Asked:
    """Asks who has shown the password for one of their passkeys.

    Raises SessionEnded, TooManyAttempts or PasskeyRefused.
    """
    party = _party(platform)
    signed_in = await waiting_session(platform, token, client)
    await must_be_few(platform, [(of_address(client.address), MOST_FROM_ADDRESS)])
    return await _ask_to_sign(platform, party, signed_in.person.id, Purpose.SECOND_FACTOR)


async def _ask_to_sign(
    platform: Platform, party: _Party, person_id: UUID | None, purpose: Purpose
) -> Asked:
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    async with writing(platform) as connection:
        known = [] if person_id is None else await passkeys.of_person(connection, person_id)
        options = generate_authentication_options(
            rp_id=party.id,
            allow_credentials=_known(known) or None,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        id = await _ask(connection, options.challenge, person_id, purpose)
    return Asked(id, options_to_json(options))


async def sign_in_by_passkey(
    platform: Platform, challenge_id: UUID, answer: str, client: Client
) -> NewSession:
    """Signs in whose passkey it is; the device has asked for a finger, face or PIN.

    Raises PasskeyRefused.
    """
    challenge = await _take(platform, challenge_id, Purpose.SIGN_IN)
    async with writing(platform) as connection:
        passkey = await _checked(connection, _party(platform), challenge, answer)
        person = await people.lock(connection, passkey.person_id)
        if person is None or person.disabled_at is not None:
            raise PasskeyRefused("it is nobody's any more")
        return await begin(connection, person, Stage.OPEN, "passkey", client)


async def pass_passkey(
    platform: Platform, token: str, challenge_id: UUID, answer: str, client: Client
) -> NewSession:
    """Signs in who has shown the password by one of their passkeys.

    Returns a session with a new token. Raises SessionEnded or PasskeyRefused.
    """
    signed_in = await waiting_session(platform, token, client)
    challenge = await _take(platform, challenge_id, Purpose.SECOND_FACTOR)
    if challenge.person_id != signed_in.person.id:
        raise PasskeyRefused("it was asked of somebody else")
    async with writing(platform) as connection:
        renewed = await renew(connection, signed_in, "password+passkey", client)
        passkey = await _checked(connection, _party(platform), challenge, answer)
        if passkey.person_id != signed_in.person.id:
            raise PasskeyRefused("it is somebody else's")
    return renewed


async def _take(platform: Platform, challenge_id: UUID, purpose: Purpose) -> Challenge:
    """Takes a challenge away, whatever is answered to it."""
    async with writing(platform) as connection:
        challenge = await passkeys.take_challenge(connection, challenge_id, purpose)
    if challenge is None:
        raise PasskeyRefused("it was answered before, or too late")
    return challenge


def _read(answer: str) -> dict[str, Any]:
    """Returns what a device has answered. Raises PasskeyRefused."""
    if len(answer) > LONGEST_ANSWER:
        raise PasskeyRefused("the answer is too long")
    try:
        read = orjson.loads(answer)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise PasskeyRefused("the answer is not one of a device")
    return cast("dict[str, Any]", read)


def _reason(error: Exception) -> str:
    return str(error)[:LONGEST_NAME] or type(error).__name__


async def _checked(
    connection: Connection, party: _Party, challenge: Challenge, answer: str
) -> Passkey:
    """Returns the passkey that has signed a challenge, and keeps its use. Raises PasskeyRefused."""
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    read = _read(answer)
    passkey = await passkeys.lock(connection, _credential_id(read))
    if passkey is None:
        raise PasskeyRefused("it is not known here")
    try:
        signed = verify_authentication_response(
            credential=read,
            expected_challenge=challenge.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused(_reason(error)) from None
    await passkeys.note_use(connection, passkey.credential_id, signed.new_sign_count)
    return passkey


def _credential_id(answer: dict[str, Any]) -> bytes:
    from webauthn.helpers import base64url_to_bytes

    try:
        return base64url_to_bytes(answer["rawId"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise PasskeyRefused("the answer is not one of a device") from None

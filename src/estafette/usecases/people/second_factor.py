"""The second factor: an authenticator app (TOTP, RFC 6238), and codes for when it is lost."""

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple
from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.people.organisation import PLATFORM
from estafette.core.people.person import Person
from estafette.core.people.refusals import CodeRefused, NotFound, SecondFactorRequired
from estafette.store import pool
from estafette.store.people import memberships, second_factors, sessions, tallies
from estafette.store.people import table as people
from estafette.store.people.second_factors import StoredTotp
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import Cipher
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.passwords import (
    must_be_few,
    must_know_password,
    of_second_factor,
)
from estafette.usecases.people.sessions import Client, NewSession, SignedIn, renew
from estafette.usecases.platform import Platform

MOST_CODES = 5
"""How many codes may be tried in a quarter of an hour."""

RECOVERY_CODES = 10

ISSUER = "Estafette"

_STEP_SECONDS = 30
_DIGITS = 6
_DRIFT = 1  # how many steps a person's clock may be off, either way
_RECOVERY_BYTES = 10
_LONGEST_CODE = 64


class TotpOffer(NamedTuple):
    """What an app is set up with: the secret in base 32, and the same as a URI for a QR code."""

    secret: str
    uri: str


async def begin_totp(platform: Platform, person: Person) -> TotpOffer:
    """Makes a secret for a person's app, of which a code has to be shown before it counts.

    Raises NotFound when one counts already: it has to be removed first.
    """
    from pyotp import random_base32
    from pyotp.totp import TOTP

    secret = random_base32()
    sealed = platform.cipher.encrypt(secret, person.id.bytes)
    async with writing(platform) as connection:
        if not await second_factors.begin(connection, person.id, sealed):
            raise NotFound(person.id)
    uri = TOTP(secret).provisioning_uri(name=person.email, issuer_name=ISSUER)
    return TotpOffer(secret, uri)


class Enrolled(NamedTuple):
    """The codes for when the app is lost, each for once, and the session that goes on."""

    recovery_codes: list[str]
    new: NewSession


async def confirm_totp(
    platform: Platform, signed_in: SignedIn, code: str, client: Client
) -> Enrolled:
    """Has the app count from now on, after a code of it. All other sessions of the person end.

    Raises CodeRefused, TooManyAttempts, or SessionEnded.
    """
    person = signed_in.person
    subject = of_second_factor(person.id)
    await must_be_few(platform, [(subject, MOST_CODES)])
    async with writing(platform) as connection:
        new = await renew(connection, signed_in, "password+code", client)
        stored = await second_factors.lock(connection, person.id)
        if stored is None or stored.confirmed_at is not None:
            raise CodeRefused
        if not await _take_totp(connection, platform.cipher, person.id, stored, code):
            raise CodeRefused
        codes = await _new_codes(connection, person.id)
        await sessions.end_all(connection, person.id, but=new.session.id)
        await tallies.clear(connection, subject)
        await audit.note(connection, platform.by, AuditedAct.SECOND_FACTOR_SET, person.id)
    return Enrolled(codes, new)


async def remove_totp(platform: Platform, signed_in: SignedIn, password: str) -> None:
    """Has a person sign in without an app. All other sessions of the person end.

    Raises SignInRefused for a wrong password, TooManyAttempts, or SecondFactorRequired where the
    person has no passkey and may not be without either.
    """
    session, person = signed_in
    await must_know_password(platform, person, password)
    async with writing(platform) as connection:
        locked = await people.lock(connection, person.id)
        if locked is not None and not locked.has_passkey:
            await must_not_need_it(connection, platform, person.id)
        if await second_factors.remove(connection, person.id):
            await sessions.end_all(connection, person.id, but=session.id)
            await audit.note(connection, platform.by, AuditedAct.SECOND_FACTOR_REMOVED, person.id)


async def must_not_need_it(connection: Connection, platform: Platform, person_id: UUID) -> None:
    """Raises SecondFactorRequired for the operator's people, where these need one."""
    role = await memberships.role(connection, PLATFORM, person_id)
    if platform.needs_second_factor and role is not None:
        raise SecondFactorRequired


async def renew_recovery_codes(platform: Platform, person: Person, password: str) -> list[str]:
    """Gives a person new codes, and takes the old ones. Raises SignInRefused, NotFound."""
    await must_know_password(platform, person, password)
    async with writing(platform) as connection:
        stored = await second_factors.lock(connection, person.id)
        if stored is None or stored.confirmed_at is None:
            raise NotFound(person.id)
        codes = await _new_codes(connection, person.id)
        await audit.note(connection, platform.by, AuditedAct.RECOVERY_CODES_RENEWED, person.id)
    return codes


async def count_recovery_codes(platform: Platform, person: Person) -> int:
    """Counts the recovery codes that a person has left."""
    async with reading(platform) as connection:
        return await second_factors.count_recovery_codes(connection, person.id)


async def _new_codes(connection: Connection, person_id: UUID) -> list[str]:
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    hashes = [_recovery_hash(person_id, code) for code in codes]
    await second_factors.set_recovery_codes(connection, person_id, hashes)
    return codes


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _plain_code(code: str) -> str:
    return code[:_LONGEST_CODE].lower().replace("-", "").replace(" ", "")


def _recovery_hash(person_id: UUID, code: str) -> bytes:
    return hashlib.sha256(person_id.bytes + _plain_code(code).encode("utf-8", "replace")).digest()


async def take_code(connection: Connection, cipher: Cipher, person_id: UUID, code: str) -> bool:
    """Takes a code of the app or a recovery code, each once; returns whether it was good.

    In the caller's transaction, which holds a lock on the person.
    """
    plain = _plain_code(code)
    if len(plain) != _DIGITS:
        hash = _recovery_hash(person_id, plain)
        return await second_factors.use_recovery_code(connection, person_id, hash)
    stored = await second_factors.lock(connection, person_id)
    if stored is None or stored.confirmed_at is None:
        return False
    return await _take_totp(connection, cipher, person_id, stored, plain)


async def _take_totp(
    connection: Connection, cipher: Cipher, person_id: UUID, stored: StoredTotp, code: str
) -> bool:
    """Takes a code of a step after the last one that was taken, by the database's clock."""
    from pyotp.totp import TOTP

    totp = TOTP(cipher.decrypt(stored.secret, person_id.bytes))
    now = int((await pool.now(connection)).timestamp()) // _STEP_SECONDS
    shown = _plain_code(code).encode("utf-8", "replace")
    for step in range(max(stored.last_step, now - _DRIFT - 1) + 1, now + _DRIFT + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), shown):
            await second_factors.take_step(connection, person_id, step)
            return True
    return False

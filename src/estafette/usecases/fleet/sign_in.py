"""Drivers sign in by a code that is sent to their phone, and then stay signed in there.

What is answered is the same whether a phone is a driver's or not, and takes as long: a code is made
and hashed in either case.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.audit import AuditedAct, By
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.session import (
    CODE_DIGITS,
    CODE_LENGTH,
    LONGEST,
    MOST_CODES_A_DAY,
    MOST_CODES_OF_ADDRESS,
    MOST_CODES_OF_PHONE,
    MOST_SESSIONS,
    MOST_TRIES,
    MOST_TRIES_OF_PHONE,
    DriverSession,
)
from estafette.core.ids import new_id
from estafette.core.notifications.letter import Letter, LetterKind
from estafette.core.people.refusals import CodeRefused
from estafette.store.couriers import companies
from estafette.store.fleet import codes, drivers, sessions
from estafette.store.people import tallies
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.notifications import tell
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.passwords import (
    MOST_FROM_ADDRESS,
    hashed,
    is_right,
    must_be_few,
    of_address,
)
from estafette.usecases.people.sessions import LONGEST_AGENT, Client
from estafette.usecases.platform import Platform, clock

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SEEN_EVERY = timedelta(minutes=1)
_LONGEST_TOKEN = 100
_MOST_OF_PHONE = 20


class SignedInDriver(NamedTuple):
    """A driver, and the phone that they are signed in on."""

    session: DriverSession
    driver: Driver


class NewDriverSession(NamedTuple):
    """The same, just begun, with the token for the cookie, for this once."""

    token: str
    session: DriverSession
    driver: Driver


async def send_code(
    platform: Platform, phones: Sequence[str], language: str, client: Client
) -> None:
    """Has a code sent to whichever of these phones is a driver's, in that language.

    `phones` are the readings of what was typed, in E.164. Raises TooManyAttempts for the phone or
    the client's address; Busy.
    """
    phone = phones[0] if phones else ""
    await must_be_few(
        platform,
        [
            (_subject("codes to", phone), MOST_CODES_OF_PHONE),
            (_subject("codes for", of_address(client.address).hex()), MOST_CODES_OF_ADDRESS),
        ],
    )
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    hash = await hashed(code)
    async with (
        platform.connections.batch("people") as connection,
        platform.transaction(connection) as work,
    ):
        found = await _with_phone(connection, phones)
        if not found:
            return
        known = found[0].phone_e164
        today = _subject("codes of a day to", known)
        counted = await tallies.count(connection, [today], _DAY)
        if counted[today].tries > MOST_CODES_A_DAY:
            return
        await codes.put(connection, known, hash, CODE_LENGTH)
        facts = {"code": code, "minutes": str(CODE_LENGTH // _MINUTE)}
        letter = Letter(LetterKind.SIGN_IN_CODE, known, language, facts)
        await tell.write(work, platform, letter)


class SeveralCompanies(Exception):  # noqa: N818 - it is a question, and the code stays good
    """The code is right, and its phone is a driver's of several companies: which one is it now."""

    def __init__(self, names: Mapping[UUID, str]) -> None:
        """`names` are those of the companies, by their ids."""
        self.names = names
        super().__init__("this phone is a driver's of several companies")


async def sign_in(
    platform: Platform,
    phones: Sequence[str],
    code: str,
    language: str,
    client: Client,
    *,
    company_id: UUID | None = None,
) -> NewDriverSession:
    """Begins a session of the driver who has one of these phones and shows its code.

    `company_id` is for which company they drive now, where their phone is known to several.

    Raises SeveralCompanies where that has to be said first; CodeRefused, whether there is such a
    driver or not and after the same time; TooManyAttempts for the phone or the client's address;
    Busy.
    """
    phone = phones[0] if phones else ""
    subject, place = _subject("tries of", phone), of_address(client.address)
    await must_be_few(platform, [(subject, MOST_TRIES_OF_PHONE), (place, MOST_FROM_ADDRESS)])
    async with reading(platform) as connection:
        found = await _with_phone(connection, phones)
        hash = None
        if found:
            hash = await codes.try_once(connection, found[0].phone_e164, MOST_TRIES)
    if not await is_right(hash, code) or hash is None:
        raise CodeRefused
    async with writing(platform) as connection:
        now = await _with_phone(connection, phones)  # somebody may be removed meanwhile
        mine = [one for one in now if one.phone_e164 == now[0].phone_e164]
        if company_id is None and len(mine) > 1:
            ids = [one.company_id for one in mine]
            raise SeveralCompanies(await companies.names(connection, ids))
        chosen = next((one for one in mine if company_id in (None, one.company_id)), None)
        if chosen is None or not await codes.use(connection, chosen.phone_e164, hash):
            raise CodeRefused
        await tallies.clear(connection, subject)
        await tallies.take_back(connection, place)
        return await begin(connection, chosen, language, client)


async def _with_phone(connection: Connection, phones: Sequence[str]) -> list[Driver]:
    """Returns the drivers who have one of these phones, who joined last first.

    Those of the sandbox are simulated: their phones are nobody's.
    """
    found = [
        driver
        for phone in phones
        for driver in await drivers.of_phone(connection, phone, _MOST_OF_PHONE, Mode.LIVE)
    ]
    return sorted(found, key=lambda driver: (driver.created_at, driver.id), reverse=True)


async def begin(
    connection: Connection, driver: Driver, language: str, client: Client
) -> NewDriverSession:
    """Begins a session in the caller's transaction, with a token that nobody had before."""
    token, now = new_token(""), clock()
    agent = client.agent.replace("\0", "")[:LONGEST_AGENT]
    of = (driver.company_id, driver.id)
    session = DriverSession(*of, new_id(), language, agent, client.address, now, now, now + LONGEST)
    await sessions.insert(connection, session, key_hash(token), LONGEST)
    await sessions.end_beyond(connection, *of, MOST_SESSIONS)
    acting = By.person(driver.id, client.address)
    facts = {"company": driver.company_id, "driver": driver.id}
    await audit.note(connection, acting, AuditedAct.SESSION_STARTED, session.id, facts)
    return NewDriverSession(token, session, driver)


async def find_session(
    platform: Platform, token: str, address: str | None
) -> SignedInDriver | None:
    """Returns the session of a phone's token, and keeps that it is used; None: there is none.

    A driver who was removed has none.
    """
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    async with reading(platform) as connection:
        session = await sessions.find(connection, key_hash(token))
        if session is None:
            return None
        driver = await drivers.find(connection, session.company_id, session.driver_id)
        if driver is None or driver.removed_at is not None:
            return None
        if clock() - session.seen_at > _SEEN_EVERY:
            await sessions.mark_seen(connection, session, address)
    return SignedInDriver(session, driver)


async def choose_language(platform: Platform, session: DriverSession, language: str) -> None:
    """Sets the language of the page on one phone."""
    async with writing(platform) as connection:
        await sessions.set_language(connection, session, language)


async def sign_out(platform: Platform, session: DriverSession) -> None:
    """Ends a driver's session on one phone."""
    async with writing(platform) as connection:
        of = (session.company_id, session.driver_id)
        if await sessions.end(connection, *of, session.id):
            facts = {"company": session.company_id, "driver": session.driver_id}
            act = AuditedAct.SESSION_ENDED
            await audit.note(connection, platform.by, act, session.id, facts)


def _subject(what: str, of: str) -> bytes:
    """Returns under what tries are counted."""
    return hashlib.sha256(f"driver {what} {of}".encode("utf-8", "replace")).digest()

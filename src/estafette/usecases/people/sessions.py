"""Sessions: begun, found by the token of a browser, listed, ended."""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core.audit import AuditedAct, By
from estafette.core.ids import new_id
from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.person import (
    MOST_SESSIONS,
    SESSION_LONGEST,
    SIGN_IN_LENGTH,
    Membership,
    Person,
)
from estafette.core.people.refusals import NotFound, SessionEnded
from estafette.store.people import sessions
from estafette.store.people import table as people
from estafette.store.people.sessions import Session, Stage
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.platform import Platform, clock

__all__ = [
    "Client",
    "NewSession",
    "Session",
    "SignedIn",
    "Stage",
    "begin",
    "end_other_sessions",
    "end_session",
    "find_session",
    "list_sessions",
    "must_enrol",
    "renew",
    "sign_out",
]

LONGEST_AGENT = 200
_LONGEST_TOKEN = 100
_SEEN_EVERY = timedelta(minutes=1)


class Client(NamedTuple):
    """Who asks: the client's address and what its browser calls itself."""

    address: str | None
    agent: str = ""


class NewSession(NamedTuple):
    """A session that has just begun, its person, and the token for the cookie, for this once."""

    token: str
    session: Session
    person: Person


class SignedIn(NamedTuple):
    """A session that goes on, and its person. Only one of Stage.OPEN opens anything."""

    session: Session
    person: Person


async def begin(
    connection: Connection, person: Person, stage: Stage, by: str, client: Client
) -> NewSession:
    """Begins a session in the caller's transaction, with a token that nobody had before."""
    token = new_token("")
    now = clock()
    length = SESSION_LONGEST if stage is Stage.OPEN else SIGN_IN_LENGTH
    agent = client.agent.replace("\0", "")[:LONGEST_AGENT]
    session = Session(new_id(), person.id, stage, by, now, now, now + length, client.address, agent)
    await sessions.insert(connection, session, key_hash(token), length)
    await sessions.end_beyond(connection, person.id, MOST_SESSIONS)
    if stage is Stage.OPEN:
        await people.note_sign_in(connection, person.id)
        acting = By.person(person.id, client.address)
        facts = {"by": by}
        await audit.note(connection, acting, AuditedAct.SESSION_STARTED, session.id, facts)
    return NewSession(token, session, person)


async def renew(connection: Connection, signed_in: SignedIn, by: str, client: Client) -> NewSession:
    """Ends a session and begins one for the same person with a new token, in one transaction.

    Raises SessionEnded when it was ended, or renewed, meanwhile.
    """
    session, person = signed_in
    locked = await people.lock(connection, person.id)
    if locked is None or locked.disabled_at is not None:
        raise SessionEnded
    if not await sessions.end(connection, person.id, session.id):
        raise SessionEnded
    return await begin(connection, locked, Stage.OPEN, by, client)


async def find_session(
    platform: Platform, token: str, address: str | None = None
) -> SignedIn | None:
    """Returns the session of a browser's token, and keeps that it is used; None: there is none."""
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    async with reading(platform) as connection:
        found = await sessions.find(connection, key_hash(token))
        if found is None:
            return None
        if clock() - found.session.seen_at > _SEEN_EVERY or found.session.address != address:
            await sessions.mark_seen(connection, found.session.id, address)
    return SignedIn(*found)


def must_enrol(platform: Platform, person: Person, memberships: Iterable[Membership]) -> bool:
    """Returns whether a person has to set a second factor before anything of the platform opens."""
    return (
        platform.needs_second_factor
        and not person.has_second_factor
        and any(each.organisation.kind is OrganisationKind.PLATFORM for each in memberships)
    )


async def list_sessions(platform: Platform, person: Person) -> list[Session]:
    """Returns a person's open sessions, the one that was used last first."""
    async with reading(platform) as connection:
        return await sessions.of_person(connection, person.id)


async def end_session(platform: Platform, person: Person, session_id: UUID) -> None:
    """Ends one of a person's sessions. Raises NotFound."""
    async with writing(platform) as connection:
        if not await sessions.end(connection, person.id, session_id):
            raise NotFound(session_id)
        await audit.note(connection, platform.by, AuditedAct.SESSION_ENDED, session_id)


async def end_other_sessions(platform: Platform, signed_in: SignedIn) -> int:
    """Ends all sessions of a person but this one; counts them."""
    session, person = signed_in
    async with writing(platform) as connection:
        count = await sessions.end_all(connection, person.id, but=session.id)
        if count:
            facts = {"all_but": session.id, "count": count}
            act = AuditedAct.SESSION_ENDED
            await audit.note(connection, platform.by, act, changes=facts)
    return count


async def sign_out(platform: Platform, token: str) -> None:
    """Ends the session of a browser's token, if there is one."""
    async with writing(platform) as connection:
        found = await sessions.find(connection, key_hash(token))
        if found is None:
            return
        session = found.session
        await sessions.end(connection, session.person_id, session.id)
        if session.stage is Stage.OPEN:
            by = By.person(session.person_id, session.address)
            await audit.note(connection, by, AuditedAct.SESSION_ENDED, session.id)

"""People as the operator sees them: find, list, disable, have a password set anew."""

from typing import NamedTuple
from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.people.organisation import PLATFORM
from estafette.core.people.person import RESET_LENGTH, FieldError, Person, read_email
from estafette.core.people.refusals import PersonNotFound
from estafette.store.people import (
    invitations,
    passkeys,
    provider_identities,
    second_factors,
    sessions,
    tallies,
)
from estafette.store.people import table as people
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.people import letters
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.invite import IssuedLink, link_path, reset_of
from estafette.usecases.people.members import must_not_be_last_head
from estafette.usecases.people.passwords import of_person, of_second_factor
from estafette.usecases.platform import Platform


async def find_person(platform: Platform, named: str | UUID) -> Person:
    """Returns the person of an id, or of an e-mail address. Raises PersonNotFound."""
    async with reading(platform) as connection:
        if isinstance(named, UUID):
            found = await people.find(connection, named)
        else:
            try:
                known = await people.by_email(connection, read_email(named))
            except FieldError:
                raise PersonNotFound(named) from None
            found = known and known.person
    if found is None:
        raise PersonNotFound(named)
    return found


class PeoplePage(NamedTuple):
    """Some people by their e-mail addresses; it goes on after `next`, None: these are the last."""

    people: list[Person]
    next: str | None


async def list_people(
    platform: Platform, begins: str | None = None, after: str | None = None, limit: int = 50
) -> PeoplePage:
    """Returns all people, or those whose e-mail address begins so."""
    async with reading(platform) as connection:
        found = await people.page(connection, begins and begins.lower(), after, limit + 1)
    shown = found[:limit]
    return PeoplePage(shown, shown[-1].email if len(found) > limit else None)


async def names_of(platform: Platform, ids: list[UUID]) -> dict[UUID, Person]:
    """Returns the people of these ids, such as those of an audit's page; who is gone is left out.

    As many as a page shows.
    """
    async with reading(platform) as connection:
        return await people.find_all(connection, ids)


async def disable_person(platform: Platform, person_id: UUID, *, disabled: bool) -> Person:
    """Disables a person, whose sessions end, or enables them again.

    Raises PersonNotFound, or LastHead for the platform's last owner.
    """
    async with writing(platform) as connection:
        person = await people.lock(connection, person_id)
        if person is None:
            raise PersonNotFound(person_id)
        if disabled:
            await must_not_be_last_head(connection, PLATFORM, person_id)
            await sessions.end_all(connection, person_id)
            await invitations.withdraw_resets(connection, person_id)
        if await people.disable(connection, person_id, disabled=disabled):
            act = AuditedAct.PERSON_DISABLED if disabled else AuditedAct.PERSON_ENABLED
            await audit.note(connection, platform.by, act, person_id)
    return await find_person(platform, person_id)


async def reset_person(platform: Platform, person_id: UUID) -> IssuedLink:
    """Takes a person's password, second factor, passkeys and sessions, all at once.

    Returns the link with which they set a password anew, and which is sent to them. Raises
    PersonNotFound.
    """
    token = new_token("")
    async with reading(platform) as connection, platform.transaction(connection) as work:
        person = await people.lock(connection, person_id)
        if person is None:
            raise PersonNotFound(person_id)
        invitation = reset_of(person, RESET_LENGTH)
        await people.set_password(connection, person_id, None)
        await second_factors.remove(connection, person_id)
        await passkeys.remove_all(connection, person_id)
        await provider_identities.remove_all(connection, person_id)
        await sessions.end_all(connection, person_id)
        await tallies.clear(connection, of_person(person.email))
        await tallies.clear(connection, of_second_factor(person_id))
        await invitations.withdraw_resets(connection, person_id)
        await invitations.insert(connection, invitation, key_hash(token), RESET_LENGTH)
        await audit.note(connection, platform.by, AuditedAct.PERSON_RESET, person_id)
        await letters.reset(work, platform, invitation, link_path(token))
    return IssuedLink(invitation, link_path(token))

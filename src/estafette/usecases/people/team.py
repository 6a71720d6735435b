"""One of an organisation's people: found by their id, and signed out everywhere."""

from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.people.organisation import Organisation
from estafette.core.people.person import Person
from estafette.store.people import memberships, sessions
from estafette.usecases import audit
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.invite import organisation_facts
from estafette.usecases.people.members import Member
from estafette.usecases.people.organisations import account_of
from estafette.usecases.platform import Platform


async def find_member(platform: Platform, of: Organisation, person_id: UUID) -> Member | None:
    """Returns a member of an organisation; None where that person is not one."""
    async with reading(platform) as connection:
        return await memberships.find(connection, of, person_id)


async def end_all_sessions(platform: Platform, person: Person, of: Organisation) -> int:
    """Ends all sessions of one of an organisation's people; counts them."""
    async with writing(platform) as connection:
        count = await sessions.end_all(connection, person.id)
        if count:
            facts = {**organisation_facts(of), "person": person.id, "count": count}
            act = AuditedAct.SESSION_ENDED
            await audit.note(connection, platform.by, act, person.id, facts, of=account_of(of))
    return count

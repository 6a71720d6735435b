"""Who belongs to an organisation: list them, change what they are, let them go."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.people.organisation import Organisation
from estafette.core.people.permission import HEAD, ROLES, Role
from estafette.core.people.refusals import LastHead, PersonNotFound, RoleUnknown
from estafette.store.people import memberships, sessions
from estafette.store.people.memberships import Member
from estafette.store.pool import Connection
from estafette.usecases import audit
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.people.invite import organisation_facts
from estafette.usecases.people.organisations import account_of, must_exist
from estafette.usecases.platform import Platform

__all__ = ["Member", "MembersPage", "change_role", "list_members", "remove_member"]

_BEGINNING = UUID(int=0)


class MembersPage(NamedTuple):
    """Some members by their ids; the list goes on after `next`, None: these are the last."""

    members: list[Member]
    next: UUID | None


async def list_members(
    platform: Platform, of: Organisation, after: UUID | None = None, limit: int = 50
) -> MembersPage:
    """Returns who belongs to an organisation, disabled people included.

    Raises OrganisationNotFound, or Busy.
    """
    async with reading(platform) as connection:
        await must_exist(connection, of)
        found = await memberships.page(connection, of, after or _BEGINNING, limit + 1)
    members = found[:limit]
    return MembersPage(members, members[-1].person.id if len(found) > limit else None)


async def change_role(platform: Platform, of: Organisation, person_id: UUID, role: Role) -> None:
    """Makes a member something else. Their sessions end, here and everywhere.

    Raises RoleUnknown, PersonNotFound, or LastHead for the last owner or manager.
    """
    if role not in ROLES[of.kind]:
        raise RoleUnknown(of.kind, role)
    async with writing(platform) as connection:
        before = await _locked_role(connection, of, person_id)
        if before is role:
            return
        await must_not_be_last_head(connection, of, person_id)
        await memberships.set_role(connection, of, person_id, role)
        await sessions.end_all(connection, person_id)
        facts = {**organisation_facts(of), "role": [before, role]}
        await _note(connection, platform, AuditedAct.PERSON_ROLE_CHANGED, of, person_id, facts)


async def remove_member(platform: Platform, of: Organisation, person_id: UUID) -> None:
    """Ends a membership, and the person's sessions. Raises PersonNotFound or LastHead."""
    async with writing(platform) as connection:
        before = await _locked_role(connection, of, person_id)
        await must_not_be_last_head(connection, of, person_id)
        await memberships.remove(connection, of, person_id)
        await sessions.end_all(connection, person_id)
        facts = {**organisation_facts(of), "role": before}
        await _note(connection, platform, AuditedAct.PERSON_REMOVED, of, person_id, facts)


async def _locked_role(connection: Connection, of: Organisation, person_id: UUID) -> Role:
    """Locks the memberships of an organisation, and returns the person's role."""
    await memberships.lock_all(connection, of)
    role = await memberships.role(connection, of, person_id)
    if role is None:
        raise PersonNotFound(person_id)
    return role


async def must_not_be_last_head(connection: Connection, of: Organisation, person_id: UUID) -> None:
    """Raises LastHead when nobody else who can sign in has the first of its roles.

    Holds a lock on its memberships until the transaction ends.
    """
    head = HEAD[of.kind]
    able = await memberships.lock_all(connection, of)
    mine = await memberships.role(connection, of, person_id)
    if mine is head and not any(role is head for id, role in able.items() if id != person_id):
        raise LastHead(head)


async def _note(
    connection: Connection,
    platform: Platform,
    act: AuditedAct,
    of: Organisation,
    person_id: UUID,
    facts: Mapping[str, object],
) -> None:
    await audit.note(connection, platform.by, act, person_id, facts, of=account_of(of))

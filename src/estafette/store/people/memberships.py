"""Who belongs to which organisation, and as what."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.core.people.person import Membership, Person
from estafette.store.people import table as people
from estafette.store.pool import Connection


async def insert(connection: Connection, of: Organisation, person_id: UUID, role: Role) -> bool:
    """Makes a person a member; False when they are one already."""
    status = await connection.execute(
        "insert into memberships (kind, organisation_id, person_id, role) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        of.kind,
        of.id,
        person_id,
        role,
    )
    return status.endswith(" 1")


async def role(connection: Connection, of: Organisation, person_id: UUID) -> Role | None:
    """As what a person belongs to an organisation; None: not at all."""
    found = await connection.fetchval(
        "select role from memberships where kind = $1 and organisation_id = $2 and person_id = $3",
        of.kind,
        of.id,
        person_id,
    )
    return None if found is None else Role(found)


async def of_person(connection: Connection, person_id: UUID, limit: int) -> list[Membership]:
    """To what a person belongs: the platform, then accounts, then companies, oldest first."""
    found = await connection.fetch(
        "select kind, organisation_id, role, since from memberships where person_id = $1"
        " order by kind = 'platform' desc, kind, since, organisation_id limit $2",
        person_id,
        limit,
    )
    return [
        Membership(
            Organisation(OrganisationKind(row["kind"]), row["organisation_id"]),
            Role(row["role"]),
            row["since"],
        )
        for row in found
    ]


class Member(NamedTuple):
    """A person as a member of an organisation."""

    person: Person
    membership: Membership


async def page(connection: Connection, of: Organisation, after: UUID, limit: int) -> list[Member]:
    """Returns members of an organisation by their ids, after one."""
    found = await connection.fetch(
        f"select {people.COLUMNS}, role, since from memberships"  # noqa: S608 - a constant
        " join people on people.id = person_id"
        " where kind = $1 and organisation_id = $2 and person_id > $3"
        " order by person_id limit $4",
        of.kind,
        of.id,
        after,
        limit,
    )
    return [
        Member(people.read(row), Membership(of, Role(row["role"]), row["since"])) for row in found
    ]


async def find(connection: Connection, of: Organisation, person_id: UUID) -> Member | None:
    """Returns one member of an organisation."""
    row = await connection.fetchrow(
        f"select {people.COLUMNS}, role, since from memberships"  # noqa: S608 - constants
        " join people on people.id = person_id"
        " where kind = $1 and organisation_id = $2 and person_id = $3",
        of.kind,
        of.id,
        person_id,
    )
    if row is None:
        return None
    return Member(people.read(row), Membership(of, Role(row["role"]), row["since"]))


async def lock_all(connection: Connection, of: Organisation) -> Mapping[UUID, Role]:
    """Returns the roles of all enabled members by their ids.

    None of these memberships is changed by others until the transaction ends.
    """
    await connection.execute(
        "select from memberships where kind = $1 and organisation_id = $2"
        " order by person_id for update",
        of.kind,
        of.id,
    )
    found = await connection.fetch(
        "select person_id, role from memberships join people on people.id = person_id"
        " where kind = $1 and organisation_id = $2 and disabled_at is null",
        of.kind,
        of.id,
    )
    return {row["person_id"]: Role(row["role"]) for row in found}


async def count(connection: Connection, of: Organisation) -> int:
    """Counts the members of an organisation."""
    return await connection.fetchval(
        "select count(*) from memberships where kind = $1 and organisation_id = $2",
        of.kind,
        of.id,
    )


async def count_of_person(connection: Connection, person_id: UUID) -> int:
    """Counts the organisations of a person."""
    query = "select count(*) from memberships where person_id = $1"
    return await connection.fetchval(query, person_id)


async def set_role(connection: Connection, of: Organisation, person_id: UUID, role: Role) -> None:
    """Makes a member something else."""
    await connection.execute(
        "update memberships set role = $4"
        " where kind = $1 and organisation_id = $2 and person_id = $3",
        of.kind,
        of.id,
        person_id,
        role,
    )


async def remove(connection: Connection, of: Organisation, person_id: UUID) -> None:
    """Ends a person's membership."""
    await connection.execute(
        "delete from memberships where kind = $1 and organisation_id = $2 and person_id = $3",
        of.kind,
        of.id,
        person_id,
    )


async def remove_all(connection: Connection, kind: OrganisationKind, ids: Collection[UUID]) -> None:
    """Ends the memberships of organisations that are no more."""
    await connection.execute(
        "delete from memberships where kind = $1 and organisation_id = any($2::uuid[])",
        kind,
        list(ids),
    )

"""People."""

from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from estafette.core.people.person import Person
from estafette.store.old_rows import older
from estafette.store.pool import Connection

COLUMNS = (
    "people.id, people.email, people.name, people.language, people.created_at, people.disabled_at,"
    " people.seen_at, password_hash is not null as has_password,"
    " exists (select from totp_secrets where totp_secrets.person_id = people.id"
    " and confirmed_at is not null) as has_totp,"
    " exists (select from passkeys where passkeys.person_id = people.id) as has_passkey"
)


def read(row: asyncpg.Record) -> Person:
    """The person in a row of COLUMNS."""
    return Person(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        language=row["language"],
        created_at=row["created_at"],
        disabled_at=row["disabled_at"],
        seen_at=row["seen_at"],
        has_password=row["has_password"],
        has_totp=row["has_totp"],
        has_passkey=row["has_passkey"],
    )


async def insert(
    connection: Connection,
    id: UUID,
    email: str,
    name: str,
    language: str,
    password_hash: str | None,
) -> bool:
    """Writes a new person; False when the e-mail address is taken."""
    status = await connection.execute(
        "insert into people (id, email, name, language, password_hash) values ($1, $2, $3, $4, $5)"
        " on conflict (email) do nothing",
        id,
        email,
        name,
        language,
        password_hash,
    )
    return status.endswith(" 1")


async def find(connection: Connection, id: UUID) -> Person | None:
    """The person of that id."""
    row = await connection.fetchrow(f"select {COLUMNS} from people where id = $1", id)  # noqa: S608 - a constant
    return None if row is None else read(row)


async def find_all(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Person]:
    """The people of these ids, by them."""
    query = f"select {COLUMNS} from people where id = any($1::uuid[])"  # noqa: S608 - a constant
    return {row["id"]: read(row) for row in await connection.fetch(query, list(ids))}


async def lock(connection: Connection, id: UUID) -> Person | None:
    """The same; nobody else changes the person until the transaction ends."""
    await connection.execute("select from people where id = $1 for no key update", id)
    return await find(connection, id)


class Known(NamedTuple):
    """A person, and the hash of their password, if they have one."""

    person: Person
    password_hash: str | None


async def by_email(connection: Connection, email: str) -> Known | None:
    """The person with that e-mail address."""
    query = f"select {COLUMNS}, password_hash from people where email = $1"  # noqa: S608 - a constant
    row = await connection.fetchrow(query, email)
    return None if row is None else Known(read(row), row["password_hash"])


async def password_hash(connection: Connection, id: UUID) -> str | None:
    """The hash of a person's password, if they have one."""
    return await connection.fetchval("select password_hash from people where id = $1", id)


async def set_password(connection: Connection, id: UUID, hash: str | None) -> None:
    """Sets the hash of a person's password; None: they have none any more."""
    await connection.execute("update people set password_hash = $2 where id = $1", id, hash)


async def set_profile(connection: Connection, id: UUID, name: str, language: str) -> None:
    """Sets what a person is called, and the language of their pages."""
    await connection.execute(
        "update people set name = $2, language = $3 where id = $1", id, name, language
    )


async def note_sign_in(connection: Connection, id: UUID) -> None:
    """Keeps that a person has signed in."""
    await connection.execute("update people set seen_at = now() where id = $1", id)


async def disable(connection: Connection, id: UUID, *, disabled: bool) -> bool:
    """Lets a person sign in no more, or again; whether it was otherwise."""
    status = await connection.execute(
        "update people set disabled_at = case when $2 then now() end"
        " where id = $1 and (disabled_at is not null) <> $2",
        id,
        disabled,
    )
    return status.endswith(" 1")


async def page(
    connection: Connection, text: str | None, after: str | None, limit: int
) -> list[Person]:
    """Returns people by their e-mail addresses, those that begin with a text, after another one."""
    found = await connection.fetch(
        f"select {COLUMNS} from people where email > $1 and ($2::text is null or"  # noqa: S608 - a constant
        " (email >= $2 and starts_with(email, $2))) order by email limit $3",
        after or "",
        text,
        limit,
    )
    return [read(row) for row in found]


forget_alone: Final = older(
    "people",
    "coalesce(seen_at, created_at)",
    "not exists (select from memberships where person_id = people.id)",
)
"""Removes people who belong to nothing and have not signed in for so long."""

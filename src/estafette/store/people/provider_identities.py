"""Who people are to OpenID providers."""

from typing import Final
from uuid import UUID

from estafette.store.old_rows import orphaned
from estafette.store.pool import Connection


async def person_of(connection: Connection, issuer: str, subject: str) -> UUID | None:
    """Returns the person whom a provider knows by this id."""
    query = "select person_id from provider_identities where issuer = $1 and subject = $2"
    return await connection.fetchval(query, issuer, subject)


async def keep(connection: Connection, issuer: str, subject: str, person_id: UUID) -> bool:
    """Keeps who a person is to a provider; False where they are somebody else to it already."""
    status = await connection.execute(
        "insert into provider_identities (issuer, subject, person_id) values ($1, $2, $3)"
        " on conflict do nothing",
        issuer,
        subject,
        person_id,
    )
    return status.endswith(" 1")


async def remove_all(connection: Connection, person_id: UUID) -> None:
    """Forgets who a person is to providers."""
    await connection.execute("delete from provider_identities where person_id = $1", person_id)


forget_orphaned: Final = orphaned("provider_identities")

"""The logos of accounts, as recipients see them."""

from uuid import UUID

from estafette.store.pool import Connection


async def write(connection: Connection, account_id: UUID, digest: str, body: bytes) -> None:
    """Writes an account's logo in the place of the one that it had."""
    await connection.execute(
        "insert into logos (account_id, digest, body) values ($1, $2, $3)"
        " on conflict (account_id) do update set digest = excluded.digest, body = excluded.body",
        account_id,
        digest,
        body,
    )


async def remove(connection: Connection, account_id: UUID) -> None:
    """Removes an account's logo."""
    await connection.execute("delete from logos where account_id = $1", account_id)


async def digest(connection: Connection, account_id: UUID) -> str | None:
    """The name under which an account's logo is served; None where it has none."""
    return await connection.fetchval("select digest from logos where account_id = $1", account_id)


async def find(connection: Connection, digest: str) -> bytes | None:
    """The logo of that name: accounts with the same picture share it."""
    return await connection.fetchval("select body from logos where digest = $1 limit 1", digest)

"""The keys of what is kept about encrypted data, by their names; they are encrypted themselves."""

from estafette.store.pool import Connection


async def find(connection: Connection, name: str) -> bytes | None:
    """Returns the key of that name; None: there is none yet."""
    return await connection.fetchval("select key from data_keys where name = $1", name)


async def lock(connection: Connection, name: str) -> bytes | None:
    """Returns the same; within a transaction nobody changes it until the end."""
    return await connection.fetchval("select key from data_keys where name = $1 for share", name)


async def keep(connection: Connection, name: str, key: bytes) -> bytes:
    """Writes a key unless another process has; returns what is kept then."""
    await connection.execute(
        "insert into data_keys (name, key) values ($1, $2) on conflict do nothing", name, key
    )
    return await lock(connection, name) or key


async def forget(connection: Connection, name: str) -> None:
    """Removes a key: what it was of can be made anew."""
    await connection.execute("delete from data_keys where name = $1", name)


async def lock_all(connection: Connection) -> dict[str, bytes]:
    """Returns all of them by their names, their rows locked for this transaction."""
    found = await connection.fetch("select name, key from data_keys order by name for update")
    return {row["name"]: row["key"] for row in found}


async def write(connection: Connection, name: str, key: bytes) -> None:
    """Writes a key in another encryption; what it is of stays as it is."""
    await connection.execute("update data_keys set key = $2 where name = $1", name, key)

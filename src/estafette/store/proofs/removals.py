"""The files that are to be removed: those of proofs whose rows are gone."""

from collections.abc import Sequence

from estafette.store.pool import Connection


async def insert(connection: Connection, paths: Sequence[str]) -> None:
    """Has files removed that no row names."""
    await connection.execute(
        "insert into file_removals (path) select unnest($1::text[]) on conflict do nothing",
        list(paths),
    )


async def oldest(connection: Connection, limit: int) -> list[str]:
    """The files that wait, at most `limit`; those that were added first come first."""
    found = await connection.fetch("select path from file_removals order by since limit $1", limit)
    return [row["path"] for row in found]


async def done(connection: Connection, paths: Sequence[str]) -> None:
    """Notes that files are removed."""
    await connection.execute("delete from file_removals where path = any($1::text[])", list(paths))

"""How many deliveries the pages of publishable keys had created within the last hour."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.page_orders import SLICE, OrderTally
from estafette.store.columns import Columns, insertion, rows
from estafette.store.old_rows import older
from estafette.store.pool import Connection


class Counted(NamedTuple):
    """What is counted together: of a key, all (`EVERYBODY`) or what one source has asked for."""

    account_id: UUID
    key_id: UUID
    source: bytes


COUNTED: Final = Columns[Counted](
    {
        "account_id": ("uuid", lambda counted: counted.account_id),
        "key_id": ("uuid", lambda counted: counted.key_id),
        "source": ("bytea", lambda counted: counted.source),
    }
)
"""What a tally is found by."""

TALLY: Final = Columns[OrderTally](
    {
        "last_slice": ("bigint", lambda tally: tally.last),
        "counts": ("text", lambda tally: ",".join(map(str, tally.counts))),
    }
)
"""What is kept of a tally."""

_BY = ", ".join(COUNTED.types)
_READ = f"""
select {_BY}, last_slice, counts from page_tallies
join {rows(COUNTED, name="wanted")} using ({_BY})
"""  # noqa: S608 - the columns are a constant


async def read(connection: Connection, wanted: Collection[Counted]) -> dict[Counted, OrderTally]:
    """Returns the tallies that there are. The caller holds an advisory lock on each key."""
    if not wanted:
        return {}
    return {
        Counted(*row[:3]): OrderTally(row["last_slice"], tuple(row["counts"]))
        for row in await connection.fetch(_READ, *COUNTED.of(wanted))
    }


_WRITE = (
    insertion(
        "page_tallies",
        [*COUNTED.types, "last_slice"],
        rows(COUNTED, TALLY),
        counts="string_to_array(counts, ',')::integer[]",
    )
    + f" on conflict ({_BY}) do update"
    " set last_slice = excluded.last_slice, counts = excluded.counts"
)


async def write(connection: Connection, tallies: Mapping[Counted, OrderTally]) -> None:
    """Keeps tallies; the caller holds an advisory lock on each key."""
    if tallies:
        await connection.execute(_WRITE, *COUNTED.of(tallies), *TALLY.of(tallies.values()))


forget: Final = older("page_tallies", f"to_timestamp(last_slice * {SLICE.total_seconds()})")
"""Removes those whose last slice began so long ago."""

"""How many deliveries the pages of publishable keys had created within the last hour."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.page_orders import SLICE, SLICES, OrderTally
from estafette.store.pool import Connection


class Counted(NamedTuple):
    """What is counted together: of a key, all (`EVERYBODY`) or what one source has asked for."""

    account_id: UUID
    key_id: UUID
    source: bytes


_READ = """
select account_id, key_id, source, last_slice, counts from page_tallies
join unnest($1::uuid[], $2::uuid[], $3::bytea[]) as wanted (wanted_account, wanted_key, wanted)
    on account_id = wanted_account and key_id = wanted_key and source = wanted
"""


async def read(connection: Connection, wanted: Collection[Counted]) -> dict[Counted, OrderTally]:
    """Returns the tallies that there are. The caller holds an advisory lock on each key."""
    if not wanted:
        return {}
    return {
        Counted(*row[:3]): OrderTally(row["last_slice"], tuple(row["counts"]))
        for row in await connection.fetch(_READ, *_columns(wanted))
    }


_WRITE = """
insert into page_tallies (account_id, key_id, source, last_slice, counts)
select account_id, key_id, source, last_slice, string_to_array(counts, ',')::integer[]
from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bigint[], $5::text[])
    as input (account_id, key_id, source, last_slice, counts)
on conflict (account_id, key_id, source) do update
    set last_slice = excluded.last_slice, counts = excluded.counts
"""


async def write(connection: Connection, tallies: Mapping[Counted, OrderTally]) -> None:
    """Keeps tallies; the caller holds an advisory lock on each key."""
    if tallies:
        await connection.execute(
            _WRITE,
            *_columns(tallies),
            [tally.last for tally in tallies.values()],
            [",".join(map(str, tally.counts)) for tally in tallies.values()],
        )


async def forget(connection: Connection) -> None:
    """Deletes the tallies that are over."""
    await connection.execute(
        "delete from page_tallies"
        " where last_slice <= extract(epoch from now()) / $1::float8 - $2::integer",
        SLICE.total_seconds(),
        SLICES,
    )


def _columns(of: Collection[Counted]) -> tuple[list[UUID], list[UUID], list[bytes]]:
    return ([one.account_id for one in of], [one.key_id for one in of], [one.source for one in of])

"""The numbers of deliveries: consecutive for each account, mode and year, without gaps."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from estafette.core.accounts.account import Scope
from estafette.store.pool import Connection


class Series(NamedTuple):
    """What is numbered together: the deliveries of a year (UTC) of an account and mode."""

    scope: Scope
    year: int


class Given(NamedTuple):
    """The last number that was given in a series, and when: None before the first."""

    number: int
    at: datetime | None


_LOCK = """
select account_id, mode, year, last, last_at from delivery_references
join unnest($1::uuid[], $2::text[], $3::smallint[]) as wanted (wanted_account, wanted_mode, of)
    on account_id = wanted_account and mode = wanted_mode and year = of
order by account_id, mode, year for update of delivery_references
"""

_BEGIN = """
insert into delivery_references (account_id, mode, year, last)
select account_id, mode, year, 0
from unnest($1::uuid[], $2::text[], $3::smallint[]) as input (account_id, mode, year)
order by account_id, mode, year
on conflict do nothing
"""


async def lock(connection: Connection, wanted: Collection[Series]) -> dict[Series, Given]:
    """The last number given in each series; nobody else gives one until the transaction ends."""
    if not wanted:
        return {}
    columns = _columns(wanted)
    found = await connection.fetch(_LOCK, *columns)
    if len(found) < len(set(wanted)):
        await connection.execute(_BEGIN, *columns)
        found = await connection.fetch(_LOCK, *columns)
    scopes = {series.scope: series.scope for series in wanted}
    return {
        Series(scopes[Scope(row["account_id"], row["mode"])], row["year"]): Given(
            row["last"], row["last_at"]
        )
        for row in found
    }


async def write(connection: Connection, last: Mapping[Series, Given]) -> None:
    """Keeps the last number given in each series, whose rows the caller has locked."""
    if last:
        await connection.execute(
            "update delivery_references set last = input.last, last_at = input.last_at"
            " from unnest($1::uuid[], $2::text[], $3::smallint[], $4::integer[],"
            " $5::timestamptz[]) as input (account_id, mode, year, last, last_at)"
            " where delivery_references.account_id = input.account_id"
            " and delivery_references.mode = input.mode and delivery_references.year = input.year",
            *_columns(last),
            [given.number for given in last.values()],
            [given.at for given in last.values()],
        )


def _columns(wanted: Collection[Series]) -> tuple[list[object], list[object], list[object]]:
    return (
        [series.scope.account_id for series in wanted],
        [series.scope.mode for series in wanted],
        [series.year for series in wanted],
    )

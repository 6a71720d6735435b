"""The numbers of deliveries: consecutive for each account, mode and year, without gaps."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from estafette.core.accounts.account import Scope
from estafette.store.columns import Columns, change, insertion, rows
from estafette.store.pool import Connection


class Series(NamedTuple):
    """What is numbered together: the deliveries of a year (UTC) of an account and mode."""

    scope: Scope
    year: int


class Given(NamedTuple):
    """The last number that was given in a series, and when: None before the first."""

    number: int
    at: datetime | None


SERIES: Final = Columns[Series](
    {
        "account_id": ("uuid", lambda series: series.scope.account_id),
        "mode": ("text", lambda series: series.scope.mode),
        "year": ("smallint", lambda series: series.year),
    }
)
"""What a series is found by."""

LAST: Final = Columns[Given](
    {
        "last": ("integer", lambda given: given.number),
        "last_at": ("timestamptz", lambda given: given.at),
    }
)
"""What is kept of a series."""

_BY = ", ".join(SERIES.types)
_LOCK = f"""
select {_BY}, last, last_at from delivery_references
join {rows(SERIES, name="wanted")} using ({_BY})
order by {_BY} for update of delivery_references
"""  # noqa: S608 - the columns are a constant

_BEGIN = (
    insertion("delivery_references", SERIES.types, rows(SERIES), last="0")
    + f" order by {_BY} on conflict do nothing"
)

_WRITE = change("delivery_references", LAST.types, rows(SERIES, LAST), by=SERIES.types)


async def lock(connection: Connection, wanted: Collection[Series]) -> dict[Series, Given]:
    """The last number given in each series; nobody else gives one until the transaction ends."""
    if not wanted:
        return {}
    columns = SERIES.of(wanted)
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
        await connection.execute(_WRITE, *SERIES.of(last), *LAST.of(last.values()))

"""Cities and tariffs: read whole, replaced whole."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg

from estafette.core.quotes.place import City
from estafette.core.quotes.pricing import Tariff
from estafette.store.columns import Columns, insertion, parameters, rows
from estafette.store.pool import Connection

_SEEDING = 0x6573_7461_7365_6564


@asynccontextmanager
async def seeding(dsn: str) -> AsyncGenerator[Connection]:
    """A transaction on the database at `dsn` that no other process seeds beside."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _SEEDING)
            yield connection
    finally:
        await connection.close()


async def has_cities(connection: Connection, country: str) -> bool:
    """Returns whether any city of a country is known."""
    return await connection.fetchval(
        "select exists (select from cities where country = $1)", country
    )


CITY: Final = Columns[City](
    {
        "code": ("text", lambda city: city.code),
        "name": ("text", lambda city: city.name),
        "country": ("text", lambda city: city.country),
        "latitude": ("double precision", lambda city: city.latitude),
        "longitude": ("double precision", lambda city: city.longitude),
        "population": ("integer", lambda city: city.population),
        "spellings": ("text[]", lambda city: list(city.spellings)),
    }
)
"""What is written, and read, of a city."""

_CITY = ", ".join(CITY.types)


async def cities(connection: Connection, country: str) -> list[City]:
    """Returns all cities of a country."""
    found = await connection.fetch(
        f"select {_CITY} from cities where country = $1",  # noqa: S608 - the columns are a constant
        country,
    )
    return [
        City(
            code=row["code"],
            name=row["name"],
            country=row["country"],
            latitude=row["latitude"],
            longitude=row["longitude"],
            population=row["population"],
            spellings=tuple(row["spellings"]),
        )
        for row in found
    ]


async def insert_cities(connection: Connection, cities: Sequence[City]) -> None:
    """Adds the cities that are not there yet."""
    await connection.executemany(
        f"insert into cities ({_CITY}) values {parameters(CITY)} on conflict do nothing",  # noqa: S608
        [CITY.of_one(city) for city in cities],
    )


TARIFF: Final = Columns[Tariff](
    {
        "origin": ("text", lambda tariff: tariff.origin),
        "destination": ("text", lambda tariff: tariff.destination),
        "up_to_km": ("integer", lambda tariff: tariff.up_to_km),
        "up_to_grams": ("integer", lambda tariff: tariff.up_to_grams),
        "fee": ("bigint", lambda tariff: tariff.fee),
        "pickup_within_seconds": ("integer", lambda tariff: tariff.pickup_within_seconds),
        "delivery_within_seconds": ("integer", lambda tariff: tariff.delivery_within_seconds),
    }
)
"""What is written, and read, of a row of a price list."""

_TARIFF = ", ".join(TARIFF.types)
_INSERT_TARIFFS = insertion(
    "tariffs", TARIFF.types, rows(TARIFF, first=3), market="$1", company_id="$2"
)


async def tariffs(
    connection: Connection, market: str, company_id: UUID | None = None
) -> list[Tariff]:
    """Returns the price list of a market, or of a courier company in it."""
    found = await connection.fetch(
        f"select {_TARIFF} from tariffs"  # noqa: S608 - the columns are a constant
        " where market = $1 and company_id is not distinct from $2"
        " order by origin, destination, up_to_km nulls last, up_to_grams",
        market,
        company_id,
    )
    return [Tariff(**dict(row)) for row in found]


_LOCK = "select pg_advisory_xact_lock(hashtextextended('tariffs:' || $1 || ':' || $2, 0))"


async def lock_tariffs(connection: Connection, market: str, company_id: UUID | None) -> None:
    """Locks a price list until the transaction ends, against others who replace it."""
    await connection.execute(_LOCK, market, str(company_id or ""))


async def replace_tariffs(
    connection: Connection, market: str, tariffs: Sequence[Tariff], company_id: UUID | None = None
) -> None:
    """Puts a new price list in the place of the old one, in one transaction."""
    async with connection.transaction():
        await connection.execute(
            "delete from tariffs where market = $1 and company_id is not distinct from $2",
            market,
            company_id,
        )
        await connection.execute(_INSERT_TARIFFS, market, company_id, *TARIFF.of(tariffs))


async def price_lists(connection: Connection, market: str) -> dict[UUID, list[Tariff]]:
    """Returns the tariffs of every company of a market that has any."""
    found = await connection.fetch(
        f"select company_id, {_TARIFF} from tariffs"  # noqa: S608 - the columns are a constant
        " where market = $1 and company_id is not null",
        market,
    )
    lists: dict[UUID, list[Tariff]] = {}
    for row in found:
        columns: dict[str, Any] = dict(row)
        lists.setdefault(columns.pop("company_id"), []).append(Tariff(**columns))
    return lists

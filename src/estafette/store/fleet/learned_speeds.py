"""How fast the drivers of a company have proved to be."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from estafette.store.columns import Columns, insertion, rows
from estafette.store.old_rows import older
from estafette.store.pool import Connection


class LearnedSpeed(NamedTuple):
    """How long ways of a vehicle take in a city in a class of hours, to the usual time.

    `latitude` and `longitude` are the city's middle, `legs` from how many ways it is known.
    """

    company_id: UUID
    city: str
    vehicle: str
    hours: str
    latitude: float
    longitude: float
    ratio: float
    legs: int


_SPEED: Final = Columns[LearnedSpeed](
    {
        "company_id": ("uuid", lambda one: one.company_id),
        "city": ("text", lambda one: one.city),
        "vehicle": ("text", lambda one: one.vehicle),
        "hours": ("text", lambda one: one.hours),
        "latitude": ("double precision", lambda one: one.latitude),
        "longitude": ("double precision", lambda one: one.longitude),
        "ratio": ("double precision", lambda one: one.ratio),
        "legs": ("integer", lambda one: one.legs),
    }
)
_COLUMNS: Final = ", ".join(_SPEED.types)
_KEEP: Final = f"""
{insertion("learned_speeds", _SPEED.types, rows(_SPEED))}
on conflict (company_id, city, vehicle, hours) do update set latitude = excluded.latitude,
    longitude = excluded.longitude, ratio = excluded.ratio, legs = excluded.legs, learned_at = now()
"""


async def keep(connection: Connection, learned: Sequence[LearnedSpeed]) -> None:
    """Writes speeds; what could not be learned anew stays until its time is over."""
    if learned:
        await connection.execute(_KEEP, *_SPEED.of(learned))


async def of_company(connection: Connection, company_id: UUID) -> list[LearnedSpeed]:
    """Returns the speeds that are known of a company's drivers, city by city."""
    found = await connection.fetch(
        f"select {_COLUMNS} from learned_speeds where company_id = $1"  # noqa: S608 - a constant
        " order by city, vehicle, hours limit 1000",
        company_id,
    )
    return [LearnedSpeed(*row) for row in found]


forget: Final = older("learned_speeds", "learned_at")
"""Removes those that were learned so long ago."""

"""How fast the drivers of a company are, as they are planned, and as people are shown."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from estafette.core.couriers.company import Company
from estafette.core.fleet.driver import Vehicle
from estafette.routing.speeds import HOUR_OF, Hours, hours_of, metres_per_second
from estafette.routing.ways import Point, great_circle
from estafette.store.fleet import learned_speeds
from estafette.store.fleet.learned_speeds import LearnedSpeed
from estafette.usecases.platform import Platform

_NEAR_METRES: Final = 50_000.0
"""So near its middle one is in a city."""


class Speeds:
    """The speeds of a company's drivers: what was learned of them, else the usual ones."""

    def __init__(self, hour: int, learned: Sequence[LearnedSpeed] = ()) -> None:
        """`hour` is the local one that is planned for, `learned` what is known of the company."""
        hours = hours_of(hour)
        self._hour = hour
        self._learned = [one for one in learned if one.hours == hours]

    def of(self, vehicle: str, at: Point) -> float:
        """Returns how many metres a second a vehicle gets on in the city that a point is in."""
        usual = metres_per_second(vehicle, self._hour)
        near = [
            (great_circle(at, Point(one.latitude, one.longitude)), one.ratio)
            for one in self._learned
            if one.vehicle == vehicle
        ]
        metres, ratio = min(near, default=(_NEAR_METRES, 1.0))
        return usual / ratio if metres < _NEAR_METRES else usual


class KnownSpeed(NamedTuple):
    """How fast a company's drivers are, in kilometres an hour, and how fast they usually are.

    `legs` is from how many ways that is known.
    """

    city: str
    vehicle: Vehicle
    hours: Hours
    kmh: float
    usual_kmh: float
    legs: int


async def known_speeds(platform: Platform, company: Company) -> list[KnownSpeed]:
    """Returns what is known of the speed of a company's drivers, city by city."""
    async with platform.pool.acquire() as connection:
        learned = await learned_speeds.of_company(connection, company.id)
    cities = (await platform.catalog.prices(company.market)).cities
    known: list[KnownSpeed] = []
    for one in learned:
        city, hours = cities.find(one.city), Hours(one.hours)
        usual = 3.6 * metres_per_second(one.vehicle, HOUR_OF[hours])
        name = one.city if city is None else city.name
        vehicle = Vehicle(one.vehicle)
        known.append(KnownSpeed(name, vehicle, hours, usual / one.ratio, usual, one.legs))
    return known

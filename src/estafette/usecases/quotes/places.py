"""Where stops are: their cities of the gazetteer, and the names by which zones hold them."""

from functools import lru_cache
from typing import NamedTuple

from estafette.core.couriers.company import names_of
from estafette.core.deliveries.delivery import Stop
from estafette.core.quotes.place import City, CityIndex


class Place(NamedTuple):
    """The city of a stop, if the gazetteer has it, and the names by which a zone may hold it."""

    city: City | None
    names: frozenset[str]


def place_of(cities: CityIndex, stop: Stop) -> Place:
    """Returns the place of a stop, by its city or, without one, by its address."""
    if stop.city is None:
        city = cities.find(stop.address)
        return Place(city, names_of(stop, city))
    return _place_in(cities, stop.city, stop.province)


@lru_cache(maxsize=4096)  # merchants send from and to the same cities
def _place_in(cities: CityIndex, named: str, province: str | None) -> Place:
    city = cities.find(named)
    return Place(city, names_of(Stop("", city=named, province=province), city))

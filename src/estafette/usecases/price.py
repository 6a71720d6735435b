"""What a route costs, and how long it takes."""

from dataclasses import replace
from typing import NamedTuple

from estafette.core.account import Market
from estafette.core.delivery import Parcel, Stop
from estafette.core.place import City
from estafette.core.pricing import Price
from estafette.usecases.platform import Platform


class Estimate(NamedTuple):
    """The stops with their cities named, and the price.

    `price` is None outside the coverage; `default_price` is what a delivery gets that must be
    taken all the same.
    """

    pickup: Stop
    dropoff: Stop
    origin: City | None
    destination: City | None
    price: Price | None
    default_price: Price


async def estimate(
    platform: Platform, market: Market, pickup: Stop, dropoff: Stop, parcel: Parcel
) -> Estimate:
    """Prices a route by the cities that its addresses name."""
    cities, tariffs = await platform.catalog.prices(market.code)
    origin = cities.find(pickup.city or pickup.address)
    destination = cities.find(dropoff.city or dropoff.address)
    return Estimate(
        pickup=_in(pickup, origin),
        dropoff=_in(dropoff, destination),
        origin=origin,
        destination=destination,
        price=tariffs.price(origin, destination, parcel.weight_grams),
        default_price=tariffs.default_price(parcel.weight_grams),
    )


def _in(stop: Stop, city: City | None) -> Stop:
    return replace(stop, city=city.name) if city and not stop.city else stop

"""What a route costs, and how long it takes."""

from dataclasses import replace
from typing import NamedTuple

from estafette.core.accounts.account import Market
from estafette.core.deliveries.delivery import Parcel, Stop
from estafette.core.quotes.place import City
from estafette.core.quotes.pricing import Price, PriceList
from estafette.usecases.platform import Platform


class Estimate(NamedTuple):
    """The stops with their cities named, and the price.

    `price` is None outside the coverage.
    """

    pickup: Stop
    dropoff: Stop
    origin: City | None
    destination: City | None
    weight_grams: int
    price: Price | None
    tariffs: PriceList

    def price_or_default(self) -> Price:
        """The price, or outside the coverage what a delivery gets that must be taken anyway."""
        return self.price or self.tariffs.default_price(self.weight_grams)


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
        weight_grams=parcel.weight_grams,
        price=tariffs.price(origin, destination, parcel.weight_grams),
        tariffs=tariffs,
    )


def _in(stop: Stop, city: City | None) -> Stop:
    return replace(stop, city=city.name) if city and not stop.city else stop

"""What a delivery costs and how long it may take: price lists, and how a row of one is chosen.

A price list belongs to one owner, a market or one courier company. It is a short table that a
person can read and edit: rules by city, distance and weight, not a row for each pair of cities.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import inf
from typing import NamedTuple

from estafette.core.point import kilometres_between
from estafette.core.quotes.place import City

ANY = "*"
"""As origin or destination: any city that the gazetteer knows."""

SAME = "same"
"""As destination: the city of the origin."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """One row of a price list.

    `origin` is a city code or `ANY`; `destination` a city code, `ANY` or `SAME`. The row covers
    parcels of up to `up_to_grams` over up to `up_to_km` kilometres as the crow flies (`None`: any
    distance). `fee` is in whole units of the market's currency. The parcel is picked up within
    `pickup_within_seconds` of the order and delivered within `delivery_within_seconds` of the
    pickup.
    """

    origin: str
    destination: str
    up_to_km: int | None
    up_to_grams: int
    fee: int
    pickup_within_seconds: int
    delivery_within_seconds: int


@dataclass(frozen=True, slots=True)
class Price:
    """What one delivery costs, in whole currency units, and its two deadlines in seconds.

    `delivery_within_seconds` counts from the pickup, not from the order.
    """

    fee: int
    pickup_within_seconds: int
    delivery_within_seconds: int


UNPRICED = Price(fee=0, pickup_within_seconds=2 * 3600, delivery_within_seconds=5 * 24 * 3600)
"""What a delivery is promised where the price list is empty: no fee is known, and five days."""


class _Tier(NamedTuple):
    """The rows of one route and distance, by weight: `prices[i]` is for up to `grams[i]`."""

    up_to_km: float
    grams: list[int]
    prices: list[Price]

    def price(self, weight_grams: int) -> Price | None:
        """Returns the price of the lightest band that holds the weight, None above the heaviest."""
        band = bisect_left(self.grams, weight_grams)
        return self.prices[band] if band < len(self.prices) else None


class _Trip(NamedTuple):
    """The tiers whose distance holds a trip, in the order in which they decide."""

    origin: City
    destination: City
    tiers: list[_Tier]


_TRIPS = 4096
"""How many trips a price list remembers."""


class PriceList:
    """The tariffs of one owner, indexed: a price costs a few look-ups, whatever their number."""

    def __init__(self, tariffs: Iterable[Tariff]) -> None:
        """Indexes `tariffs`; of rows for the same route, distance and weight the last counts."""
        distinct = {_key(tariff): tariff for tariff in tariffs}
        rows = sorted(distinct.values(), key=_order)
        self._routes = {
            route: list(_tiers(of_route))
            for route, of_route in groupby(rows, key=lambda row: (row.origin, row.destination))
        }
        self._trips: dict[tuple[str, str], _Trip] = {}

    def price(
        self, origin: City | None, destination: City | None, weight_grams: int
    ) -> Price | None:
        """Returns the price of carrying `weight_grams` between two cities; None out of coverage.

        Of the rows that cover the distance and the weight, the most specific route decides (the
        order is that of `_routes`), then the shortest distance, then the lightest weight band.
        A city that was not recognised (None) is out of coverage.
        """
        if origin is None or destination is None:
            return None
        for tier in self._trip(origin, destination).tiers:
            if price := tier.price(weight_grams):
                return price
        return None

    def _trip(self, origin: City, destination: City) -> "_Trip":
        """Returns the tiers that hold a trip; they are remembered, since most trips are alike."""
        key = origin.code, destination.code
        known = self._trips.get(key)
        if known and known.origin is origin and known.destination is destination:
            return known
        kilometres = kilometres_between(origin, destination)
        tiers = [
            tier
            for route in _routes(*key)
            for tier in self._routes.get(route, ())
            if kilometres <= tier.up_to_km
        ]
        if len(self._trips) >= _TRIPS:
            self._trips.clear()
        self._trips[key] = _Trip(origin, destination, tiers)
        return self._trips[key]

    def __bool__(self) -> bool:
        """Returns whether there are any tariffs."""
        return bool(self._routes)

    def price_anywhere(self, weight_grams: int) -> Price | None:
        """Returns the price where a city is not recognised, or None: the weight is above all bands.

        Nothing is known of the distance, so it is the slowest of the rows from any city to any
        city that hold the weight (of equally slow ones the dearest): a promise that can be kept.
        Failing those, the slowest row that holds the weight.
        """
        return self._anywhere.price(weight_grams)

    @cached_property
    def _anywhere(self) -> _Tier:
        """Bands of weight within which `price_anywhere` is one and the same."""
        every = {grams for tiers in self._routes.values() for tier in tiers for grams in tier.grams}
        bands = [(grams, price) for grams in sorted(every) if (price := self._slowest(grams))]
        return _Tier(inf, [grams for grams, _ in bands], [price for _, price in bands])

    def _slowest(self, weight_grams: int) -> Price | None:
        anywhere = self._routes.get((ANY, ANY), [])
        everything = [tier for tiers in self._routes.values() for tier in tiers]
        for tiers in (anywhere, everything):
            if candidates := [price for tier in tiers if (price := tier.price(weight_grams))]:
                return max(candidates, key=_slowness)
        return None

    def default_price(self, weight_grams: int) -> Price:
        """Returns the price of a delivery that must be taken although a city is not recognised.

        `price_anywhere`; failing that, the slowest row of any weight; then `UNPRICED`.
        """
        if price := self.price_anywhere(weight_grams):
            return price
        everything = [tier for tiers in self._routes.values() for tier in tiers]
        prices = [price for tier in everything for price in tier.prices]
        return max(prices, key=_slowness, default=UNPRICED)


def _routes(origin: str, destination: str) -> Iterator[tuple[str, str]]:
    """Returns the routes under which a trip between two cities may be listed, most specific first.

    A trip within one city looks at `SAME` before the one-sided rows: "from Almaty to anywhere"
    means leaving Almaty.
    """
    yield origin, destination
    if origin == destination:
        yield origin, SAME
        yield ANY, SAME
    yield origin, ANY
    yield ANY, destination
    yield ANY, ANY


def _key(tariff: Tariff) -> tuple[str, str, float, int]:
    """Returns which trips and parcels a row is for; an unlimited distance is infinite."""
    kilometres = inf if tariff.up_to_km is None else float(tariff.up_to_km)
    return tariff.origin, tariff.destination, kilometres, tariff.up_to_grams


def _order(tariff: Tariff) -> tuple[bool, bool, tuple[str, str, float, int]]:
    """Orders rows as a person reads them: named cities, trips within a city, then anywhere."""
    return tariff.origin == ANY, tariff.destination == ANY, _key(tariff)


def _tiers(rows: Iterable[Tariff]) -> Iterator[_Tier]:
    """Groups the ordered rows of one route by distance, the shortest first."""
    for kilometres, of_distance in groupby(rows, key=lambda row: _key(row)[2]):
        bands = list(of_distance)
        yield _Tier(kilometres, [row.up_to_grams for row in bands], [_price(row) for row in bands])


def _price(tariff: Tariff) -> Price:
    return Price(tariff.fee, tariff.pickup_within_seconds, tariff.delivery_within_seconds)


def _slowness(price: Price) -> tuple[int, int]:
    return price.pickup_within_seconds + price.delivery_within_seconds, price.fee


def in_reading_order(tariffs: Iterable[Tariff]) -> list[Tariff]:
    """Sorts rows for a reader: the specific before the general, near before far, light first."""
    return sorted(tariffs, key=_order)

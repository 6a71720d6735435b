"""Keep a few deliveries under way in the demo's city of each market, so that its board lives.

They are simulated ones of an account of its own: no developer's account has them. There are few at
a time, and after a while no more.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Final

from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.deliveries.delivery import Stop
from estafette.core.deliveries.order_form import OrderForm, StopForm
from estafette.core.ids import new_id
from estafette.seeds.city import CITIES, CityPlace, DemoCity
from estafette.store.accounts import table as accounts
from estafette.store.sandbox import drivers as simulated
from estafette.usecases.deliveries.ordering import AcceptedOrder, Ordering, OrderRules
from estafette.usecases.platform import Platform
from estafette.usecases.quotes.quote_companies import CompanyQuoter

MOST_UNDER_WAY: Final = 8
"""How many deliveries of a city are under way at most."""

AT_FIRST: Final = 5
"""How many are ordered at once when a process begins."""

EVERY_SECONDS: Final = 20.0
"""How often one is ordered after that."""

UNTIL_SECONDS: Final = 3 * 3600.0
"""After how long a process orders nothing more."""

REST_SECONDS: Final = 3600.0
"""How long it rests where there is nothing to do for it."""

_COURSES: Final = (
    "real_pace",
    "driver_refuses",
    "slow",
    "real_pace",
    "courier_gives_back",
    "driver_silent",
    "real_pace",
    "driver_vanishes",
    "slow",
    "recipient_absent_twice",
)
"""The scenarios of the deliveries, one after another; each comes to an end by itself."""

_STALLED: Final = 3
"""The number of the one delivery that everybody refuses, so that a board has one that stalls."""


class City:
    """What a process orders in the demo's cities."""

    def __init__(
        self, platform: Platform, ordering: Ordering, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begins with nothing. `clock` gives seconds and never goes back."""
        self._platform = platform
        self._ordering = ordering
        self._quoter = CompanyQuoter(platform)
        self._clock = clock
        self._began = clock()
        self._numbers = {market: count() for market in CITIES}
        self._is_first = True

    async def round(self) -> float:
        """Orders what is missing; returns how many seconds to rest."""
        if not self._platform.sandbox_step or self._clock() - self._began > UNTIL_SECONDS:
            return REST_SECONDS
        lives = [await self._order_in(market, city) for market, city in CITIES.items()]
        self._is_first = False
        return EVERY_SECONDS if any(lives) else REST_SECONDS

    async def _order_in(self, market: str, city: DemoCity) -> bool:
        """Orders in a city; False where it is not there."""
        async with self._platform.pool.acquire() as connection:
            account = await accounts.find(connection, city.account)
            if account is None or account.is_disabled or account.market.code != market:
                return False
            under_way = await simulated.count_under_way(connection, account.id, MOST_UNDER_WAY)
        wanted = min(AT_FIRST if self._is_first else 1, MOST_UNDER_WAY - under_way)
        for _ in range(wanted):
            await self._order(account, city, next(self._numbers[market]))
        return True

    async def _order(self, account: Account, city: DemoCity, number: int) -> None:
        id = new_id()
        shop = city.shops[number % len(city.shops)]
        home = city.homes[number * 7 % len(city.homes)]
        order = self._accepted(account, city, number, f"DEMO-{id.hex[-6:]}", shop, home)
        scope = Scope(account.id, Mode.SANDBOX)
        quotes = await self._quoter.quote(
            scope, account.market, order.pickup, order.dropoff, order.parcel, order.payload
        )
        if quotes:
            await self._ordering.create(account, Mode.SANDBOX, order, id.hex, quotes[0].id)

    def _accepted(
        self,
        account: Account,
        city: DemoCity,
        number: int,
        called: str,
        shop: CityPlace,
        home: CityPlace,
    ) -> AcceptedOrder:
        rules: OrderRules = self._ordering.rules(account)
        form = OrderForm(
            order=called,
            pickup=_form(city, shop, f"{city.numbers}{9_000 + number % 1_000:04}"),
            dropoff=_form(city, home, f"{city.numbers}{8_000 + number % 1_000:04}"),
            description=f"Demo: {city.goods[number % len(city.goods)]}",
            weight_grams=400 + number * 370 % 3_200,
            value=5_000 + number * 1_300 % 40_000,
            payment=None,
            cash=None,
            pickup_at=None,
            delivery_at=None,
            scenario=("refused_by_all" if number == _STALLED else _COURSES[number % len(_COURSES)]),
        )
        order = rules.read(form, account, Mode.SANDBOX)
        return replace(
            order, pickup=_located(order.pickup, shop), dropoff=_located(order.dropoff, home)
        )


def _form(city: DemoCity, place: CityPlace, phone: str) -> StopForm:
    return StopForm(place.address, city.city, city.province, place.name, phone, None)


def _located(stop: Stop, place: CityPlace) -> Stop:
    return replace(stop, latitude=place.latitude, longitude=place.longitude)

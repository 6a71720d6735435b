"""Quote a delivery: a price that binds for a while."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from estafette.core.accounts.account import Market, Scope
from estafette.core.deliveries.delivery import Parcel, Stop
from estafette.core.errors import OutOfCoverage
from estafette.core.ids import new_id
from estafette.core.quotes.quote import VALIDITY, Quote
from estafette.store import pool
from estafette.store.quotes import table as quotes
from estafette.usecases.deliveries.batching import Batcher
from estafette.usecases.platform import Platform, clock
from estafette.usecases.quotes.price import estimate

_BATCH = 64
_LANES = 2


class Quoter:
    """Quotes deliveries for one process."""

    def __init__(self, platform: Platform) -> None:
        """Works on `platform`."""
        self._platform = platform
        self._batcher: Batcher[Quote, Quote] = Batcher(
            self._write, owner=lambda one: one.scope.account_id, size=_BATCH, lanes=_LANES
        )

    async def quote(
        self,
        scope: Scope,
        market: Market,
        pickup: Stop,
        dropoff: Stop,
        parcel: Parcel,
        payload: Mapping[str, Any],
    ) -> Quote:
        """Prices and stores what was asked; `payload` is what the quote will be compared by.

        Raises OutOfCoverage when no tariff serves the route and the weight.
        """
        route = await estimate(self._platform, market, pickup, dropoff, parcel)
        if route.price is None:
            raise OutOfCoverage(
                route.origin and route.origin.name,
                route.destination and route.destination.name,
                parcel.weight_grams,
            )
        now = clock()  # until it is stored
        quote = Quote(
            id=new_id(),
            scope=scope,
            bound=quotes.digests(payload),
            fee=route.price.fee,
            pickup_within=timedelta(seconds=route.price.pickup_within_seconds),
            delivery_within=timedelta(seconds=route.price.delivery_within_seconds),
            created_at=now,
            expires_at=now + VALIDITY,
        )
        return await self._batcher.do(quote)

    async def _write(self, batch: Sequence[Quote]) -> Sequence[Quote]:
        async with self._platform.connections.batch("quote") as connection:
            now = await pool.now(connection)
            stored = [
                # the id tells the day that it is kept until, by the same clock
                one._replace(id=new_id(now), created_at=now, expires_at=now + VALIDITY)
                for one in batch
            ]
            await quotes.insert(connection, stored)
        return stored

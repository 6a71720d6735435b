"""Configuration in memory: credentials, cities and tariffs, forgotten whenever they change."""

import asyncio
from collections import OrderedDict
from typing import NamedTuple

from estafette.core.account import Credential
from estafette.core.place import CityIndex
from estafette.core.pricing import PriceList
from estafette.store import accounts, catalog
from estafette.store.pool import Pool

_CREDENTIALS = 10_000


class Prices(NamedTuple):
    """The cities and the price list of a market."""

    cities: CityIndex
    tariffs: PriceList


class Catalog:
    """Remembers what was read only while `trust` says that changes are heard of.

    The composition root listens for changes, calls `forget` at each, and `trust(False)` while it
    cannot hear: then everything is read anew, which is slow and right.
    """

    def __init__(self, pool: Pool) -> None:
        """A catalog that trusts nothing yet."""
        self._pool = pool
        self._trusted = False
        self._generation = 0
        self._credentials: OrderedDict[bytes, Credential] = OrderedDict()
        self._prices: dict[str, Prices] = {}
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """Something has changed: read it again."""
        self._generation += 1
        self._credentials.clear()
        self._prices.clear()

    def trust(self, heard: bool) -> None:
        """Whether changes are being heard of."""
        self._trusted = heard
        self.forget()

    async def credential(self, hash: bytes) -> Credential | None:
        """The credential whose key has this SHA-256, disabled and expired ones included.

        An unknown key is asked for each time, so that a new one works at once.
        """
        known = self._credentials.get(hash)
        if known is not None:
            return known
        generation = self._generation
        async with self._pool.acquire() as connection:
            found = await accounts.recognise(connection, hash)
        if found and self._trusted and generation == self._generation:
            self._credentials[hash] = found
            if len(self._credentials) > _CREDENTIALS:
                self._credentials.popitem(last=False)
        return found

    async def prices(self, market: str) -> Prices:
        """The cities and the price list of a market."""
        known = self._prices.get(market)
        if known is not None:
            return known
        async with self._reading:  # many requests begin at once; one of them reads
            known = self._prices.get(market)
            return known if known is not None else await self._read_prices(market)

    async def _read_prices(self, market: str) -> Prices:
        generation = self._generation
        async with self._pool.acquire() as connection:
            found = Prices(
                CityIndex(await catalog.cities(connection, market)),
                PriceList(await catalog.tariffs(connection, market)),
            )
        if self._trusted and generation == self._generation:
            self._prices[market] = found
        return found

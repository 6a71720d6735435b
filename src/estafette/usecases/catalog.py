"""Configuration in memory: credentials, prices and companies, forgotten whenever they change."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from estafette.core.account import Credential
from estafette.core.courier import Company
from estafette.core.place import CityIndex
from estafette.core.pricing import PriceList
from estafette.store import accounts, catalog, companies, links
from estafette.store.links import StoredLink
from estafette.store.pool import Pool

_CREDENTIALS = 10_000


class Prices(NamedTuple):
    """The cities and the price list of a market."""

    cities: CityIndex
    tariffs: PriceList


class Companies:
    """The courier companies of a market, with their price lists."""

    def __init__(self, every: list[Company], prices: Mapping[UUID, PriceList]) -> None:
        """`every` holds the inactive ones too; `prices` are by company."""
        self._by_id = {company.id: company for company in every}
        self._prices = prices
        self._shared = tuple(one for one in every if one.active and one.account_id is None)
        self._own: dict[UUID, tuple[Company, ...]] = {}
        for one in every:
            if one.active and one.account_id is not None:
                own = self._own.get(one.account_id, ())
                self._own[one.account_id] = (*own, one)

    def of(self, account_id: UUID) -> tuple[Company, ...]:
        """The active companies that serve an account: its own first, then the market's."""
        return (*self._own.get(account_id, ()), *self._shared)

    def by_id(self, company_id: UUID) -> Company | None:
        """The company with this id, active or not."""
        return self._by_id.get(company_id)

    def prices(self, company_id: UUID) -> PriceList:
        """A company's price list; an empty one where it has none."""
        return self._prices.get(company_id, _NO_PRICES)


_NO_PRICES = PriceList(())


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
        self._companies: dict[str, Companies] = {}
        self._origins: dict[str, tuple[str, ...]] = {}
        self._links: Mapping[UUID, StoredLink] | None = None
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """Something has changed: read it again."""
        self._generation += 1
        self._credentials.clear()
        self._prices.clear()
        self._companies.clear()
        self._origins.clear()
        self._links = None

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

    async def companies(self, market: str) -> Companies:
        """The courier companies of a market."""
        known = self._companies.get(market)
        if known is not None:
            return known
        async with self._reading:
            known = self._companies.get(market)
            return known if known is not None else await self._read_companies(market)

    async def _read_companies(self, market: str) -> Companies:
        generation = self._generation
        async with self._pool.acquire() as connection:
            every = await companies.every(connection, market)
            lists = await companies.price_lists(connection, market) if every else {}
        found = Companies(every, {id: PriceList(rows) for id, rows in lists.items()})
        if self._trusted and generation == self._generation:
            self._companies[market] = found
        return found

    async def origins(self, dialect: str) -> tuple[str, ...]:
        """Every pattern of web pages that any account of a dialect trusts."""
        known = self._origins.get(dialect)
        if known is not None:
            return known
        generation = self._generation
        async with self._pool.acquire() as connection:
            found = tuple(await accounts.origins(connection, dialect))
        if self._trusted and generation == self._generation:
            self._origins[dialect] = found
        return found

    async def links(self) -> Mapping[UUID, StoredLink]:
        """How the platforms of remote companies are reached, by company; secrets encrypted."""
        if self._links is not None:
            return self._links
        async with self._reading:
            return self._links if self._links is not None else await self._read_links()

    async def _read_links(self) -> Mapping[UUID, StoredLink]:
        generation = self._generation
        async with self._pool.acquire() as connection:
            found = await links.every(connection)
        if self._trusted and generation == self._generation:
            self._links = found
        return found

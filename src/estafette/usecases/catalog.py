"""Configuration in memory: credentials, prices and companies, forgotten whenever they change."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Credential
from estafette.core.couriers.carriers import CarrierPolicy
from estafette.core.couriers.company import Company
from estafette.core.notifications.notification import NotificationKind
from estafette.core.quotes.place import CityIndex
from estafette.core.quotes.pricing import PriceList
from estafette.store.accounts import brandings, keys
from estafette.store.accounts import table as accounts
from estafette.store.couriers import carriers, companies, links
from estafette.store.couriers.links import StoredLink
from estafette.store.pool import Connection, Pool
from estafette.store.quotes import catalog
from estafette.usecases.connections import reading_lane
from estafette.usecases.deliveries.batching import Batcher

_CREDENTIALS = 10_000
"""How many keys are remembered, and how many that are none."""

_UNKNOWN_SECONDS = 30.0
"""How long it is remembered that a key is none, unless a change is heard of before."""

_BATCH = 256
_LANES = 2
_PAUSE_SECONDS = 0.5
"""How long those wait for an answer, all together, who have shown too many wrong keys."""


def _itself(hash: bytes) -> bytes:
    return hash  # whose a key is, its reading tells


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
        """Returns the active companies that serve an account: its own first, then the market's."""
        return (*self._own.get(account_id, ()), *self._shared)

    def by_id(self, company_id: UUID) -> Company | None:
        """Returns the company with this id, active or not."""
        return self._by_id.get(company_id)

    def prices(self, company_id: UUID) -> PriceList:
        """Returns a company's price list; an empty one where it has none."""
        return self._prices.get(company_id, _NO_PRICES)


_NO_PRICES = PriceList(())


class Catalog:
    """Remembers what was read only while `trust` says that changes are heard of.

    The composition root listens for changes, calls `forget` at each, and `trust(False)` while it
    cannot hear: then everything is read anew, which is slow and right.
    """

    def __init__(self, pool: Pool, *, clock: Callable[[], float] = time.monotonic) -> None:
        """A catalog that trusts nothing yet. `clock` gives seconds and never goes back."""
        self._lane = reading_lane(pool)
        self._clock = clock
        self._trusted = False
        self._generation = 0
        self._credentials: OrderedDict[bytes, Credential] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()  # until when, by the clock
        self._recognition = Batcher(self._recognise, owner=_itself, size=_BATCH, lanes=_LANES)
        self._slow_recognition = Batcher(
            self._recognise_slowly, owner=_itself, size=_BATCH, lanes=1
        )
        self._prices: dict[str, Prices] = {}
        self._companies: dict[str, Companies] = {}
        self._origins: dict[str, frozenset[str]] = {}
        self._links: Mapping[UUID, StoredLink] | None = None
        self._carriers: Mapping[UUID, CarrierPolicy] | None = None
        self._told: Mapping[UUID, frozenset[NotificationKind]] | None = None
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        """Something has changed: read it again."""
        self._generation += 1
        self._credentials.clear()
        self._unknown.clear()
        self._prices.clear()
        self._companies.clear()
        self._origins.clear()
        self._links = None
        self._carriers = None
        self._told = None

    def trust(self, heard: bool) -> None:
        """Whether changes are being heard of."""
        self._trusted = heard
        self.forget()

    async def credential(self, hash: bytes, *, slowly: bool = False) -> Credential | None:
        """Returns the credential whose key has this SHA-256, disabled and expired ones included.

        What is not remembered is asked for together with what others ask for. With `slowly` it
        waits for half a second at first: for callers who have shown too many wrong keys, who so
        cost two statements a second, all together, and may have a good key all the same.
        """
        known = self._credentials.get(hash)
        if known is not None:
            return known
        if self._unknown.get(hash, 0.0) > self._clock():
            return None
        return await (self._slow_recognition if slowly else self._recognition).do(hash)

    async def _recognise_slowly(self, hashes: Sequence[bytes]) -> list[Credential | None]:
        await asyncio.sleep(_PAUSE_SECONDS)
        return await self._recognise(hashes)

    async def _recognise(self, hashes: Sequence[bytes]) -> list[Credential | None]:
        generation = self._generation
        async with self._lane.connection(None) as connection:
            found = await keys.recognise_all(connection, hashes)
        if self._trusted and generation == self._generation:
            until = self._clock() + _UNKNOWN_SECONDS
            self._credentials.update(found)
            self._unknown.update((hash, until) for hash in hashes if hash not in found)
            for remembered in (self._credentials, self._unknown):
                while len(remembered) > _CREDENTIALS:
                    remembered.popitem(last=False)
        return [found.get(hash) for hash in hashes]

    async def prices(self, market: str) -> Prices:
        """Returns the cities and the price list of a market."""
        known = self._prices.get(market)
        if known is not None:
            return known
        async with self._reading:  # many requests begin at once; one of them reads
            known = self._prices.get(market)
            return known if known is not None else await self._read_prices(market)

    async def _read_prices(self, market: str) -> Prices:
        generation = self._generation
        async with self._lane.connection(None) as connection:
            found = Prices(
                CityIndex(await catalog.cities(connection, market)),
                PriceList(await catalog.tariffs(connection, market)),
            )
        if self._trusted and generation == self._generation:
            self._prices[market] = found
        return found

    async def companies(self, market: str) -> Companies:
        """Returns the courier companies of a market."""
        known = self._companies.get(market)
        if known is not None:
            return known
        async with self._reading:
            known = self._companies.get(market)
            return known if known is not None else await self._read_companies(market)

    async def _read_companies(self, market: str) -> Companies:
        generation = self._generation
        async with self._lane.connection(None) as connection:
            every = await companies.every(connection, market)
            lists = await catalog.price_lists(connection, market) if every else {}
        found = Companies(every, {id: PriceList(rows) for id, rows in lists.items()})
        if self._trusted and generation == self._generation:
            self._companies[market] = found
        return found

    async def origins(self, dialect: str) -> frozenset[str]:
        """Returns every pattern of web pages that any account of a dialect trusts."""
        known = self._origins.get(dialect)
        if known is not None:
            return known
        generation = self._generation
        async with self._lane.connection(None) as connection:
            found = frozenset(await accounts.origins(connection, dialect))
        if self._trusted and generation == self._generation:
            self._origins[dialect] = found
        return found

    async def links(self) -> Mapping[UUID, StoredLink]:
        """Returns the links to remote companies' platforms, by company; secrets encrypted."""
        if self._links is not None:
            return self._links
        async with self._reading:
            return self._links if self._links is not None else await self._read_links()

    async def _read_links(self) -> Mapping[UUID, StoredLink]:
        generation = self._generation
        async with self._lane.connection(None) as connection:
            found = await links.every(connection)
        if self._trusted and generation == self._generation:
            self._links = found
        return found

    async def carriers(self) -> Mapping[UUID, CarrierPolicy]:
        """Returns the carriers of those accounts that have any."""
        if self._carriers is not None:
            return self._carriers
        async with self._reading:
            return self._carriers if self._carriers is not None else await self._read_carriers()

    async def _read_carriers(self) -> Mapping[UUID, CarrierPolicy]:
        generation = self._generation
        async with self._lane.connection(None) as connection:
            found = await carriers.every(connection)
        if self._trusted and generation == self._generation:
            self._carriers = found
        return found

    async def told(self, connection: Connection) -> Mapping[UUID, frozenset[NotificationKind]]:
        """Returns what recipients are told, by account, of those that have them told anything.

        Read on `connection` where it is not remembered: whoever asks is in a transaction, and must
        not wait for a second connection.
        """
        if self._told is not None:
            return self._told
        generation = self._generation
        found = await brandings.told(connection)
        if self._trusted and generation == self._generation:
            self._told = found
        return found

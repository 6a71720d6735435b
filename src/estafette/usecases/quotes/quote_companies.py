"""Quote a delivery across courier companies: each one's price, binding for a while."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Market, Mode, Scope
from estafette.core.couriers.company import (
    Company,
    Connector,
    Courier,
    CourierFailed,
    CourierResting,
    Offer,
    QuoteRequest,
    connector_of,
    fits,
)
from estafette.core.deliveries.delivery import Parcel, Stop
from estafette.core.errors import AllCouriersFailed, NoCourierConfigured, Refusal
from estafette.core.ids import new_id
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.quotes.quote import VALIDITY, Quote
from estafette.logs import Logger
from estafette.store import pool
from estafette.store.quotes import table as quotes
from estafette.usecases.deliveries.batching import Batcher
from estafette.usecases.platform import Platform, clock
from estafette.usecases.quotes.places import place_of

_FAILURES = frozenset({"failed", "late", "open"})
_BATCH = 32
_LANES = 2

_log = Logger()


class _Answered(NamedTuple):
    """What a company said; `failed` when it said nothing."""

    company: Company
    connector: Connector
    offer: Offer | None
    failed: bool = False


class _Offered(NamedTuple):
    """The offers that one request has brought, on the way to being stored together."""

    scope: Scope
    bound: Mapping[str, str]
    answers: Sequence[_Answered]


class CompanyQuoter:
    """Quotes deliveries across courier companies for one process."""

    def __init__(self, platform: Platform) -> None:
        """Works on `platform`."""
        self._platform = platform
        self._batcher = Batcher(self._write, owner=_owner, size=_BATCH, lanes=_LANES)

    async def quote(
        self,
        scope: Scope,
        market: Market,
        origin: Stop,
        destination: Stop,
        parcel: Parcel,
        payload: Mapping[str, Any],
    ) -> list[Quote]:
        """Asks every fitting company and stores the quotes of those that offer, cheapest first.

        `payload` is what the quotes will be compared by. Empty when nobody covers that. One
        company's failure or slowness costs its own quote alone, and at most `patience.quote`.

        Raises NoCourierConfigured when the account has no company, AllCouriersFailed when none of
        those asked could answer.
        """
        catalog = self._platform.catalog
        companies = (await catalog.companies(market.code)).of(scope.account_id)
        if not companies:
            raise NoCourierConfigured
        cities = (await catalog.prices(market.code)).cities
        start, end = place_of(cities, origin), place_of(cities, destination)
        wanted = QuoteRequest(
            origin, destination, parcel, start.city, end.city, scope.mode, scope.account_id
        )
        now = clock()
        fitting = [one for one in companies if fits(one, start.names, end.names, parcel, now)]
        answers = await self._ask(scope, fitting, wanted)
        if answers and all(answer.failed for answer in answers):
            raise AllCouriersFailed(len(answers))
        if all(answer.offer is None for answer in answers):
            return []
        return await self._batcher.do(_Offered(scope, quotes.digests(payload), answers))

    async def _ask(
        self, scope: Scope, companies: Sequence[Company], wanted: QuoteRequest
    ) -> list[_Answered]:
        """Returns what each company says; those that must be waited for are asked all at once."""
        asked: list[tuple[Company, Connector, Courier]] = []
        for company in companies:
            connector = connector_of(company, rehearsal=scope.mode is Mode.SANDBOX)
            courier = self._platform.couriers.get(connector)
            if courier is not None:
                asked.append((company, connector, courier))
        waiting = [asyncio.create_task(self._one(*one, wanted)) for one in asked if one[2].waits]
        try:
            answers = [await self._one(*one, wanted) for one in asked if not one[2].waits]
            if waiting:
                answers += await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()
        return answers

    async def _one(
        self, company: Company, connector: Connector, courier: Courier, wanted: QuoteRequest
    ) -> _Answered:
        began = time.perf_counter()
        outcome, offer = "failed", None
        try:
            if courier.waits:
                async with asyncio.timeout(self._platform.patience.quote):
                    answer = await courier.quote(company, wanted)
            else:
                answer = await courier.quote(company, wanted)
            offer = _payable(company, answer)
            outcome = "no" if offer is None else "offer"
        except TimeoutError:
            outcome = "late"
        except CourierResting:
            outcome = "open"
        except CourierFailed as error:
            _log.warning("courier_failed", company=company.slug, reason=str(error))
        except Refusal:  # there is no connection to the database: no company's fault
            raise
        except Exception:  # a fault of one connector must not cost the quotes of the others
            _log.exception("courier_broke", company=company.slug)
        self._platform.observe_courier(company, outcome, time.perf_counter() - began)
        return _Answered(company, connector, offer, failed=outcome in _FAILURES)

    async def _write(self, batch: Sequence[_Offered]) -> Sequence[list[Quote]]:
        async with self._platform.connections.batch("quote") as connection:
            now = await pool.now(connection)
            stored = [_quotes(offered, now) for offered in batch]
            await quotes.insert(connection, [quote for of_one in stored for quote in of_one])
        return stored


def _owner(offered: _Offered) -> UUID:
    return offered.scope.account_id


def _payable(company: Company, offer: Offer | None) -> Offer | None:
    """Returns the offer, if its fee is one that can be kept and told. Raises CourierFailed."""
    if offer is not None and company.margin.on(offer.fee) > LARGEST_SUM:
        raise CourierFailed("the fee is beyond all measure")
    return offer


def _quotes(offered: _Offered, now: datetime) -> list[Quote]:
    """Returns the quotes of one request as valid from `now`, the cheapest first."""
    found = [
        _quote(offered, answer, answer.offer, now)
        for answer in offered.answers
        if answer.offer is not None
    ]
    found.sort(key=lambda quote: (quote.fee, quote.eta_minutes, quote.company_name))
    return found


def _quote(offered: _Offered, answer: _Answered, offer: Offer, now: datetime) -> Quote:
    """Returns an offer with the operator's margin, valid no longer than its company is bound."""
    company, until = answer.company, now + VALIDITY
    required = company.capabilities.require_delivery_pin
    return Quote(
        id=new_id(now),
        scope=offered.scope,
        bound=offered.bound,
        fee=company.margin.on(offer.fee),
        pickup_within=offer.pickup_within,
        delivery_within=offer.delivery_within,
        created_at=now,
        expires_at=until if offer.expires_at is None else min(until, offer.expires_at),
        company_id=company.id,
        company_name=company.name,
        company_slug=company.slug,
        connector=answer.connector,
        company_fee=offer.fee,
        require_pin=required if offer.require_pin is None else offer.require_pin,
        upstream=offer.upstream,
    )

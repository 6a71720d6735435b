"""Claim errands: deliveries to be placed at the platforms of courier companies, or looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from estafette.core.couriers.company import Company
from estafette.core.couriers.dispatch import Claimed, Elsewhere, Rooms
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.dialect import Dialect
from estafette.loops import report
from estafette.store.couriers import dispatches, due_dispatches
from estafette.usecases.platform import Platform

__all__ = [
    "Errand",
    "ErrandRound",
    "claim",
    "company_of",
    "elsewhere",
]

IN_FLIGHT = timedelta(minutes=1)
"""How long a request may still be under way, or wait in a queue of the platform, after we have
stopped waiting for its answer."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A delivery to be placed at a company's platform or, with an `upstream_id`, to be looked at.

    `attempt` is the fencing token. `upstream` is the data of the company's offer that has to be
    sent with the order. A `doubtful` delivery may be there already, so it is looked up before it is
    placed. `first_tried_at` is when the first attempt to place it began, by the database's clock,
    and `trying_for` is how long ago that was. `doubt` is how long ago the last request was sent
    whose result is not known. `seen` is the id of the last event there that was applied here.
    `polls` is how many times in a row a look brought nothing new. `recalled` says that the merchant
    has asked to have it cancelled there.
    """

    company: Company
    delivery: Delivery
    dialect: Dialect
    attempt: int
    upstream: Mapping[str, Any]
    upstream_id: str | None
    doubt: timedelta | None
    first_tried_at: datetime
    trying_for: timedelta
    seen: str | None
    polls: int
    recalled: bool

    @property
    def doubtful(self) -> bool:
        """Whether it is not known if the platform has the delivery."""
        return self.doubt is not None

    @property
    def may_arrive_yet(self) -> bool:
        """Whether a request to place it may still be under way.

        Then a look-up that does not find the delivery does not prove that it is not there.
        """
        return self.doubt is not None and self.doubt < IN_FLIGHT

    @property
    def is_wanted(self) -> bool:
        """Whether the delivery may still be placed. If not, it may only be looked up.

        If the look-up finds it, call `placed`; if not, call `unplaced` with `looked_up`, which
        closes the dispatch.
        """
        return not self.delivery.progress.is_final


@dataclass(frozen=True, slots=True)
class ErrandRound:
    """Errands to run now, and in how many seconds the next one is due; None when none waits.

    `due_in_seconds` is zero or less when more errands are due, of companies that have free slots.
    """

    errands: Sequence[Errand]
    due_in_seconds: float | None


async def claim(
    platform: Platform,
    lease: timedelta,
    rooms: Rooms,
) -> ErrandRound:
    """Leases due errands to the caller, and commits that before anything is sent.

    `rooms` bounds how many are claimed, in all and of each company. Of each company, deliveries to
    be placed go before those to be looked at. Each errand must be settled (`placed`, `unplaced`,
    `refused`, `followed`, `lost`) within `lease`, or it is claimed again.
    """
    async with platform.pool.acquire() as connection:
        claimed = await due_dispatches.claim(connection, list(platform.dialects), lease, rooms)
        due_in_seconds = await due_dispatches.due_in_seconds(connection, _left(rooms, claimed))
    errands: list[Errand] = []
    for one in claimed:
        try:
            errands.append(await _errand(platform, one))
        except LookupError as error:  # it is claimed again after its lease
            report("errands", error, delivery=str(one.delivery.id))
    return ErrandRound(errands, due_in_seconds)


def _left(rooms: Rooms, claimed: Sequence[Claimed]) -> Rooms:
    """Returns how much room is left after a claim."""
    left = dict(rooms.of)
    for one in claimed:
        room = left.get(one.company_id, rooms.unnamed)
        left[one.company_id] = (
            room._replace(placing=room.placing - 1)
            if one.upstream_id is None
            else room._replace(looking=room.looking - 1)
        )
    return rooms._replace(of=left)


async def elsewhere(platform: Platform, delivery: Delivery) -> Elsewhere | None:
    """Returns the state of a delivery's dispatch; None when no other platform carries it."""
    if not delivery.remote:
        return None
    async with platform.pool.acquire() as connection:
        return await dispatches.find(connection, delivery.scope.account_id, delivery.id)


async def _errand(platform: Platform, claimed: Claimed) -> Errand:
    return Errand(
        company=await company_of(platform, claimed.market, claimed.company_id),
        delivery=claimed.delivery,
        dialect=platform.dialects[claimed.dialect],
        attempt=claimed.attempt,
        upstream=claimed.offer,
        upstream_id=claimed.upstream_id,
        doubt=claimed.doubt,
        first_tried_at=claimed.first_tried_at,
        trying_for=claimed.trying_for,
        seen=claimed.seen,
        polls=claimed.polls,
        recalled=claimed.recalled,
    )


async def company_of(platform: Platform, market: str, company_id: UUID | None) -> Company:
    """Returns the company of a remote delivery."""
    if company_id is None:
        raise LookupError("a delivery without a company is nobody's to carry elsewhere")
    company = (await platform.catalog.companies(market)).by_id(company_id)
    if company is None:  # newer than the catalog in memory; companies are never deleted
        platform.catalog.forget()
        company = (await platform.catalog.companies(market)).by_id(company_id)
    if company is None:
        raise LookupError(f"the company {company_id} of a dispatch is not in the market {market}")
    return company

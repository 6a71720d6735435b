"""Do something to many deliveries: each by itself, and each says what happened to it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from estafette.core.errors import Refusal
from estafette.core.fleet.refusals import FleetFull, FleetRefusal
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.take_back import take_back
from estafette.usecases.platform import Platform

MOST_AT_ONCE = 300
"""How many deliveries are dealt with at once: as many as a board shows."""


class OneOfMany(NamedTuple):
    """What happened to one delivery: it was done, or `refusal` says why not."""

    delivery_id: UUID
    refusal: FleetRefusal | Refusal | None


class Wanted(NamedTuple):
    """A delivery and the driver who is to have it; `instead_of` whom it is taken from."""

    delivery_id: UUID
    driver_id: UUID
    instead_of: UUID | None = None


class Taken(NamedTuple):
    """A delivery that is taken back; with a driver, from that one alone."""

    delivery_id: UUID
    from_driver: UUID | None = None


async def assign_all(
    platform: Platform, company_id: UUID, wanted: Sequence[Wanted], reason: str | None = None
) -> list[OneOfMany]:
    """Gives deliveries to drivers, one after another. Raises FleetFull for too many."""
    return await _each(
        [(one.delivery_id, partial(_assign, platform, company_id, one, reason)) for one in wanted]
    )


async def offer_all(
    platform: Platform,
    company_id: UUID,
    wanted: Sequence[Wanted],
    length: timedelta,
    reason: str | None = None,
) -> list[OneOfMany]:
    """Offers deliveries to drivers, one after another. Raises FleetFull for too many."""
    of = partial(offer, platform, company_id)
    return await _each(
        [
            (one.delivery_id, partial(of, one.delivery_id, one.driver_id, length, reason))
            for one in wanted
        ]
    )


async def take_all_back(
    platform: Platform, company_id: UUID, taken: Sequence[Taken], reason: str | None = None
) -> list[OneOfMany]:
    """Takes deliveries back, one after another. Raises FleetFull for too many."""
    of = partial(take_back, platform, company_id, reason=reason)
    return await _each(
        [
            (one.delivery_id, partial(of, one.delivery_id, from_driver=one.from_driver))
            for one in taken
        ]
    )


async def _assign(platform: Platform, company_id: UUID, one: Wanted, reason: str | None) -> object:
    return await assign(
        platform,
        company_id,
        one.delivery_id,
        one.driver_id,
        instead_of=one.instead_of,
        reason=reason,
    )


async def _each(rows: Sequence[tuple[UUID, Callable[[], Awaitable[object]]]]) -> list[OneOfMany]:
    if len(rows) > MOST_AT_ONCE:
        raise FleetFull("deliveries at once", MOST_AT_ONCE)
    outcomes: list[OneOfMany] = []
    for delivery_id, do in rows:
        try:
            await do()
        except (FleetRefusal, Refusal) as refusal:
            outcomes.append(OneOfMany(delivery_id, refusal))
        else:
            outcomes.append(OneOfMany(delivery_id, None))
    return outcomes

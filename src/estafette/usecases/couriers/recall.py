"""Call a delivery off at the platform that carries it, before it is cancelled here.

The platform is asked while no transaction is open, so what is known is looked at twice: before, to
know whether it must be asked, and after, to cancel what was called off. That the merchant wants it
is noted before: whoever follows the delivery completes what a crash leaves undone.
"""

import asyncio
from typing import NamedTuple

from estafette.core.couriers.dispatch import Outcome
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.core.errors import CourierUnavailable
from estafette.logs import Logger
from estafette.store.accounts import table as accounts
from estafette.store.couriers import dispatches
from estafette.store.deliveries import table as deliveries
from estafette.store.pool import Connection
from estafette.usecases.couriers.errands import company_of
from estafette.usecases.platform import Platform

_GLANCE_SECONDS = 0.05


_log = Logger()


class Held(NamedTuple):
    """A delivery that cannot be cancelled at once.

    `upstream_id` is its id at the platform that has it and must be asked; None while it is being
    placed there.
    """

    delivery: Delivery
    upstream_id: str | None


async def hold(connection: Connection, delivery: Delivery) -> Held | None:
    """Returns what keeps a locked delivery from being cancelled; None: nothing does.

    Where it is placed, the wish to cancel it is noted. Raises CourierUnavailable when it may be at
    the platform and nobody knows.
    """
    if not delivery.remote:
        return None
    key = (delivery.scope.account_id, delivery.id)
    standing = await dispatches.lock(connection, *key)
    if standing is None or standing.state not in {"waiting", "placed"}:
        return None
    if standing.state == "placed":
        await dispatches.mark_recalled(connection, *key, recalled=True)
        return Held(delivery, standing.upstream_id)
    if standing.is_leased:
        return Held(delivery, None)
    if standing.doubtful or standing.is_unsettled:
        raise CourierUnavailable(delivery.id)
    return None


async def resolve(
    platform: Platform, held: Held, dialect: Dialect, until: float
) -> Recalled | None:
    """Does what a hold asks for; returns what came of calling it off, None: look at it anew.

    `until` is when patience with an attempt under way ends, by the loop's clock. Raises
    CourierUnavailable when that passes, or when it is not known whether it was called off.
    """
    delivery = held.delivery
    if held.upstream_id is None:
        if asyncio.get_running_loop().time() >= until:
            raise CourierUnavailable(delivery.id)
        await asyncio.sleep(_GLANCE_SECONDS)
        return None
    async with platform.connections.account(delivery.scope.account_id) as connection:
        market = await accounts.market_of(connection, delivery.scope.account_id)
    company = await company_of(platform, market, delivery.company_id)
    try:
        async with asyncio.timeout(platform.patience.answer):
            recalled = await platform.recall(company, delivery.scope.mode, held.upstream_id)
    except TimeoutError:
        recalled = Recalled.UNKNOWN
    if recalled is Recalled.CANCELLED:
        return recalled
    key = (delivery.scope.account_id, delivery.id)
    account = platform.connections.account(delivery.scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        if recalled is Recalled.REFUSED:
            await dispatches.mark_recalled(connection, *key, recalled=False)
        await dispatches.look_now(work, *key)
    if recalled is Recalled.UNKNOWN:
        raise CourierUnavailable(delivery.id)
    await _news_of(platform, delivery, dialect)
    return recalled


async def _news_of(platform: Platform, delivery: Delivery, dialect: Dialect) -> None:
    """Waits a moment for the follower to tell why it was refused: the answer will name it."""
    try:
        async with asyncio.timeout(platform.patience.news):
            known: Delivery | None = delivery
            while known is not None and dialect.may_cancel(known.progress):
                await asyncio.sleep(_GLANCE_SECONDS)
                async with platform.connections.account(delivery.scope.account_id) as connection:
                    known = await deliveries.find(connection, delivery.scope, delivery.id)
    except TimeoutError:
        return


async def close(connection: Connection, delivery: Delivery) -> bool:
    """Ends the dispatch of a delivery that was called off; `delivery` is as it is now, locked.

    False when it is not cancelled here: then the dispatch is disputed.
    """
    key = (delivery.scope.account_id, delivery.id)
    if delivery.status is Status.CANCELLED:
        await dispatches.settle(connection, *key, Outcome("closed", None))
        return True
    difference = f"{Status.CANCELLED} there, {delivery.status} here"
    await dispatches.dispute(connection, *key, difference)
    _log.error("dispatch_disputed", delivery=str(delivery.id), reason=difference)
    return False

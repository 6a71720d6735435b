"""Cancel a delivery at the platform that carries it, before it is cancelled here.

The platform is asked while no transaction is open. So the delivery is read twice: before the
request, to know whether the platform has to be asked, and after it, to cancel the delivery here.
The merchant's wish is noted before the request: if this process crashes, the worker that follows
the delivery completes the cancellation.
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
    """Returns what prevents a locked delivery from being cancelled at once; None if nothing does.

    Where the delivery is placed, the merchant's wish to cancel it is noted. Raises
    CourierUnavailable when it is not known whether the delivery is at the platform.
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
    """Asks the platform to cancel a held delivery, or waits for the attempt to place it to end.

    Returns what the platform answered, or None after such a wait: then the caller has to look at
    the delivery again. `until` is when the wait ends at the latest, in seconds of the event loop's
    clock. Raises CourierUnavailable after that time, and when it is not known whether the platform
    has cancelled the delivery.
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
    """Waits until the follower has recorded why the platform refused, `patience.news` at most.

    The answer to the merchant can then name the delivery's new status.
    """
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
    """Ends the dispatch of a delivery that the platform has cancelled.

    `delivery` is the locked delivery as it is now. Returns False when it is not cancelled here:
    then the dispatch becomes disputed.
    """
    key = (delivery.scope.account_id, delivery.id)
    if delivery.status is Status.CANCELLED:
        await dispatches.settle(connection, *key, Outcome("closed", None))
        return True
    difference = f"{Status.CANCELLED} there, {delivery.status} here"
    await dispatches.dispute(connection, *key, difference)
    _log.error("dispatch_disputed", delivery=str(delivery.id), reason=difference)
    return False

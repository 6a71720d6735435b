"""Live deliveries under way are counted by status, with those that are late."""

from dataclasses import replace
from datetime import timedelta

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.count_open import count_open
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA, Shop, angola_over, new_shop
from tests.usecases.stage import DIALECT, new_tenant


async def _moved(shop: Shop, *statuses: Status) -> None:
    delivery = await shop.create()
    moves = [Move(status, Actor.COURIER) for status in statuses]
    await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)


async def test_live_deliveries_are_counted_by_status_and_by_whether_they_are_late(
    fresh_database: str,
) -> None:
    async with angola_over(fresh_database) as platform:
        platform = replace(platform, dialects={**platform.dialects, DIALECT.name: DIALECT})
        shop, rehearsal = await new_shop(platform), await new_shop(platform, Mode.SANDBOX)
        for one in (shop, rehearsal):
            await one.company("fast")
            await one.create()
        await _moved(shop, Status.ASSIGNED)
        await _moved(shop, Status.ASSIGNED, Status.IN_TRANSIT)
        await _moved(shop, Status.STALLED)
        await _moved(shop, Status.CANCELLED)
        await (await new_tenant(platform, Mode.LIVE)).create()  # of a market without companies
        late, lately = {"status": ["in_transit", "stalled", "cancelled"]}, timedelta(minutes=-1)
        await tables.change(platform.pool, "deliveries", late, deliver_by=lately)
        found = await count_open(platform)
        counted = {one.status: (one.deliveries, one.late) for one in found.values()}
    assert counted == {
        "awaiting_payment": (0, 0),
        "pending": (2, 0),
        "assigned": (1, 0),
        "pickup_ready": (0, 0),
        "in_transit": (1, 1),
        "out_for_delivery": (0, 0),
        "stalled": (1, 1),
    }

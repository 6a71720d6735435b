"""The faults on demand as a receiver meets them: couriers and the webhook worker side by side."""

import asyncio
from datetime import timedelta

from estafette.couriers.sandbox import loop
from tests.patience import timed
from tests.receivers import Receiver
from tests.usecases.stage import new_tenant, platform_over
from tests.webhooks.stage import listen_at, said, working

PACE = timedelta(seconds=1)
"""A webhook that is overtaken leaves half of this after the one that overtakes it."""

TYPES = ["created", "accepted", "in_transit", "out_for_delivery", "delivered"]


@timed(PACE.total_seconds() / 4)
async def test_webhooks_arrive_twice_or_out_of_order_where_that_is_asked_for(
    fresh_database: str,
) -> None:
    stop = asyncio.Event()
    async with Receiver() as receiver, platform_over(fresh_database, step=PACE) as platform:
        tenant = await new_tenant(platform)
        await listen_at(tenant, receiver.url)
        async with working(platform, fresh_database):
            couriers = asyncio.create_task(loop(platform).run(stop))
            twice = str(await tenant.create("sandbox:webhook_duplicate"))
            mixed = str(await tenant.create("sandbox:webhook_out_of_order"))
            await receiver.wait_for(15, seconds=30)
            stop.set()
            await couriers
    told = [said(request) for request in receiver.requests]
    assert [each["type"] for each in told if each["deliveryId"] == mixed] == [
        "created",
        "in_transit",
        "accepted",
        "delivered",
        "out_for_delivery",
    ]
    doubled = [each for each in told if each["deliveryId"] == twice]
    assert sorted(each["type"] for each in doubled) == sorted(TYPES * 2)
    assert len({each["eventId"] for each in doubled}) == 5
    assert len({each["messageId"] for each in doubled}) == 10
    assert {each["attempt"] for each in doubled} == {1}

"""Who watches what, and how news reach them."""

import asyncio

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.tracking.live import ChangeSignal, CrowdedError, Hub
from tests.web.tracking_samples import Shelf, advanced, delivery

LONG = 10.0


async def test_news_reach_every_watcher_of_the_delivery_and_no_other() -> None:
    mine, other = delivery(Status.ASSIGNED), delivery(Status.ASSIGNED)
    shelf = Shelf(mine, other)
    hub = shelf.hub()
    with hub.subscribe(mine) as first, hub.subscribe(mine) as second, hub.subscribe(other) as third:
        shelf.put(advanced(mine, Status.IN_TRANSIT))
        assert await first.wait(LONG) is ChangeSignal.NEWS
        assert await second.wait(LONG) is ChangeSignal.NEWS
        assert first.delivery is second.delivery
        assert first.delivery.status is Status.IN_TRANSIT
        assert await third.wait(0) is ChangeSignal.QUIET
        assert third.delivery is other


async def test_a_slow_reader_gets_the_latest_and_not_the_backlog() -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    hub = shelf.hub()
    with hub.subscribe(found) as slow, hub.subscribe(found) as quick:
        for status in (Status.PICKUP_READY, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY):
            shelf.put(advanced(shelf.deliveries[found.id], status))
            assert await quick.wait(LONG) is ChangeSignal.NEWS
        assert await slow.wait(LONG) is ChangeSignal.NEWS
        assert slow.delivery.status is Status.OUT_FOR_DELIVERY
        assert await slow.wait(0) is ChangeSignal.QUIET


async def test_a_delivery_that_moved_before_it_was_watched_is_told() -> None:
    read = delivery(Status.ASSIGNED)
    shelf = Shelf(advanced(read, Status.PICKUP_READY))
    with shelf.hub().subscribe(read) as subscription:
        assert await subscription.wait(LONG) is ChangeSignal.NEWS


async def test_polling_lasts_as_long_as_someone_watches() -> None:
    found = delivery(Status.ASSIGNED)
    hub = Shelf(found).hub()
    assert not hub.is_polling
    with hub.subscribe(found):
        with hub.subscribe(found):
            assert hub.open_connections == 2
        assert hub.is_polling
    assert not hub.is_polling
    assert hub.open_connections == 0
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_crowd_is_bounded_for_a_delivery_and_for_the_process() -> None:
    one, two, three = (delivery(Status.ASSIGNED) for _ in range(3))
    hub = Shelf(one, two, three).hub(most=3, most_each=2)
    with hub.subscribe(one), hub.subscribe(one):
        with pytest.raises(CrowdedError), hub.subscribe(one):
            pass
        with hub.subscribe(two), pytest.raises(CrowdedError), hub.subscribe(three):
            pass
        with hub.subscribe(three):
            assert hub.open_connections == 3


async def test_closing_ends_every_subscription_and_takes_no_more() -> None:
    found = delivery(Status.ASSIGNED)
    hub = Shelf(found).hub()
    with hub.subscribe(found) as subscription:
        waiting = asyncio.create_task(subscription.wait(LONG))
        await hub.close()
        assert await waiting is ChangeSignal.CLOSED
        assert not hub.is_polling
        with pytest.raises(CrowdedError), hub.subscribe(found):
            pass


async def test_a_database_in_trouble_does_not_end_the_watch() -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    troubles = [ConnectionError(), TimeoutError()]

    async def track(id: object) -> TrackedDelivery | None:
        if troubles:
            raise troubles.pop()
        return await shelf.track(found.id)

    hub = Hub(track, shelf.versions, interval=0.005)
    with hub.subscribe(found) as subscription:
        shelf.put(advanced(found, Status.IN_TRANSIT))
        assert await subscription.wait(LONG) is ChangeSignal.NEWS
    assert not troubles

"""Who watches what, and how news reach them."""

import asyncio

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.http.events import CrowdedError
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.live.hub import ChangeSignal
from estafette.web.tracking.live import Watched
from tests.web.tracking_samples import Shelf, advanced, delivery

LONG = 60.0


async def test_news_reach_every_watcher_of_the_delivery_and_no_other() -> None:
    mine, other = delivery(Status.ASSIGNED), delivery(Status.ASSIGNED)
    shelf = Shelf(mine, other)
    watched = shelf.watched()
    with (
        watched.subscribe(mine) as first,
        watched.subscribe(mine) as second,
        watched.subscribe(other) as third,
    ):
        shelf.put(advanced(mine, Status.IN_TRANSIT))
        assert await first.wait(LONG) is ChangeSignal.NEWS
        assert await second.wait(LONG) is ChangeSignal.NEWS
        assert first.value is second.value
        assert first.value.status is Status.IN_TRANSIT
        assert await third.wait(0) is ChangeSignal.QUIET
        assert third.value is other


async def test_a_slow_reader_gets_the_latest_and_not_the_backlog() -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    watched = shelf.watched()
    with watched.subscribe(found) as slow, watched.subscribe(found) as quick:
        for status in (Status.PICKUP_READY, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY):
            shelf.put(advanced(shelf.deliveries[found.id], status))
            assert await quick.wait(LONG) is ChangeSignal.NEWS
        assert await slow.wait(LONG) is ChangeSignal.NEWS
        assert slow.value.status is Status.OUT_FOR_DELIVERY
        assert await slow.wait(0) is ChangeSignal.QUIET


async def test_a_delivery_that_moved_before_it_was_watched_is_told() -> None:
    read = delivery(Status.ASSIGNED)
    shelf = Shelf(advanced(read, Status.PICKUP_READY))
    with shelf.watched().subscribe(read) as subscription:
        assert await subscription.wait(LONG) is ChangeSignal.NEWS


async def test_polling_lasts_as_long_as_someone_watches() -> None:
    found = delivery(Status.ASSIGNED)
    watched = Shelf(found).watched()
    assert not watched.hub.is_looking
    with watched.subscribe(found):
        with watched.subscribe(found):
            assert watched.crowd.open_streams == 2
        assert watched.hub.is_looking
    assert not watched.hub.is_looking
    assert watched.crowd.open_streams == 0
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_crowd_is_bounded_for_a_delivery_and_for_the_process() -> None:
    one, two, three = (delivery(Status.ASSIGNED) for _ in range(3))
    watched = Shelf(one, two, three).watched(most=3, most_each=2)
    with watched.subscribe(one), watched.subscribe(one):
        with pytest.raises(CrowdedError), watched.subscribe(one):
            pass
        with watched.subscribe(two), pytest.raises(CrowdedError), watched.subscribe(three):
            pass
        with watched.subscribe(three):
            assert watched.crowd.open_streams == 3


async def test_closing_ends_every_subscription_and_takes_no_more() -> None:
    found = delivery(Status.ASSIGNED)
    watched = Shelf(found).watched()
    with watched.subscribe(found) as subscription:
        waiting = asyncio.create_task(subscription.wait(LONG))
        await watched.close()
        assert await waiting is ChangeSignal.CLOSED
        assert not watched.hub.is_looking
        with pytest.raises(CrowdedError), watched.subscribe(found):
            pass


async def test_a_database_in_trouble_does_not_end_the_watch() -> None:
    found = delivery(Status.ASSIGNED)
    shelf = Shelf(found)
    troubles = [ConnectionError(), TimeoutError()]

    async def track(id: object) -> TrackedDelivery | None:
        if troubles:
            raise troubles.pop()
        return await shelf.track(found.id)

    watched = Watched(track, shelf.versions, interval=0.005)
    with watched.subscribe(found) as subscription:
        shelf.put(advanced(found, Status.IN_TRANSIT))
        assert await subscription.wait(LONG) is ChangeSignal.NEWS
    assert not troubles

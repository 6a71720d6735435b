"""The open streams by delivery, and the one poll that finds what has changed for all of them.

One `Hub` serves a process. It asks for the versions of all watched deliveries in one statement,
about once a second and only while someone watches, and reads a delivery again only when its
version grew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import UUID

from estafette.loops import Loop, Pace
from estafette.usecases.deliveries.tracking import TrackedDelivery

Track = Callable[[UUID], Awaitable[TrackedDelivery | None]]
Versions = Callable[[Collection[UUID]], Awaitable[dict[UUID, int]]]


class CrowdedError(Exception):
    """No more streams are accepted: this delivery, or this process, has too many."""


class ChangeSignal(Enum):
    """Why a subscription stopped waiting."""

    NEWS = auto()
    QUIET = auto()
    CLOSED = auto()


@dataclass(slots=True)
class _Watch:
    delivery: TrackedDelivery
    subscriptions: "set[Subscription]" = field(default_factory=lambda: set["Subscription"]())

    def update(self, delivery: TrackedDelivery) -> None:
        if delivery.version > self.delivery.version:
            self.delivery = delivery
            for subscription in self.subscriptions:
                subscription.wake()


class Subscription:
    """One stream's view of one delivery: always the latest, however slowly the client reads."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch
        self._woken = asyncio.Event()
        self._closed = False

    @property
    def delivery(self) -> TrackedDelivery:
        """The delivery as last read."""
        return self._watch.delivery

    def wake(self) -> None:
        """Wakes the stream, since the delivery has changed."""
        self._woken.set()

    def close(self) -> None:
        """Ends the stream."""
        self._closed = True
        self._woken.set()

    async def wait(self, seconds: float) -> ChangeSignal:
        """Waits for news or for the end, at most so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return ChangeSignal.QUIET
        self._woken.clear()
        return ChangeSignal.CLOSED if self._closed else ChangeSignal.NEWS


class Hub:
    """The subscriptions of this process, and the task that polls for them.

    `interval` is in seconds. At most `most` connections are open in the process, and at most
    `most_each` for one delivery.
    """

    def __init__(
        self,
        track: Track,
        versions: Versions,
        *,
        interval: float = 1.0,
        most: int = 2000,
        most_each: int = 20,
    ) -> None:
        self._track = track
        self._versions = versions
        pace = Pace(
            longest=interval, first=interval, first_retry=2 * interval, longest_retry=30 * interval
        )
        self._loop = Loop("tracking pages", self._look, pace)
        self._interval = interval
        self._most = most
        self._most_each = most_each
        self._watches: dict[UUID, _Watch] = {}
        self._open = 0
        self._poller: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return self._open

    @property
    def is_polling(self) -> bool:
        """Whether the poll runs: it does while someone watches."""
        return self._poller is not None

    @contextmanager
    def subscribe(self, delivery: TrackedDelivery) -> Generator[Subscription]:
        """Watches `delivery`, which was just read, until the block ends.

        Raises CrowdedError at either bound, and when the hub is closed.
        """
        watch = self._watches.get(delivery.id)
        crowd = len(watch.subscriptions) if watch is not None else 0
        if self._closed or self._open >= self._most or crowd >= self._most_each:
            raise CrowdedError
        if watch is None:
            watch = self._watches[delivery.id] = _Watch(delivery)
        watch.update(delivery)
        subscription = Subscription(watch)
        watch.subscriptions.add(subscription)
        self._open += 1
        if self._poller is None:
            polling = self._loop.run(asyncio.Event())
            self._poller = asyncio.create_task(polling, name="tracking-poll")
        try:
            yield subscription
        finally:
            self._leave(delivery.id, watch, subscription)

    async def close(self) -> None:
        """Ends every subscription and the poll. Called when the process is to end."""
        self._closed = True
        for watch in self._watches.values():
            for subscription in watch.subscriptions:
                subscription.close()
        poller = self._stop_polling()
        if poller is not None:
            await asyncio.gather(poller, return_exceptions=True)

    def _leave(self, id: UUID, watch: _Watch, subscription: Subscription) -> None:
        watch.subscriptions.discard(subscription)
        self._open -= 1
        if not watch.subscriptions:
            del self._watches[id]
        if not self._watches:
            self._stop_polling()

    def _stop_polling(self) -> asyncio.Task[None] | None:
        poller, self._poller = self._poller, None
        if poller is not None:
            poller.cancel()
        return poller

    async def _look(self, _: asyncio.Event) -> float:
        versions = await self._versions(list(self._watches))
        for id, version in versions.items():
            watch = self._watches.get(id)
            if watch is not None and version > watch.delivery.version:
                delivery = await self._track(id)
                if delivery is not None:
                    watch.update(delivery)
        return self._interval

"""What open pages watch, and the one look that finds what has changed for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Hashable, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from typing import Generic, TypeVar

from estafette.loops import Loop, Pace

K = TypeVar("K", bound=Hashable)
"""What is watched: the id of a delivery, a scope, a company."""

V = TypeVar("V")
"""What is known of it."""

Look = Callable[[Mapping[K, V]], Awaitable[Mapping[K, V]]]
"""Reads, for all that is watched at once, what has changed. It is given what was known of each, and
returns what is known now of those that differ."""


class ChangeSignal(Enum):
    """Why a subscription stopped waiting."""

    NEWS = auto()
    QUIET = auto()
    CLOSED = auto()


class _Watch(Generic[V]):
    """One thing that is watched: what is known of it, and who wants to know."""

    __slots__ = ("subscriptions", "value")

    def __init__(self, value: V) -> None:
        self.value = value
        self.subscriptions: set[Subscription[V]] = set()

    def update(self, value: V) -> None:
        self.value = value
        for subscription in self.subscriptions:
            subscription.wake()


class Subscription(Generic[V]):
    """One stream's view of what it watches: always the latest, however slowly the client reads."""

    __slots__ = ("_is_closed", "_is_woken", "_waiting", "_watch", "farewell")

    def __init__(self, watch: _Watch[V]) -> None:
        """Begins with what is known."""
        self.farewell = b""
        """What is sent at last, where the stream was ended from here."""
        self._watch = watch
        self._is_woken = False
        self._is_closed = False
        self._waiting: asyncio.Future[None] | None = None  # an Event is three times as large

    @property
    def value(self) -> V:
        """What is known now."""
        return self._watch.value

    @property
    def crowd(self) -> int:
        """How many streams watch the same."""
        return len(self._watch.subscriptions)

    def wake(self) -> None:
        """Wakes the stream, since something has changed."""
        self._is_woken = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def close(self, farewell: bytes = b"") -> None:
        """Ends the stream, which sends `farewell` before."""
        self.farewell = farewell
        self._is_closed = True
        self.wake()

    async def wait(self, seconds: float) -> ChangeSignal:
        """Waits for news or for the end, at most so many seconds."""
        if not self._is_woken:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(seconds):
                    await self._waiting
            except TimeoutError:
                return ChangeSignal.QUIET
            finally:
                self._waiting = None
        self._is_woken = False
        return ChangeSignal.CLOSED if self._is_closed else ChangeSignal.NEWS


class Hub(Generic[K, V]):
    """The subscriptions of a process to things of one kind, and the task that looks for them.

    It looks about every `interval` seconds, and after `wake` at once, though never sooner than
    `apart` seconds after the look before; only while someone watches.
    """

    def __init__(
        self,
        name: str,
        look: Look[K, V],
        *,
        interval: float = 1.0,
        apart: float = 0.0,
        is_newer: Callable[[V, V], bool] = lambda _value, _than: False,
    ) -> None:
        """Takes the `name` of the look for logs and metrics.

        `is_newer` says whether what a subscriber has just read itself is newer than what is known.
        """
        self._look = look
        self._interval = interval
        self._is_newer = is_newer
        pace = Pace(
            longest=interval,
            first=interval,
            apart=apart,
            first_retry=2 * interval,
            longest_retry=30 * interval,
        )
        self._loop = Loop(name, self._round, pace)
        self._watches: dict[K, _Watch[V]] = {}
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_looking(self) -> bool:
        """Whether it looks for changes: it does while someone watches."""
        return self._looking is not None

    def wake(self) -> None:
        """Makes it look soon, if someone watches: a signal said that something has changed."""
        self._loop.wake()

    @contextmanager
    def subscribe(self, key: K, value: V) -> Generator[Subscription[V]]:
        """Watches `key` until the block ends; `value` is what the caller knows of it."""
        watch = self._watches.get(key)
        if watch is None:
            watch = self._watches[key] = _Watch(value)
        elif self._is_newer(value, watch.value):
            watch.update(value)
        subscription = Subscription(watch)
        watch.subscriptions.add(subscription)
        if self._looking is None:
            looking = self._loop.run(asyncio.Event())
            self._looking = asyncio.create_task(looking, name="look")
        try:
            yield subscription
        finally:
            watch.subscriptions.discard(subscription)
            if not watch.subscriptions:
                self._watches.pop(key, None)
            if not self._watches:
                self._stop()

    async def close(self) -> None:
        """Ends every subscription and the look. Called when the process is to end."""
        for watch in self._watches.values():
            for subscription in watch.subscriptions:
                subscription.close()
        looking = self._stop()
        if looking is not None:
            await asyncio.gather(looking, return_exceptions=True)

    def _stop(self) -> asyncio.Task[None] | None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
        return looking

    async def _round(self, _: asyncio.Event) -> float:
        known = {key: watch.value for key, watch in self._watches.items()}
        for key, value in (await self._look(known)).items():
            watch = self._watches.get(key)
            if watch is not None and watch.value is known[key]:
                watch.update(value)
        return self._interval

"""Whether those who read streams are still signed in, asked for all of them at once."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from estafette.http.events import event
from estafette.loops import Loop, Pace
from estafette.usecases.people.standing import Ended, Standing, ended
from estafette.usecases.platform import Platform
from estafette.web.live.hub import Subscription

CHECK_SECONDS: Final = 5.0

OVER: Final = "over"
"""The last event of a stream whose reader may not see its page any more. Its data is the beginning
of the address at which to sign in again; it is empty where they are signed in, and only the page is
not theirs any more."""

_FAREWELLS: Final = {
    Ended.SESSION: event(OVER, "/sign-in?ended=yes"),
    Ended.PLACE: event(OVER, ""),
}


class Standings:
    """Ends the streams of those whose session is over, or who do not belong there any more.

    One statement asks for all of them every `interval` seconds, while there are any.
    """

    def __init__(self, platform: Platform, interval: float) -> None:
        """Asks the database of `platform`."""
        self._platform = platform
        self._interval = interval
        pace = Pace(longest=interval, first=interval)
        self._loop = Loop("sessions of open pages", self._round, pace)
        self._watched: dict[Subscription[Any], Standing] = {}
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self, standing: Standing, subscription: Subscription[Any]) -> Generator[None]:
        """Closes a subscription when a standing ends, until the block does."""
        self._watched[subscription] = standing
        if self._looking is None:
            self._looking = asyncio.create_task(self._loop.run(asyncio.Event()), name="standings")
        try:
            yield
        finally:
            del self._watched[subscription]
            if not self._watched:
                self._looking.cancel()
                self._looking = None

    async def _round(self, _: asyncio.Event) -> float:
        gone = await ended(self._platform, set(self._watched.values()))
        for subscription, standing in self._watched.items():
            if standing in gone:
                subscription.close(_FAREWELLS[gone[standing]])
        return self._interval

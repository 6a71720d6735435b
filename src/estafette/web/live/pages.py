"""The streams of pages of people who signed in.

A page that is live names its stream by the macro `live` (`web/templates/parts.html`), marks the
parts of it that may change by `data-live` and an id each, and needs a route of its own for the
stream, whose handler returns `following(request).stream(...)`. At each event `news` the browser
(`web/assets/live.js`) reads the page again and puts those parts in their places: so whatever the
person may see, in their language and with their filter, is decided where the page itself is.

    ORDERS = Topic("orders", look_of)      # look_of(platform) gives what reads for all at once

    async def follow(request: Request, visit: Visit) -> Response:
        return following(request).stream(visit, ORDERS, visit.organisation.id, known, tell)
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Generic, cast

from starlette.requests import Request
from starlette.responses import Response

from estafette.http.events import Crowd, event
from estafette.usecases.people.standing import Standing
from estafette.usecases.platform import Platform
from estafette.web.live.hub import Hub, K, Look, Subscription, V
from estafette.web.live.standings import CHECK_SECONDS, Standings
from estafette.web.live.stream import EventStream, Tell
from estafette.web.visit import Visit

_HEADERS: Final = {"cache-control": "no-store"}

_READ_AT_ONCE_MILLISECONDS = 2
"""How much time the readers of one thing get each, so that they do not all ask at once."""

_LONGEST_SPREAD_MILLISECONDS = 5_000


@dataclass(frozen=True, eq=False)
class Topic(Generic[K, V]):
    """A kind of things that pages watch.

    `look` makes, for a platform, what reads the changes of all that is watched at once. That is
    done after each signal (`store/signals.py: PAGES`), `apart` seconds apart at least, and every
    `interval` seconds in any case.
    """

    name: str
    look: Callable[[Platform], Look[K, V]]
    interval: float = 2.0
    apart: float = 0.25


class Following:
    """The streams of a process, what they watch, and who reads them."""

    def __init__(
        self, platform: Platform, streams: int, check_seconds: float = CHECK_SECONDS
    ) -> None:
        """Allows at most `streams` open streams; asks so often whether sessions go on."""
        self.crowd = Crowd(streams)
        self._platform = platform
        self._standings = Standings(platform, check_seconds)
        self._hubs: dict[Topic[Any, Any], Hub[Any, Any]] = {}

    def stream(self, visit: Visit, topic: Topic[K, V], key: K, known: V, tell: Tell[V]) -> Response:
        """Returns the stream of a page: of `key`, of which the page has shown `known`.

        It lasts as long as the person's session and their role in the place of the page, is counted
        as theirs, and is a 503 where they, or all together, have too many.
        """
        if visit.request.method == "HEAD":
            return Response(media_type=EventStream.media_type, headers=_HEADERS)
        room = visit.room
        standing = Standing(
            visit.session.id,
            None if room is None else room.organisation,
            None if room is None else room.role,
            is_guest=visit.is_guest,
        )
        person_id = visit.person.id

        @contextmanager
        def subscribe() -> Generator[Subscription[V]]:
            with (
                self.crowd.enter(person_id),
                self._hub(topic).subscribe(key, known) as subscription,
                self._standings.watch(standing, subscription),
            ):
                yield subscription

        return EventStream(subscribe, tell, headers=_HEADERS, spread=visit.session.id.int)

    def wake(self) -> None:
        """Looks for changes soon, because a signal said that there are some."""
        for hub in self._hubs.values():
            hub.wake()

    async def close(self) -> None:
        """Ends every stream and accepts no more. Called when the process is to end."""
        self.crowd.close()
        for hub in self._hubs.values():
            await hub.close()

    def _hub(self, topic: Topic[K, V]) -> Hub[K, V]:
        hub = self._hubs.get(topic)
        if hub is None:
            look = topic.look(self._platform)
            hub = Hub(topic.name, look, interval=topic.interval, apart=topic.apart)
            self._hubs[topic] = hub
        return cast("Hub[K, V]", hub)


def following(request: Request) -> Following:
    """Returns the streams of the process that serves a request."""
    return request.app.state.following


def seen(request: Request) -> str:
    """Returns the id of the last news that a page was told, or what it showed when it was read.

    It comes from the browser: anything may stand in it.
    """
    return request.headers.get("last-event-id") or request.query_params.get("seen", "")


def telling(
    is_known: Callable[[V], bool], of: Callable[[V], object] = lambda value: value
) -> Tell[V]:
    """Returns what tells a page to read itself again after each change.

    `is_known` says at the beginning whether the page has shown what is known then. Of what is known
    `of` takes the part whose changes matter, which is the event's id as a text. The event's data is
    within how many milliseconds to read: the more watch the same, the longer.
    """
    told: list[object] = []

    def tell(subscription: Subscription[V]) -> tuple[bytes, bool]:
        value = of(subscription.value)
        is_told = value == told[0] if told else is_known(subscription.value)
        told[:] = [value]
        if is_told:
            return b"", False
        spread = min(_READ_AT_ONCE_MILLISECONDS * subscription.crowd, _LONGEST_SPREAD_MILLISECONDS)
        return event("news", str(spread), id=str(value)), False

    return tell

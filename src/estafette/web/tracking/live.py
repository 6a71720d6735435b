"""What the recipients' open pages watch: deliveries, read again only when their version grew."""

from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from uuid import UUID

from estafette.http.events import MOST_STREAMS, MOST_STREAMS_EACH, Crowd
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.live.hub import Hub, Subscription

Track = Callable[[UUID], Awaitable[TrackedDelivery | None]]
Versions = Callable[[Collection[UUID]], Awaitable[dict[UUID, int]]]


class Watched:
    """The deliveries whose pages are open in this process.

    `interval` is in seconds. At most `most` streams are open in the process, and at most
    `most_each` for one delivery.
    """

    def __init__(
        self,
        track: Track,
        versions: Versions,
        *,
        interval: float = 1.0,
        most: int = MOST_STREAMS,
        most_each: int = MOST_STREAMS_EACH,
    ) -> None:
        self._track = track
        self._versions = versions
        self.crowd = Crowd(most, most_each)
        self.hub = Hub[UUID, TrackedDelivery](
            "tracking pages",
            self._look,
            interval=interval,
            is_newer=lambda read, known: read.version > known.version,
        )

    @contextmanager
    def subscribe(self, delivery: TrackedDelivery) -> Generator[Subscription[TrackedDelivery]]:
        """Watches `delivery`, which was just read, until the block ends.

        Raises CrowdedError at either bound, and when the process is to end.
        """
        with (
            self.crowd.enter(delivery.id),
            self.hub.subscribe(delivery.id, delivery) as subscription,
        ):
            yield subscription

    async def close(self) -> None:
        """Ends every subscription. Called when the process is to end."""
        self.crowd.close()
        await self.hub.close()

    async def _look(self, known: Mapping[UUID, TrackedDelivery]) -> Mapping[UUID, TrackedDelivery]:
        found: dict[UUID, TrackedDelivery] = {}
        for id, version in (await self._versions(list(known))).items():
            if version > known[id].version and (delivery := await self._track(id)) is not None:
                found[id] = delivery
        return found

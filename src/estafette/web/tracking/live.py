"""What the recipients' open pages watch: deliveries, and the couriers on the way with them.

A delivery is read again only when its version grew; the couriers of all are read by one look.
"""

from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.approach import Approach
from estafette.http.events import MOST_STREAMS, MOST_STREAMS_EACH, Crowd
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.live.hub import Hub, Subscription

Track = Callable[[UUID], Awaitable[TrackedDelivery | None]]
Versions = Callable[[Collection[UUID]], Awaitable[dict[UUID, int]]]
Approaches = Callable[[Collection[UUID]], Awaitable[dict[UUID, Approach]]]


async def _nobody(_: Collection[UUID]) -> dict[UUID, Approach]:
    return {}


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
        approaches: Approaches = _nobody,
        interval: float = 1.0,
        most: int = MOST_STREAMS,
        most_each: int = MOST_STREAMS_EACH,
    ) -> None:
        self._track = track
        self._versions = versions
        self._approaches = approaches
        self.crowd = Crowd(most, most_each)
        self.hub = Hub[UUID, TrackedDelivery](
            "tracking pages",
            self._look,
            interval=interval,
            is_newer=_is_newer,
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
        return await self._approaching(known, found) | found

    async def _approaching(
        self, known: Mapping[UUID, TrackedDelivery], passed: Collection[UUID]
    ) -> dict[UUID, TrackedDelivery]:
        """Those that are out for delivery as before, and whose courier has moved or is lost."""
        out = [
            id
            for id, one in known.items()
            if one.status is Status.OUT_FOR_DELIVERY and id not in passed
        ]
        now = await self._approaches(out) if out else {}
        return {
            id: replace(known[id], approach=now.get(id))
            for id in out
            if now.get(id) != known[id].approach
        }


def _is_newer(read: TrackedDelivery, known: TrackedDelivery) -> bool:
    if read.version != known.version:
        return read.version > known.version
    return read.approach != known.approach

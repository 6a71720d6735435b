"""Deliveries to look at, and a server that shows them, for the tests of the tracking page."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uvicorn
from starlette.applications import Starlette

from estafette.core.deliveries.delivery import COURSE, Status
from estafette.core.ids import from_base32, new_id, to_base32
from estafette.http.fallback import plain_words
from estafette.http.mounts import Mount, Mounted, Mounts
from estafette.usecases.deliveries.tracking import TrackedDelivery, TrackedStep
from estafette.web.tracking.app import TrackingPages
from estafette.web.tracking.live import Watched

NOW = datetime(2026, 11, 24, 9, 40, tzinfo=UTC)
"""Tuesday, 14:40 in Almaty."""


def public(id: UUID) -> str:
    """The public id of a delivery."""
    return f"dlv_{to_base32(id)}"


def parse_public(text: str) -> UUID | None:
    """The delivery of a public id."""
    return from_base32(text.removeprefix("dlv_")) if text.startswith("dlv_") else None


def delivery(status: Status, note: str | None = None, *before: Status) -> TrackedDelivery:
    """A delivery that came to `status` along the normal course, or by the statuses `before`.

    It went from Almaty to Astana, a step an hour, the last an hour ago; `note` is the last step's.
    """
    if not before:
        end = COURSE.index(status) if status in COURSE else COURSE.index(Status.IN_TRANSIT) + 1
        before = COURSE[1:end]
    course = (*before, status)
    steps = tuple(
        TrackedStep(number, each, NOW - timedelta(hours=len(course) + 1 - number), None)
        for number, each in enumerate(course, start=1)
    )
    reached = max((each for each in course if each in COURSE), key=COURSE.index)
    return TrackedDelivery(
        id=new_id(),
        version=len(steps),
        status=status,
        milestone=status if status is Status.CANCELLED else reached,
        pickup_city="Алматы",
        dropoff_city="Астана",
        pickup_by=NOW + timedelta(hours=1),
        deliver_by=NOW + timedelta(hours=3, minutes=42),
        created_at=steps[0].occurred_at,
        time_zone="Asia/Almaty",
        market="KZ",
        dialect="kaspi",
        steps=(*steps[:-1], replace(steps[-1], note=note)),
    )


def advanced(found: TrackedDelivery, status: Status, note: str | None = None) -> TrackedDelivery:
    """The same delivery one event later."""
    return replace(
        found,
        version=found.version + 1,
        status=status,
        milestone=status if status in COURSE else found.milestone,
        steps=(*found.steps, TrackedStep(found.version + 1, status, NOW, note)),
    )


class Shelf:
    """Deliveries in memory, read as the use cases read them."""

    def __init__(self, *deliveries: TrackedDelivery) -> None:
        self.deliveries = {each.id: each for each in deliveries}
        self.polls = 0

    def put(self, found: TrackedDelivery) -> None:
        """A delivery as it is now."""
        self.deliveries[found.id] = found

    async def track(self, id: UUID, visitor: str | None = None) -> TrackedDelivery | None:
        """One delivery."""
        return self.deliveries.get(id)

    async def versions(self, ids: Collection[UUID]) -> dict[UUID, int]:
        """The versions of those that exist."""
        self.polls += 1
        return {id: self.deliveries[id].version for id in ids if id in self.deliveries}

    def watched(self, *, most: int = 50, most_each: int = 20) -> Watched:
        """A watch that looks often."""
        return Watched(self.track, self.versions, interval=0.005, most=most, most_each=most_each)

    def pages(self, watched: Watched | None = None, **parts: Any) -> TrackingPages:
        """The pages at the moment `NOW`."""
        wanted: dict[str, Any] = {"public_id": parse_public, "clock": lambda: NOW, **parts}
        return TrackingPages(self.track, watched or self.watched(), **wanted)


@asynccontextmanager
async def served(pages: TrackingPages) -> AsyncGenerator[str]:
    """The pages behind a real server; yields the address that they are mounted at."""
    mounted = Mounted(Mount("/track"), pages, plain_words)
    app = Mounts("http://127.0.0.1", [mounted], Starlette())
    listening = socket.create_server(("127.0.0.1", 0))  # whoever comes early waits in its queue
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    port = listening.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/track"
    finally:
        await pages.close_streams()
        server.should_exit = True
        await serving

"""Streams of a page that is open: what has changed, for as long as the session lasts.

A stream asks every few seconds whether its session still opens the page. Where it does not, the
last event is `signed-out` with the address to go to, which `web/assets/product.js` follows. While
there is no news it sends a `pulse`, as the recipient's page has it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from estafette.http.events import HEARTBEAT_SECONDS, Crowd, CrowdedError, event, pulse
from estafette.usecases.people.visits import visitor
from estafette.web.session import SESSION
from estafette.web.visit import Visit

CHECK_SECONDS: Final = 5.0
CROWDED_SECONDS: Final = 30

SIGNED_OUT: Final = "signed-out"


class _Counted(StreamingResponse):
    """A stream that is counted while it is open, or a 503 where there are too many."""

    def __init__(
        self, events: AsyncGenerator[bytes], crowd: Crowd, person_id: UUID, headers: dict[str, str]
    ) -> None:
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._events = events
        self._crowd = crowd
        self._person_id = person_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until one of these ends."""
        try:
            with self._crowd.enter(self._person_id):
                await super().__call__(scope, receive, send)
        except CrowdedError:
            headers = {"cache-control": "no-store", "retry-after": str(CROWDED_SECONDS)}
            await Response(status_code=503, headers=headers)(scope, receive, send)
        finally:
            await self._events.aclose()


def stream(visit: Visit, events: AsyncIterator[bytes], *, page: str, crowd: Crowd) -> Response:
    """Returns the stream of `events` (as `event` makes them) for the page at the path `page`.

    It has a heartbeat, and ends when `events` do, the session does, or the person goes away; then
    `events` is closed. It is counted in `crowd` (`request.app.state.crowd`), and where that is full
    the answer is a 503.
    """
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return _Counted(_while_signed_in(visit, events, page), crowd, visit.person.id, headers)


async def _while_signed_in(
    visit: Visit, events: AsyncIterator[bytes], page: str
) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    yield pulse(HEARTBEAT_SECONDS)
    said_at = loop.time()
    following = asyncio.ensure_future(anext(events))
    try:
        while True:
            await asyncio.wait((following,), timeout=CHECK_SECONDS)
            if not await _opens_still(visit):
                place = f"/sign-in?{urlencode({'next': page})}"
                yield event(SIGNED_OUT, place)
                return
            if following.done():
                try:
                    yield following.result()
                except StopAsyncIteration:
                    return
                said_at = loop.time()
                following = asyncio.ensure_future(anext(events))
            elif loop.time() - said_at >= HEARTBEAT_SECONDS:
                yield pulse(HEARTBEAT_SECONDS)
                said_at = loop.time()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def _opens_still(visit: Visit) -> bool:
    """Returns whether the session goes on, with the same role in the same place."""
    token = visit.cookies.read(visit.request.scope, SESSION)
    known = None if token is None else await visitor(visit.platform, token, visit.address)
    if known is None or known.found.session.id != visit.session.id:
        return False
    if visit.room is None:
        return True
    if visit.is_guest:
        return known.role_as_guest(visit.organisation.kind) is visit.role
    return known.role_in(visit.organisation) is visit.role

"""Streams of a page that is open: what has changed, for as long as the session lasts.

A stream asks every few seconds whether its session still opens the page. Where it does not, the
last event is `signed-out` with the address to go to, which `web/assets/product.js` follows.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from estafette.usecases.people.visits import visitor
from estafette.web.session import SESSION
from estafette.web.visit import Visit

HEARTBEAT_SECONDS: Final = 15.0
CHECK_SECONDS: Final = 5.0

SIGNED_OUT: Final = "signed-out"


def event(name: str, data: str, id: str = "") -> bytes:
    """Returns an event as it goes over the wire (HTML, 9.2.6); `data` may have several lines."""
    lines = [f"id: {id}"] if id else []
    lines += [f"event: {name}", *(f"data: {line}" for line in data.split("\n"))]
    return ("\n".join(lines) + "\n\n").encode()


def stream(visit: Visit, events: AsyncIterator[bytes], *, page: str) -> Response:
    """Returns the stream of `events` (as `event` makes them) for the page at the path `page`.

    It has a heartbeat, and ends when `events` do, the session does, or the person goes away; then
    `events` is closed.
    """
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(
        _while_signed_in(visit, events, page), headers=headers, media_type="text/event-stream"
    )


async def _while_signed_in(
    visit: Visit, events: AsyncIterator[bytes], page: str
) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    yield b": begun\n\n"
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
                yield b": still here\n\n"
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

"""One reader's stream of server-sent events over a hub's subscription."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any, Generic

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from estafette.http.events import HEARTBEAT_SECONDS, CrowdedError, pulse
from estafette.web.live.hub import ChangeSignal, Subscription, V

_RETRY_BASE_MILLISECONDS = 2000
_RETRY_SPREAD_MILLISECONDS = 3000
_STUCK_SECONDS = 30.0
"""A client that reads nothing for so many seconds is taken to be gone."""

_CROWDED_SECONDS = "30"

_STREAM = "estafette.stream"

Subscribe = Callable[[], AbstractContextManager[Subscription[V]]]
"""Begins to watch until the block ends. Raises CrowdedError where there are too many streams."""

Tell = Callable[[Subscription[V]], tuple[bytes, bool]]
"""Returns the events to send of what is known now, and whether they are the last ones. It is asked
at the beginning, after news, and at every heartbeat, and keeps what it has told."""


class EventStream(Response, Generic[V]):
    """An answer that streams what has changed, for as long as somebody reads.

    It ends after the last events, when the reader leaves, and when the subscription is closed. It
    leaves no task behind. Where there are too many streams the answer is a 503.

    While there is no news it sends a `pulse` every `heartbeat` seconds, whose data is that number:
    a page that hears none for longer knows that something between has dropped the stream.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        subscribe: Subscribe[V],
        tell: Tell[V],
        *,
        headers: Mapping[str, str],
        spread: int,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Streams to one reader; `spread` is any number that differs from reader to reader."""
        self.status_code = 200
        self.background = None
        self.init_headers({**headers, "X-Accel-Buffering": "no"})  # nginx would buffer events
        self._headers = headers
        self._subscribe = subscribe
        self._tell = tell
        # so that the clients of a restarted server do not all connect at once
        self._retry = _RETRY_BASE_MILLISECONDS + spread % _RETRY_SPREAD_MILLISECONDS
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until one of these ends, or lets `with_streams` do that."""
        if _STREAM in scope:
            scope[_STREAM] = self
        else:
            await self.run(scope, receive, send)

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until one of these ends."""
        try:
            with self._subscribe() as subscription:
                await self._run(subscription, receive, send)
        except CrowdedError:
            headers = {**self._headers, "Retry-After": _CROWDED_SECONDS}
            await Response(status_code=503, headers=headers)(scope, receive, send)

    async def _run(self, subscription: Subscription[V], receive: Receive, send: Send) -> None:
        departure = asyncio.create_task(_await_departure(subscription, receive))
        try:
            with suppress(OSError, TimeoutError):  # the client has gone, or reads nothing
                await self._stream(subscription, send)
        finally:
            departure.cancel()
            await asyncio.gather(departure, return_exceptions=True)

    async def _stream(self, subscription: Subscription[V], send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await _send(send, start)
        alive = pulse(self._heartbeat)
        await _send_body(send, f"retry: {self._retry}\n\n".encode() + alive)
        while True:
            told, is_last = self._tell(subscription)
            if told:
                await _send_body(send, told)
            if is_last:
                break
            signal = await subscription.wait(self._heartbeat)
            if signal is ChangeSignal.CLOSED:
                if subscription.farewell:
                    await _send_body(send, subscription.farewell)
                break
            if signal is ChangeSignal.QUIET:
                await _send_body(send, alive)
        await _send(send, {"type": "http.response.body", "body": b"", "more_body": False})


async def with_streams(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serves a request by `app`. A stream that it answers with runs after it has returned.

    What an application keeps while it answers (its middleware, its routes, the request) would else
    stay in memory for as long as each page is open: a third of what an open page costs.
    """
    scope[_STREAM] = None
    await app(scope, receive, send)
    stream: EventStream[Any] | None = scope.pop(_STREAM)
    if stream is not None:
        await stream.run(scope, receive, send)


async def _await_departure(subscription: Subscription[V], receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.close()


async def _send_body(send: Send, body: bytes) -> None:
    await _send(send, {"type": "http.response.body", "body": body, "more_body": True})


async def _send(send: Send, message: Message) -> None:
    async with asyncio.timeout(_STUCK_SECONDS):
        await send(message)

"""One reader's stream of updates: server-sent events over a hub's subscription."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from estafette.core.deliveries.delivery import FINAL
from estafette.http.events import HEARTBEAT_SECONDS, event, pulse
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.tracking.live import ChangeSignal, CrowdedError, Hub, Subscription

Render = Callable[[TrackedDelivery], tuple[str, str]]
"""The HTML that a reader sees of a delivery now, and its fingerprint."""

_RETRY_BASE_MILLISECONDS = 2000
_RETRY_SPREAD_MILLISECONDS = 3000
_STUCK_SECONDS = 30.0
"""A client that reads nothing for so many seconds is taken to be gone."""


class EventStream(Response):
    """An answer that streams a delivery, as `render` writes it, whenever it has changed.

    It sends an update whenever the fingerprint differs from the last one sent (at first from
    `seen`, what the reader has), and ends after a final delivery, when the reader leaves, and
    when the hub closes. It leaves no task behind. Where the hub is crowded the answer is a 503.

    While there is no news it sends a `pulse` every `heartbeat` seconds, whose data is that number:
    a page that hears none for longer knows that something between has dropped the stream.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Hub,
        delivery: TrackedDelivery,
        render: Render,
        *,
        seen: str | None,
        headers: Mapping[str, str],
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({**headers, "X-Accel-Buffering": "no"})  # nginx would buffer events
        self._refusal = Response(status_code=503, headers={**headers, "Retry-After": "30"})
        self._hub = hub
        self._delivery = delivery
        self._render = render
        self._seen = seen
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until one of these ends."""
        try:
            with self._hub.subscribe(self._delivery) as subscription:
                await self._run(subscription, receive, send)
        except CrowdedError:
            await self._refusal(scope, receive, send)

    async def _run(self, subscription: Subscription, receive: Receive, send: Send) -> None:
        departure = asyncio.create_task(_await_departure(subscription, receive))
        try:
            with suppress(OSError, TimeoutError):  # the client has gone, or reads nothing
                await self._stream(subscription, send)
        finally:
            departure.cancel()
            await asyncio.gather(departure, return_exceptions=True)

    async def _stream(self, subscription: Subscription, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await _send(send, start)
        # spread by the id, so that the clients of a restarted server do not all connect at once
        wait = _RETRY_BASE_MILLISECONDS + self._delivery.id.int % _RETRY_SPREAD_MILLISECONDS
        alive = pulse(self._heartbeat)
        await _send_body(send, f"retry: {wait}\n\n".encode() + alive)
        while True:
            delivery = subscription.delivery
            html, fingerprint = self._render(delivery)
            if fingerprint != self._seen:
                await _send_body(send, event("update", html, id=fingerprint))
                self._seen = fingerprint
            if delivery.status in FINAL:
                await _send_body(send, event("end", ""))
                break
            signal = await subscription.wait(self._heartbeat)
            if signal is ChangeSignal.CLOSED:
                break
            if signal is ChangeSignal.QUIET:
                await _send_body(send, alive)
        await _send(send, {"type": "http.response.body", "body": b"", "more_body": False})


async def _await_departure(subscription: Subscription, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.close()


async def _send_body(send: Send, body: bytes) -> None:
    await _send(send, {"type": "http.response.body", "body": body, "more_body": True})


async def _send(send: Send, message: Message) -> None:
    async with asyncio.timeout(_STUCK_SECONDS):
        await send(message)

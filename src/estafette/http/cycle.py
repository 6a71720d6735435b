"""One request and its answer on a connection of uvicorn's.

uvicorn writes the head of an answer and its body separately, and the event loop sends each at once.
That takes two system calls and two packets, and the caller is woken twice. Here the head is sent
together with the body. A long answer is written in pieces, so that a caller who does not read it
costs no second copy of it.
"""

import asyncio
from typing import Any, cast

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from estafette.http.request import WHOLE_BODY

_NO_BODY = frozenset({204, 304})

_PIECE = 64 * 1024
"""How many bytes of an answer are passed to the transport at once."""

_BORNE = 3
"""How many refusals in a row are sent without a delay."""

_MOST_REFUSALS = 10
"""After how many refusals in a row the connection is closed."""


class CycleTimeouts:
    """Delays further answers on a connection after answers of 429, and finally ends it."""

    __slots__ = ("_refused", "_seconds")

    def __init__(self, seconds: float) -> None:
        """Delays refusals by `seconds`, from the fourth in a row on."""
        self._seconds = seconds
        self._refused = 0

    def wait(self, status: int) -> float:
        """Returns by how many seconds an answer with that status is delayed."""
        self._refused = self._refused + 1 if status == 429 else 0
        return self._seconds if self._refused > _BORNE else 0.0

    @property
    def is_over(self) -> bool:
        """Whether the answer is the last one on its connection."""
        return self._refused >= _MOST_REFUSALS


class Cycle(RequestResponseCycle):
    """uvicorn's cycle, changed so that an answer whose body is known is sent as one piece."""

    _head = b""  # bytes to write before the next part of the body
    patience: CycleTimeouts | None = None  # the connection's; None: refusals are never delayed
    unwritten = 0  # bytes of a long answer that are not yet with the transport

    def whole_body(self, limit: int) -> bytes | None:
        """Returns the body of the request; None if some is missing or it has over `limit` bytes."""
        if self.more_body or self.disconnected or len(self.body) > limit:
            return None
        body, self.body = bytes(self.body), bytearray()
        self.message_event.clear()
        return body

    async def send(self, message: Any) -> None:
        """Sends the next message of the application's answer."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        wanted = "http.response.body" if self.response_started else "http.response.start"
        if message["type"] != wanted or self.response_complete:
            raise RuntimeError(f"an application sends {message['type']} where {wanted} was due")
        if self.response_started:
            await self._send_body(message)
            return
        if self.patience is not None:
            if wait := self.patience.wait(message["status"]):
                await asyncio.sleep(wait)
                if self.disconnected:
                    return
            if self.patience.is_over:
                self.keep_alive = False
        self._head = self._begin(message)
        if self.chunked_encoding:  # in that case the body may come much later
            asyncio.get_running_loop().call_soon(self._write_head)

    def _begin(self, message: Message) -> bytes:
        """Begins an answer; returns its head."""
        self.response_started = True
        self.waiting_for_100_continue = False
        status: int = message["status"]
        headers = [(name.lower(), value) for name, value in message.get("headers", ())]
        headers = [*self.default_headers, *headers]
        known = dict(headers)
        # The expressions do not match the separators that are used here.
        if HEADER_RE.search(b"-".join(known)) or HEADER_VALUE_RE.search(
            b"\t".join([value for _, value in headers])
        ):
            raise RuntimeError("an application sends a header that is none")
        length = known.get(b"content-length")
        if length is not None:
            self.expected_content_length = int(length)
            self.chunked_encoding = False
        elif self.scope["method"] != "HEAD" and status not in _NO_BODY:
            self.chunked_encoding = True
            headers.append((b"transfer-encoding", b"chunked"))
        if known.get(b"connection", b"").lower() == b"close":
            self.keep_alive = False
        elif not self.keep_alive:
            headers.append((b"connection", b"close"))
        lines = [b"%b: %b\r\n" % header for header in headers]
        return b"".join([STATUS_LINE[status], *lines, b"\r\n"])

    async def _send_body(self, message: Message) -> None:
        body: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        if self.scope["method"] == "HEAD":
            body = b""
            self.expected_content_length = 0
        elif self.chunked_encoding:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body)
            if not more:
                body += b"0\r\n\r\n"
        else:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0:
                raise RuntimeError("an answer is longer than its Content-Length")
        if self._head:
            body, self._head = self._head + body, b""
        if len(body) <= _PIECE:
            self.transport.write(body)
        elif not await self._write_long(body):
            return
        if more:
            return
        if self.expected_content_length:
            raise RuntimeError("an answer is shorter than its Content-Length")
        self.response_complete = True
        # The scope would refer to this object, and it to the scope: each request would wait for
        # the garbage collector, which then delays all other requests.
        cast("dict[str, Any]", self.scope).pop(WHOLE_BODY, None)
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    async def _write_long(self, body: bytes) -> bool:
        """Writes a long body as fast as the caller reads; returns False if the caller has gone."""
        rest = memoryview(body)
        try:
            while rest:
                self.transport.write(rest[:_PIECE])
                rest = rest[_PIECE:]
                self.unwritten = len(rest)
                if self.flow.write_paused and not self.disconnected:
                    await self.flow.drain()
                if self.disconnected:
                    return False
        finally:
            self.unwritten = 0
        return True

    def _write_head(self) -> None:
        """Writes the head if it was not sent yet, since the body may come much later."""
        if self._head and not (self.disconnected or self.transport.is_closing()):
            self.transport.write(self._head)
            self._head = b""

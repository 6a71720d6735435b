"""One request and its answer on a connection of uvicorn's.

uvicorn writes the head of an answer and its body apart, and the event loop sends each at once: two
system calls, two packets, and a caller who is woken twice. Here the head waits for the body.
"""

import asyncio
from typing import Any

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

_NO_BODY = frozenset({204, 304})


class Cycle(RequestResponseCycle):
    """As uvicorn's, but that an answer which is at hand goes out as one piece."""

    _head = b""  # what is to be written before the next part of the body

    def whole_body(self, limit: int) -> bytes | None:
        """The body of the request, if all of it is here and it is not longer; None: it is not."""
        if self.more_body or self.disconnected or len(self.body) > limit:
            return None
        body, self.body = bytes(self.body), bytearray()
        self.message_event.clear()
        return body

    async def send(self, message: Any) -> None:
        """Takes the next message of the application's answer."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        wanted = "http.response.body" if self.response_started else "http.response.start"
        if message["type"] != wanted or self.response_complete:
            raise RuntimeError(f"an application sends {message['type']} where {wanted} was due")
        if self.response_started:
            self._send_body(message)
            return
        self._head = self._begin(message)
        if self.chunked_encoding:  # then nobody knows when the body comes
            asyncio.get_running_loop().call_soon(self._write_head)

    def _begin(self, message: Message) -> bytes:
        """Begins an answer; returns its head."""
        self.response_started = True
        self.waiting_for_100_continue = False
        status: int = message["status"]
        headers = [(name.lower(), value) for name, value in message.get("headers", ())]
        headers = [*self.default_headers, *headers]
        known = dict(headers)
        # no separator of these is in what they look for
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

    def _send_body(self, message: Message) -> None:
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
        self.transport.write(body)
        if more:
            return
        if self.expected_content_length:
            raise RuntimeError("an answer is shorter than its Content-Length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _write_head(self) -> None:
        """Writes a head that still waits: the body may take its time."""
        if self._head and not (self.disconnected or self.transport.is_closing()):
            self.transport.write(self._head)
            self._head = b""

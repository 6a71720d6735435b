"""HTTP/1.1 by uvicorn and httptools; what cannot be parsed is answered in an owner's shape."""

import re
import sys
from typing import Any, cast

from httptools import HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from estafette.http.fallback import Fallback
from estafette.http.request import request_id

HEAD_LIMIT = 64 * 1024
"""How long a request line and headers may be together, in bytes."""

_TARGET = re.compile(rb"\A\s*[^ \r\n]{1,4000} +([^ \r\n]{1,4000})")
_PATH = re.compile(r"\A(?:[a-z]+://[^/?#]*)?([^?#]*)")


def http_protocol(fallback: Fallback) -> type[HttpToolsProtocol]:
    """A protocol for `uvicorn.Config(http=…)` that refuses malformed HTTP by `fallback`.

    It also bounds a request's head and trailers, which uvicorn does not do over httptools, lets
    trailers say nothing, and takes no upgrade to another protocol.
    """

    class Protocol(_Protocol):
        refuse = staticmethod(fallback)

    return Protocol


class _Protocol(HttpToolsProtocol):
    refuse: Fallback
    _chunk: bytes = b""
    _again: bytes = b""  # what is to be parsed after the chunk
    _head: int | None = None  # bytes of the head or trailers under way; None: there are none
    _shared = False  # whether the chunk holds something else before these
    _running: RequestResponseCycle | None = None  # the last request that was begun to be answered
    _has_headers = False  # whether the headers are complete: those that follow are trailers

    def data_received(self, data: bytes) -> None:
        """Parses what has arrived."""
        self._shared = False
        self._again = data
        while self._again:
            self._chunk, self._again = self._again, b""
            super().data_received(self._chunk)
        if self._head is not None and not self._shared:
            self._head += len(data)
            if self._head > HEAD_LIMIT and not self.transport.is_closing():
                self.send_400_response("The head is too long.")
        self._chunk = b""

    def on_message_begin(self) -> None:
        """Begins a request."""
        self._head = 0
        self._has_headers = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header. A trailer is none (RFC 9110, 6.5.1): it would pass for an API key."""
        if not self._has_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hands the request to the application."""
        self._head = None
        self._has_headers = True
        if not self._offers_upgrade():
            super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Begins a chunk of the body, or, after the last one, the trailers."""
        self._head = 0
        self._shared = True

    def on_body(self, body: bytes) -> None:
        """Takes a part of the body."""
        self._head = None
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request; the rest of the chunk belongs to another."""
        self._head = None
        self._shared = True
        if not self._offers_upgrade():
            super().on_message_complete()

    def _offers_upgrade(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _unsupported_upgrade_warning(self) -> None:
        """Has a request read again without its offer of another protocol, which is not taken.

        Some clients offer HTTP/2 with every request; the parser would skip the body and read
        nothing after it.
        """
        if not self._offers_upgrade():
            self.send_400_response("Nothing is tunnelled.")
            return
        parser, offer = self.parser, sys.exception()
        version = parser.get_http_version().encode("ascii")
        head = [b"%b %b HTTP/%b\r\n" % (parser.get_method(), self.url, version)]
        head += [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        end: int = offer.args[0] if isinstance(offer, HttpParserUpgrade) else len(self._chunk)
        self._again = b"".join(head) + b"\r\n" + self._chunk[end:]
        self.parser = HttpRequestParser(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells the request under way, which is not the last one that has arrived."""
        self._let_go()
        super().connection_lost(exc)

    def _let_go(self) -> None:
        """Nothing more can be said on this connection: whoever still works for it shall know."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP and closes the connection."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        busy = cycle is not None and not cycle.response_complete
        if cycle and busy and (cycle.response_started or not cycle.more_body):
            self._let_go()
            self.transport.close()  # what we say now would be taken for another request's answer
            return
        content_type, body = self.refuse(self._path(), 400)
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {content_type}\r\n"
            f"content-length: {len(body)}\r\n"
            f"x-request-id: {request_id(self.headers or ())}\r\n"
            "connection: close\r\n\r\n"
        )
        self._let_go()
        self.transport.write(head.encode("latin-1") + body)
        self.transport.close()

    def _path(self) -> str:
        """The path of the request under way, as far as it can be made out."""
        target: Any = getattr(self, "url", b"")
        if not target and (found := _TARGET.match(self._chunk)):
            target = found[1]
        found = _PATH.match(target.decode("latin-1"))
        return found[1] if found else ""

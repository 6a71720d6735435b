"""HTTP/1.1 by uvicorn and httptools; what cannot be parsed is answered in an owner's shape."""

import re
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from estafette.http.fallback import Fallback
from estafette.http.request import request_id

HEAD_LIMIT = 64 * 1024
"""How long a request line and headers may be together, in bytes."""

_TARGET = re.compile(rb"\A\s*[^ \r\n]{1,4000} +([^ \r\n]{1,4000})")
_PATH = re.compile(r"\A(?:[a-z]+://[^/?#]*)?([^?#]*)")


def http_protocol(fallback: Fallback) -> type[HttpToolsProtocol]:
    """A protocol for `uvicorn.Config(http=…)` that refuses malformed HTTP by `fallback`.

    It also bounds a request's head, which uvicorn does not do over httptools.
    """

    class Protocol(_Protocol):
        refuse = staticmethod(fallback)

    return Protocol


class _Protocol(HttpToolsProtocol):
    refuse: Fallback
    _chunk: bytes = b""
    _head: int | None = None  # bytes of the head under way; None: there is none
    _shared = False  # whether the chunk holds the end of an earlier request too

    def data_received(self, data: bytes) -> None:
        """Parses what has arrived."""
        self._chunk = data
        self._shared = False
        super().data_received(data)
        if self._head is not None and not self._shared:
            self._head += len(data)
            if self._head > HEAD_LIMIT and not self.transport.is_closing():
                self.send_400_response("The head is too long.")
        self._chunk = b""

    def on_message_begin(self) -> None:
        """Begins a request."""
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hands the request to the application."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends a request; the rest of the chunk belongs to another."""
        self._shared = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP and closes the connection."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        busy = cycle is not None and not cycle.response_complete
        if cycle and busy and (cycle.response_started or not cycle.more_body):
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
        self.transport.write(head.encode("latin-1") + body)
        self.transport.close()

    def _path(self) -> str:
        """The path of the request under way, as far as it can be made out."""
        target: Any = getattr(self, "url", b"")
        if not target and (found := _TARGET.match(self._chunk)):
            target = found[1]
        found = _PATH.match(target.decode("latin-1"))
        return found[1] if found else ""

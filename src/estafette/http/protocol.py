"""HTTP/1.1 by uvicorn and httptools, with the bounds and timeouts that these two lack.

A request that cannot be parsed, or does not arrive in time, is answered in the shape of the dialect
or page that owns its path. Private parts of uvicorn are used by this module, http/cycle.py and
http/unread.py and nowhere else: `PRIVATE` names them, and a test compares them with the installed
uvicorn.
"""

import asyncio
import re
import socket
import struct
import sys
from contextlib import suppress
from typing import Any, cast
from urllib.parse import unquote

from httptools import HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from estafette.http.connections import Connections
from estafette.http.cycle import Cycle, CycleTimeouts
from estafette.http.fallback import Fallback, last_answer
from estafette.http.mounts import host_of
from estafette.http.request import WHOLE_BODY, request_id
from estafette.http.unread import UnreadAnswers

HEAD_LIMIT = 64 * 1024
"""The greatest length of a request line and headers together, in bytes."""

AHEAD = 8
"""How many requests a caller may send before the answers to earlier ones have been sent."""

PRIVATE = {
    HttpToolsProtocol: (
        *("access_logger", "app", "app_state", "client", "config", "cycle", "expect_100_continue"),
        *("flow", "headers", "logger", "loop", "parser", "pipeline", "scope", "server_state"),
        *("tasks", "transport"),
    ),
    RequestResponseCycle: (
        *("chunked_encoding", "default_headers", "disconnected", "expected_content_length"),
        *(
            "body",
            "flow",
            "keep_alive",
            "message_event",
            "more_body",
            "on_response",
            "response_complete",
        ),
        *("response_started", "scope", "transport", "waiting_for_100_continue"),
    ),
}
"""The attributes of uvicorn's objects that are used here and in the modules beside this one."""

OVERRIDDEN = (
    *("connection_made", "connection_lost", "data_received", "resume_writing", "on_message_begin"),
    *("on_header", "on_headers_complete", "on_body", "on_message_complete"),
    *("on_response_complete", "send_400_response", "_start_asgi_task"),
    "_unsupported_upgrade_warning",
)
"""The methods of uvicorn's protocol that are replaced here. uvicorn's classes must call them."""

_TARGET = re.compile(rb"\A\s*[^ \r\n]{1,4000} +([^ \r\n]{1,4000})")
_HOST = re.compile(rb"\r\nhost:[ \t]*([^\r\n]{1,255})\r\n", re.IGNORECASE)
_PATH = re.compile(r"\A(?:[a-z]+://[^/?#]*)?([^?#]*)")


def http_protocol(fallback: Fallback, connections: Connections) -> type[HttpToolsProtocol]:
    """Returns a protocol for `uvicorn.Config(http=…)` that refuses malformed HTTP by `fallback`.

    It also bounds what uvicorn does not bound: the number of `connections`, the time for which each
    may keep the server waiting, the length of a head and of trailers, and the number of requests
    that are sent ahead. Trailers are read and dropped. A request to change to another protocol is
    ignored.
    """

    class Protocol(_Protocol):
        refuse = staticmethod(fallback)
        watch = connections

    return Protocol


class _Protocol(HttpToolsProtocol):
    refuse: Fallback
    watch: Connections
    _chunk: bytes = b""
    _again: bytes = b""  # bytes that are parsed after the chunk
    _head: int | None = None  # bytes received of an incomplete head or trailers; None: none
    _shared = False  # whether the chunk begins with anything but these
    _running: RequestResponseCycle | None = None  # the request that is answered, or was last
    _has_headers = False  # whether the headers are complete: those that follow are trailers
    host = ""  # the address of the other end: the caller's, or a proxy's
    _refusal: int | None = None  # the status by which this whole connection is refused
    _is_deaf = False  # whether further bytes are dropped unread
    _patience: CycleTimeouts | None = None
    # Moments on the clock of `watch`, in seconds:
    _made_at = 0.0
    _asked_at: float | None = None  # last step of an arriving request; None: none
    _answered_at = 0.0
    _unread: UnreadAnswers

    @property
    def unread(self) -> int:
        """How many bytes of the connection's answers were unread at the last look."""
        return self._unread.count

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as in uvicorn
        """Accepts the connection, or notes that it is refused."""
        super().connection_made(transport)
        self._unread = UnreadAnswers(transport)
        self.host = self.client[0] if self.client else ""
        self._refusal = self.watch.admit(self, self.host)
        self._made_at = self.watch.now
        if not self.watch.is_proxy(self.host):  # a proxy's carry many callers' requests
            self._patience = CycleTimeouts(self.watch.limits.refusal)
        if self._refusal == 0:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parses what has arrived."""
        if self._is_deaf:
            return
        self._shared = False
        self._again = data
        while self._again:
            self._chunk, self._again = self._again, b""
            super().data_received(self._chunk)
            if self._is_deaf:
                return
        if self._head is not None and not self._shared:
            self._head += len(data)
            if self._head > HEAD_LIMIT and not self.transport.is_closing():
                self.send_400_response("The head is too long.")
        self._chunk = b""

    def on_message_begin(self) -> None:
        """Begins a request."""
        if self._is_deaf:
            return
        self._asked_at = self.watch.now
        self._head = 0
        self._has_headers = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keeps a header. Trailers are dropped (RFC 9110, 6.5.1): one could pass for an API key."""
        if not self._has_headers and not self._is_deaf:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hands the request to the application."""
        if self._is_deaf:
            return
        if self._refusal:
            self._say(self._refusal)
            return
        self._asked_at = self.watch.now
        self.watch.work(self)
        self._head = None
        self._has_headers = True
        if not self._offers_upgrade():
            self._take()

    def _take(self) -> None:
        """Hands the request to the application once all earlier requests are answered."""
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        target = parse_url(self.url)
        path = target.path.decode("ascii")
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""
        before = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        app = cast("Any", self.app)  # pyright: ignore[reportUnknownMemberType] - as it says
        self.cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        scope[WHOLE_BODY] = self.cycle.whole_body  # pyright: ignore[reportGeneralTypeIssues] - more than ASGI says
        self.cycle.patience = self._patience
        self._unread.may_be_left = True
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, app))

    def on_chunk_header(self) -> None:
        """Begins a chunk of the body, or, after the last one, the trailers."""
        self._head = 0
        self._shared = True

    def on_body(self, body: bytes) -> None:
        """Keeps a part of the body."""
        self._head = None
        if not self._is_deaf:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request. The rest of the chunk belongs to the next request."""
        if self._is_deaf:
            return
        self._asked_at = None
        self._head = None
        self._shared = True
        if not self._offers_upgrade():
            super().on_message_complete()
        if len(self.pipeline) >= AHEAD:
            self.watch.note("pipeline", self.host)
            self._is_deaf = True
            self.cycle.keep_alive = False  # the rest may be sent again on another connection

    def on_response_complete(self) -> None:
        """Begins the next request if one was sent ahead; otherwise marks the connection as idle."""
        self.server_state.total_requests += 1
        if not self.pipeline:
            self._answered_at = self.watch.now  # no timer: `watch` ends idle connections
            self.watch.rest(self)
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def resume_writing(self) -> None:
        """Continues to write an answer, because the caller has read enough of it."""
        self._unread.go_on()
        super().resume_writing()

    def _offers_upgrade(self) -> bool:
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _unsupported_upgrade_warning(self) -> None:
        """Parses a request again without its offer of another protocol, which is not accepted.

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
        """Tells the request that is being answered, which is not always the last that arrived."""
        self._let_go()
        self.watch.remove(self)
        super().connection_lost(exc)

    def overdue(self, now: float) -> str | None:
        """Returns which time limit the caller has exceeded, or None; see http/connections.py."""
        if self._unread.is_slow(self._running, now, self.watch.limits.sending):
            return "reading"
        if self.transport.is_closing():
            return None
        if self._refusal is not None:
            return "head" if now - self._made_at > self.watch.limits.refused else None
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        if self._asked_at is None:
            return self._overdue_between(now, cycle)
        if self.flow.read_paused:  # the caller waits for the server
            self._asked_at = now
            return None
        return self._overdue_within(now, self._asked_at, cycle)

    def _overdue_between(self, now: float, last: RequestResponseCycle | None) -> str | None:
        """Returns the same while no request arrives; `last` is the one before, None for none."""
        limits = self.watch.limits
        if last is None:
            return "head" if now - self._made_at > limits.head else None
        is_idle = last.response_complete and now - self._answered_at > limits.idle
        return "idle" if is_idle else None

    def _overdue_within(
        self, now: float, asked_at: float, cycle: RequestResponseCycle | None
    ) -> str | None:
        """Returns the same while a request arrives, whose last step was at `asked_at`."""
        limits = self.watch.limits
        if not self._has_headers:
            return "head" if now - asked_at > limits.head else None
        if cycle is not None and cycle.response_complete:
            is_late = now - max(asked_at, self._answered_at) > limits.farewell
        else:
            is_late = now - asked_at > limits.body
        return "body" if is_late else None

    def _end(self) -> None:
        """Closes the connection, and drops unread bytes; the system would keep them for minutes."""
        if self.transport.is_closing():
            return
        if self._unread.look(self._running):
            self.abort()
        else:
            self.transport.close()

    def abort(self) -> None:
        """Closes the connection at once and drops what is unread."""
        self._let_go()
        sock = self.transport.get_extra_info("socket")
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def expire(self, reason: str) -> None:
        """Closes the connection; answers first where a request has begun to arrive."""
        self.watch.note(reason, self.host)
        if reason == "reading":
            self.abort()
        elif reason == "idle" or self._asked_at is None:
            self._end()
        else:
            self._say(self._refusal or 408)

    def leave(self) -> None:
        """Closes this idle connection, to make room for another."""
        self._is_deaf = True
        self._end()

    def _let_go(self) -> None:
        """Tells the application that its answer will not be sent."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Refuses a request that is not valid HTTP, and closes the connection."""
        self.watch.note("malformed", self.host)
        self._say(400)

    def _say(self, status: int) -> None:
        """Refuses the request that is arriving with this status, and closes the connection."""
        self._is_deaf = True
        if self.transport.is_closing():
            return  # it was answered before
        if self._can_answer():
            content = self.refuse(self._named_host(), self._path(), status)
            answer = last_answer(status, content, request_id(self.headers or ()))
            self.transport.write(answer)
        self._let_go()
        self.transport.close()

    def _can_answer(self) -> bool:
        """Returns whether the caller would match an answer now to the request that is arriving.

        It would take the answer for that of another request, or for a part of one, if the arriving
        request is answered already or in part, or if an earlier request is not answered yet.
        """
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        if cycle is None:
            return True
        if cycle.response_complete:  # its headers belong to the next request
            return not self._has_headers or self._asked_at is None
        is_earlier = self._running is not cycle or not cycle.more_body
        return not (cycle.response_started or is_earlier)

    def _named_host(self) -> str:
        """Returns the host that the request under way names; "" where it cannot be found."""
        headers: Any = getattr(self, "headers", ())
        if not headers and (found := _HOST.search(self._chunk)):
            headers = [(b"host", found[1])]
        return host_of(headers)

    def _path(self) -> str:
        """Returns the path of the request under way; "" where it cannot be found."""
        target: Any = getattr(self, "url", b"")
        if not target and (found := _TARGET.match(self._chunk)):
            target = found[1]
        found = _PATH.match(target.decode("latin-1"))
        return found[1] if found else ""

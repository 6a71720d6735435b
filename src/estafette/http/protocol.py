"""HTTP/1.1 by uvicorn and httptools, with what they lack: an end to everything a caller may do.

What cannot be parsed, or does not arrive in time, is answered in an owner's shape. Parts of uvicorn
that it does not publish are used here and nowhere else: `PRIVATE` names them, and a test compares
them with the installed uvicorn.
"""

import asyncio
import fcntl
import re
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import Any, cast
from urllib.parse import unquote

from httptools import HttpParserUpgrade, HttpRequestParser, parse_url
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from estafette.http.connections import Connections
from estafette.http.cycle import Cycle, Patience
from estafette.http.fallback import REASONS, Fallback
from estafette.http.mounts import host_of
from estafette.http.request import WHOLE_BODY, request_id

HEAD_LIMIT = 64 * 1024
"""How long a request line and headers may be together, in bytes."""

AHEAD = 8
"""How many requests a caller may send ahead of their answers."""

_PROGRESS = 32 * 1024
"""How many bytes of an answer must be read in the time that it may wait to be read on."""

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
"""The attributes of uvicorn's objects that http/cycle.py, http/server.py or this module uses."""

OVERRIDDEN = (
    *("connection_made", "connection_lost", "data_received", "resume_writing", "on_message_begin"),
    *("on_header", "on_headers_complete", "on_body", "on_message_complete"),
    *("on_response_complete", "send_400_response", "_start_asgi_task"),
    "_unsupported_upgrade_warning",
)
"""The methods of uvicorn's protocol that are replaced here and must be called by it."""

_TARGET = re.compile(rb"\A\s*[^ \r\n]{1,4000} +([^ \r\n]{1,4000})")
_HOST = re.compile(rb"\r\nhost:[ \t]*([^\r\n]{1,255})\r\n", re.IGNORECASE)
_PATH = re.compile(r"\A(?:[a-z]+://[^/?#]*)?([^?#]*)")


def http_protocol(fallback: Fallback, connections: Connections) -> type[HttpToolsProtocol]:
    """A protocol for `uvicorn.Config(http=…)` that refuses malformed HTTP by `fallback`.

    It also bounds what uvicorn does not: how many `connections` there are and how long each may
    keep us waiting, how long a head and trailers are, how many requests are sent ahead. Trailers
    say nothing, and no upgrade to another protocol is taken.
    """

    class Protocol(_Protocol):
        refuse = staticmethod(fallback)
        watch = connections

    return Protocol


class _Protocol(HttpToolsProtocol):
    refuse: Fallback
    watch: Connections
    _chunk: bytes = b""
    _again: bytes = b""  # what is to be parsed after the chunk
    _head: int | None = None  # bytes of the head or trailers under way; None: there are none
    _shared = False  # whether the chunk holds something else before these
    _running: RequestResponseCycle | None = None  # the last request that was begun to be answered
    _has_headers = False  # whether the headers are complete: those that follow are trailers
    host = ""  # of the connection: the caller's, or a proxy's
    _refusal: int | None = None  # the status by which this whole connection is refused
    _is_deaf = False  # whether nothing more is read from it
    _patience: Patience | None = None
    _is_answered = False  # whether something was said that may not have been read
    # Moments by the clock of the last look at all connections, in seconds:
    _made_at = 0.0
    _asked_at: float | None = None  # the last step of the request that arrives; None: none arrives
    _answered_at = 0.0
    _unsent: tuple[float, int] | None = None  # when there was how much, in bytes, still to be read
    unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as in uvicorn
        """Takes the connection, or refuses it."""
        super().connection_made(transport)
        self.host = self.client[0] if self.client else ""
        self._refusal = self.watch.admit(self, self.host)
        self._made_at = self.watch.now
        if not self.watch.is_proxy(self.host):  # whose connections carry many callers' requests
            self._patience = Patience(self.watch.limits.refusal)
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
        """Takes a header. A trailer is none (RFC 9110, 6.5.1): it would pass for an API key."""
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
        """Hands the request to the application, when those before it are answered."""
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
        self._is_answered = True
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
        """Takes a part of the body."""
        self._head = None
        if not self._is_deaf:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request; the rest of the chunk belongs to another."""
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
            self.cycle.keep_alive = False  # these are answered, and the rest may be sent anew

    def on_response_complete(self) -> None:
        """Goes on with the next request, if it has been sent ahead, or rests."""
        self.server_state.total_requests += 1
        if not self.pipeline:
            self._answered_at = self.watch.now  # from here on `watch` keeps the time, no timer
            self.watch.rest(self)
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def resume_writing(self) -> None:
        """Goes on with an answer, of which enough has been read."""
        self._unsent = None
        super().resume_writing()

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
        self.watch.remove(self)
        super().connection_lost(exc)

    def overdue(self, now: float) -> str | None:
        """What it keeps us waiting for longer than it may; see http/connections.py."""
        limits = self.watch.limits
        if self._is_read_slowly(now):
            return "reading"
        if self.transport.is_closing():
            return None
        if self._refusal is not None:
            return "head" if now - self._made_at > limits.refused else None
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        if self._asked_at is None:
            if cycle is None:
                return "head" if now - self._made_at > limits.head else None
            is_idle = cycle.response_complete and now - self._answered_at > limits.idle
            return "idle" if is_idle else None
        if self.flow.read_paused:  # it is we who keep it waiting
            self._asked_at = now
            return None
        if not self._has_headers:
            return "head" if now - self._asked_at > limits.head else None
        if cycle is not None and cycle.response_complete:
            is_late = now - max(self._asked_at, self._answered_at) > limits.farewell
        else:
            is_late = now - self._asked_at > limits.body
        return "body" if is_late else None

    def _is_read_slowly(self, now: float) -> bool:
        left = self._count_unread()
        if not left:
            self._unsent = None
        elif self._unsent is None:
            self._unsent = (now, left)
        elif now - self._unsent[0] > self.watch.limits.sending:
            if left > self._unsent[1] - _PROGRESS:
                return True
            self._unsent = (now, left)
        return False

    def _count_unread(self) -> int:
        """How much of its answers the caller has not read yet, in bytes."""
        self.unread = 0
        if self._is_answered:
            running = self._running
            left = running.unwritten if isinstance(running, Cycle) else 0
            left += self.transport.get_write_buffer_size()
            self.unread = left + _unread_of_system(self.transport)
            self._is_answered = self.unread > 0 or bool(running and not running.response_complete)
        return self.unread

    def _end(self) -> None:
        """Closes; what was not read by now is dropped, or the system would keep it for minutes."""
        if self.transport.is_closing():
            return
        if self._count_unread():
            self.abort()
        else:
            self.transport.close()

    def abort(self) -> None:
        """Ends at once, whatever was not read."""
        self._let_go()
        sock = self.transport.get_extra_info("socket")
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def expire(self, reason: str) -> None:
        """Ends, with words where a request has begun to arrive and may be answered now."""
        self.watch.note(reason, self.host)
        if reason == "reading":
            self.abort()
        elif reason == "idle" or self._asked_at is None:
            self._end()
        else:
            self._say(self._refusal or 408)

    def leave(self) -> None:
        """Makes room for another connection; nothing is under way here."""
        self._is_deaf = True
        self._end()

    def _let_go(self) -> None:
        """Nothing more can be said on this connection: whoever still works for it shall know."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP and closes the connection."""
        self.watch.note("malformed", self.host)
        self._say(400)

    def _say(self, status: int) -> None:
        """Answers the request that arrives with a refusal, and closes the connection."""
        self._is_deaf = True
        if self.transport.is_closing():
            return  # it has been said
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        busy = cycle is not None and not cycle.response_complete
        is_another = self._running is not cycle or (cycle and not cycle.more_body)
        was_answered = cycle and not busy and self._has_headers and self._asked_at is not None
        if was_answered or (cycle and busy and (cycle.response_started or is_another)):
            self._let_go()
            self.transport.close()  # what we say now would be taken for another request's answer
            return
        content_type, body = self.refuse(self._named_host(), self._path(), status)
        wait = "retry-after: 1\r\n" if status in (429, 503) else ""
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\n"
            f"content-type: {content_type}\r\n"
            f"content-length: {len(body)}\r\n"
            "cache-control: no-store\r\n"
            "x-content-type-options: nosniff\r\n"
            f"x-request-id: {request_id(self.headers or ())}\r\n"
            f"{wait}"
            "connection: close\r\n\r\n"
        )
        self._let_go()
        self.transport.write(head.encode("latin-1") + body)
        self.transport.close()

    def _named_host(self) -> str:
        """The host that the request under way names, as far as it can be made out."""
        headers: Any = getattr(self, "headers", ())
        if not headers and (found := _HOST.search(self._chunk)):
            headers = [(b"host", found[1])]
        return host_of(headers)

    def _path(self) -> str:
        """The path of the request under way, as far as it can be made out."""
        target: Any = getattr(self, "url", b"")
        if not target and (found := _TARGET.match(self._chunk)):
            target = found[1]
        found = _PATH.match(target.decode("latin-1"))
        return found[1] if found else ""


def _unread_of_system(transport: asyncio.Transport) -> int:
    """How many bytes the system still keeps for the other end of a connection."""
    sock = transport.get_extra_info("socket")
    try:
        return struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    except (OSError, ValueError):  # it is closed, or no socket that can tell
        return 0

"""The sender's connections: guarded where they are dialled, bounded where they are read.

aiohttp bounds lines and headers, and the sender could count the body. Between them a hostile
receiver has room: interim answers (1xx), extensions of chunks, one-byte chunks. A flood of them
passes at gigabytes in five seconds and holds the event loop for everybody. So the bytes are counted
where they come from the socket, after TLS and before parsing.
"""

import asyncio
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler

from estafette.webhooks.guard import AddressInfo, Guard
from estafette.webhooks.heads import MAX_HEAD_BYTES, Said, said

# Common servers close an idle connection after 5 seconds and more. To be the first to close it
# spares requests that meet a connection closed at that moment.
KEEPALIVE_SECONDS: Final = 4


class ResponseTooLargeError(aiohttp.ClientError):
    """The answer was cut off: it went on beyond the bound."""


@dataclass(slots=True)
class Exchange:
    """What is known of a request under way.

    `answer` is what was said, once that is known; `dialled` whether a connection was opened for it.
    """

    answer: Said | None = None
    dialled: bool = False
    transmissions: int = 0
    handler: "BoundedHandler | None" = None

    def look_again(self) -> None:
        """Looks for an answer in what arrived and could not be read whole."""
        if self.answer is None and self.handler is not None:
            self.answer = said(self.handler.start)

    @property
    def overflowed(self) -> bool:
        """Whether its connection was cut because the answer went beyond the bound."""
        return self.handler is not None and self.handler.overflowed


# The exchange on whose behalf a socket is opened or a connection taken: aiohttp's callbacks are
# told neither, but run in the context of the request.
current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


@dataclass(slots=True)
class Tally:
    """How many connections are open, and how many of them carry an exchange."""

    open: int = 0
    in_use: int = 0

    @property
    def idle(self) -> int:
        """How many are kept for a request to come."""
        return self.open - self.in_use


class BoundedHandler(ResponseHandler):
    """The receiving end of one connection; counts the bytes of each answer.

    `start` is the start of the answer as it came.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, max_bytes: int, tally: Tally) -> None:
        super().__init__(loop=loop)
        self._tally = tally
        self._max_bytes = max_bytes
        self._bytes_left = max_bytes
        self.start = b""

    @property
    def overflowed(self) -> bool:
        """Whether the connection was cut because an answer went beyond the bound."""
        return self._bytes_left < 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection has come about, its TLS included."""
        self._tally.open += 1
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is over."""
        self._tally.open -= 1
        super().connection_lost(exc)

    def set_response_params(self, **params: Any) -> None:
        """Begin an exchange on this connection: aiohttp is about to write the request to it."""
        self._bytes_left = self._max_bytes
        self.start = b""
        exchange = current_exchange.get()
        exchange.transmissions += 1
        if exchange.handler is None:
            self._tally.in_use += 1
        exchange.handler = self
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        """Pass on what came from the receiver, or cut the connection if it was too much."""
        self._bytes_left -= len(data)
        if len(self.start) < MAX_HEAD_BYTES:
            self.start += data[: MAX_HEAD_BYTES - len(self.start)]
        if self._bytes_left >= 0:
            super().data_received(data)
        elif self.transport is not None:
            self.set_exception(ResponseTooLargeError())  # wakes who waits for the head
            self.transport.abort()  # and this, who waits for the body


class GuardedConnector(aiohttp.TCPConnector):
    """The pool of connections. It dials what the guard allows, and whatever it is asked to.

    There is no bound on their number: one receiver's requests must not wait for another's. Who
    calls the sender bounds the requests in flight, and the sender those that are idle.

    Arguments:
        guard: decides on every address that is dialled.
        resolver: turns names into addresses.
        max_answer_bytes: the bytes of one answer, head and framing included.
        keep_names_seconds: how long a name's addresses are kept, in whole seconds.
    """

    def __init__(
        self,
        guard: Guard,
        resolver: AbstractResolver,
        *,
        max_answer_bytes: int,
        keep_names_seconds: int,
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - a tuple[...] in aiohttp
            limit=0,
            keepalive_timeout=KEEPALIVE_SECONDS,
            ttl_dns_cache=keep_names_seconds,
            resolver=resolver,
            socket_factory=self._open_socket,
        )
        self._guard = guard
        # aiohttp has no public setting for the class of its connections' receiving end. Should the
        # attribute change its name, the tests of endless answers fail.
        self.tally = Tally()
        self._factory = partial(
            BoundedHandler, loop=self._loop, max_bytes=max_answer_bytes, tally=self.tally
        )

    def _open_socket(self, info: AddressInfo) -> socket.socket:
        current_exchange.get().dialled = True
        return self._guard.open_socket(info)

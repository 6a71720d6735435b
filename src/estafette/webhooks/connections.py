"""The sender's connections: their addresses are checked by the guard, their answers are bounded.

aiohttp bounds lines and headers, and the sender could count the body. A hostile receiver can still
send endless interim answers (1xx), extensions of chunks, or one-byte chunks: gigabytes of them pass
in five seconds and block the event loop. Therefore the bytes are counted as they come from the
socket, after TLS and before parsing.

aiohttp is used for the pool, the resolution of names, TLS and the parser. Its session and its
objects for a request and an answer would cost as much as all of these together. Here a request is a
sequence of bytes, and only the head of an answer is parsed. See docs/decisions/0044-fewer-steps.md.
"""

import asyncio
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, partial
from ssl import SSLContext
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader
from yarl import URL

from estafette.webhooks.guard import AddressInfo, Guard
from estafette.webhooks.heads import MAX_HEAD_BYTES, Said, said

# Common servers close an idle connection after 5 seconds and more. Closing it earlier avoids
# requests on a connection that the receiver closes at that moment.
KEEPALIVE_SECONDS: Final = 4


class ResponseTooLargeError(aiohttp.ClientError):
    """The answer was cut off because it was longer than the bound."""


class NoHttpError(aiohttp.ClientError):
    """The bytes that the receiver sent are not the head of an HTTP answer."""


@dataclass(slots=True)
class Exchange:
    """The state of a request under way.

    `answer` is the status and `Retry-After` of the answer, once known; `dialled` is whether a
    connection was opened for it.
    """

    answer: Said | None = None
    dialled: bool = False
    transmissions: int = 0
    handler: "BoundedHandler | None" = None

    def look_again(self) -> None:
        """Looks for a status in the beginning of an answer that the parser refused."""
        if self.answer is None and self.handler is not None:
            self.answer = said(self.handler.start)

    @property
    def overflowed(self) -> bool:
        """Whether its connection was cut because the answer went beyond the bound."""
        return self.handler is not None and self.handler.overflowed


_NO_LIMIT: Final = aiohttp.ClientTimeout()  # the sender bounds the time of the whole exchange

# The exchange for which a socket is opened: aiohttp does not pass it to the callback, but calls
# that in the context of the request.
current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


@dataclass(slots=True)
class ConnectionTally:
    """How many connections are open, and how many of them carry an exchange."""

    open: int = 0
    in_use: int = 0

    @property
    def idle(self) -> int:
        """How many connections are kept for later requests."""
        return self.open - self.in_use


class BoundedHandler(ResponseHandler):
    """The receiving end of one connection; counts the bytes of each answer.

    `start` is the beginning of the answer as it was received.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, max_bytes: int, tally: ConnectionTally
    ) -> None:
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
        """Notes that a connection is open, its TLS included."""
        self._tally.open += 1
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Notes that the connection has ended."""
        self._tally.open -= 1
        super().connection_lost(exc)

    def begin(self, exchange: Exchange, request: bytes) -> None:
        """Begins an exchange on this connection by writing the whole request.

        Raises aiohttp.ClientError when the connection ends.
        """
        self._bytes_left = self._max_bytes
        self.start = b""
        exchange.transmissions += 1
        if exchange.handler is None:
            self._tally.in_use += 1
        exchange.handler = self
        self.set_response_params(read_until_eof=True, auto_decompress=False)
        transport = self.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("the connection has ended")
        transport.write(request)

    async def head(self) -> tuple[RawResponseMessage, StreamReader]:
        """Returns the head of the answer, and a stream of its body; skips interim answers.

        Raises NoHttpError, or another aiohttp.ClientError when the connection ends.
        """
        while True:
            try:
                message, body = await self.read()
            except HttpProcessingError as error:
                raise NoHttpError from error
            if not 100 <= message.code <= 199 or message.code == 101:
                return message, body

    def data_received(self, data: bytes) -> None:
        """Passes received bytes to the parser, or cuts the connection after too many."""
        self._bytes_left -= len(data)
        if len(self.start) < MAX_HEAD_BYTES:
            self.start += data[: MAX_HEAD_BYTES - len(self.start)]
        if self._bytes_left >= 0:
            super().data_received(data)
        elif self.transport is not None:
            self.set_exception(ResponseTooLargeError())  # for a task that waits for the head
            self.transport.abort()  # for a task that waits for the body


class GuardedConnector(aiohttp.TCPConnector):
    """The pool of connections, which dials only addresses that the guard allows.

    The pool does not bound their number, so that one receiver's requests do not wait for another's.
    The sender's caller bounds the requests under way, and the sender the idle connections.

    Arguments:
        guard: decides on every address that is dialled.
        resolver: turns names into addresses.
        max_answer_bytes: the bytes of one answer, head and framing included.
        keep_names_seconds: how long a name's addresses are kept, in whole seconds.
        ssl_context: for receivers behind an authority of their own; None: the system's.
    """

    def __init__(
        self,
        guard: Guard,
        resolver: AbstractResolver,
        *,
        max_answer_bytes: int,
        keep_names_seconds: int,
        ssl_context: SSLContext | None = None,
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - a tuple[...] in aiohttp
            limit=0,
            keepalive_timeout=KEEPALIVE_SECONDS,
            ttl_dns_cache=keep_names_seconds,
            resolver=resolver,
            socket_factory=self._open_socket,
        )
        self._guard = guard
        self._ssl_context: SSLContext | bool = ssl_context or True
        self._wanted = lru_cache(maxsize=4096)(self._want)
        # aiohttp has no public setting for the class of its connections' receiving end. Should the
        # attribute change its name, the tests of endless answers fail.
        self.tally = ConnectionTally()
        self._factory = partial(
            BoundedHandler, loop=self._loop, max_bytes=max_answer_bytes, tally=self.tally
        )

    async def take(self, url: URL) -> Connection:
        """Returns a connection to the server of `url`, kept from before or opened now.

        Raises aiohttp.ClientError, or OSError, when none comes about.
        """
        return await self.connect(self._wanted(url), traces=[], timeout=_NO_LIMIT)

    def _want(self, url: URL) -> aiohttp.ClientRequest:
        """Returns what aiohttp asks of a request to know where it goes."""
        return aiohttp.ClientRequest("POST", url, loop=self._loop, ssl=self._ssl_context)

    def _open_socket(self, info: AddressInfo) -> socket.socket:
        current_exchange.get().dialled = True
        return self._guard.open_socket(info)

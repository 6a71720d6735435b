"""Sends one HTTP request to an endpoint, and describes the result.

The sender keeps connections and nothing else: it has no queue, no schedule of retries, no database.
Every exchange ends within the given time with a `Result`, whatever the receiver does. The caller
bounds how many requests run at a time.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self, cast

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from yarl import URL

from estafette.webhooks.connections import (
    BoundedHandler,
    Exchange,
    GuardedConnector,
    NoHttpError,
    ResponseTooLargeError,
    current_exchange,
)
from estafette.webhooks.deadline import Deadline
from estafette.webhooks.guard import AddressRefusedError, Guard, UrlRefusedError, check_url
from estafette.webhooks.heads import Said
from estafette.webhooks.resolver import ThreadResolver
from estafette.webhooks.retry import parse_retry_after

# All bytes of an answer count: its head, its body as transferred, its framing.
MAX_ANSWER_BYTES: Final = 256 * 1024

# Idle connections that are kept, of all receivers together: each needs a file descriptor on both
# sides.
MAX_IDLE: Final = 256

# Once the status is known, the rest of an answer is only read so that its connection can carry
# another request, and no longer than this.
_REST_SECONDS: Final = 1.0

_WITHOUT_BODY: Final = frozenset({204, 205, 304})
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_NO_HTTP: Final = "the answer is not valid HTTP"


class ExchangeOutcome(StrEnum):
    """The outcome of sending one request."""

    DELIVERED = "delivered"  # 2xx, whatever else the answer holds
    REJECTED = "rejected"  # any other status, redirects included: they are not followed
    TIMED_OUT = "timed_out"  # no answer in time
    UNREACHABLE = "unreachable"  # no connection: name, network, refusal, TLS
    DISCONNECTED = "disconnected"  # the connection ended before an answer
    INVALID_RESPONSE = "invalid_response"  # the bytes that arrived are not an HTTP answer
    RESPONSE_TOO_LARGE = "response_too_large"  # interim answers beyond the bound
    REFUSED_BY_GUARD = "refused_by_guard"  # our own refusal: nothing was sent


@dataclass(slots=True)  # frozen, it would take several times as long to make
class Request:
    """A POST ready to be sent.

    Attributes:
        url: where to; judged by the guard.
        headers: all that the dialect says, content type and user agent included.
        body: the exact bytes, as signed.
        timeout_seconds: what the exchange may take, from looking up the name to the status, in
            seconds.
        private: the names, in lower case, of headers whose values are shown to nobody.
    """

    # Headers hold signatures, bodies hold personal data, URLs hold the receivers' own secrets.
    # Nothing of them may be logged.
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout_seconds: float
    private: frozenset[str] = frozenset()


@dataclass(slots=True)
class Result:
    """The result of one `Sender.send`.

    Attributes:
        outcome: of which kind the result is.
        duration_seconds: how long it took, in seconds.
        http_status: the status, if one arrived, whatever happened afterwards.
        retry_after_seconds: the wish of a 429 or 503, in whole seconds from now, from 0 to
            `retry.MAX_RETRY_AFTER_SECONDS`; None without a readable one.
        error: why it is not delivered, in a few words without URL, address, body or secret.
        transmissions: how often the request was given to a connection: 0 if none came about, 2 if
            the first turned out to have been closed by the receiver while it was idle.
        written: the request as it was, or would have been, written; empty where there was none.
        received: the beginning of the answer as it was received.
        private: of the request.
    """

    outcome: ExchangeOutcome
    duration_seconds: float
    http_status: int | None
    retry_after_seconds: int | None
    error: str | None
    transmissions: int
    written: bytes = field(default=b"", repr=False)
    received: bytes = field(default=b"", repr=False)
    private: frozenset[str] = frozenset()


class Sender:
    """Sends requests over pooled connections. To be made and used within one event loop.

    No proxies or credentials from the environment, no redirects, no cookies, no decompression; TLS
    is verified.

    Arguments:
        guard: decides which addresses are dialled.
        resolver: turns names into addresses; None: by the system, in threads.
        ssl_context: for those whose receivers have certificates of an authority of their own;
            None: the system's authorities.
        keep_names_seconds: how long the addresses of a name are kept, in whole seconds. The guard
            does not depend on it: it judges every address when it is dialled.
        max_idle: how many connections are kept at most for requests to come.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        resolver: AbstractResolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        keep_names_seconds: int = 30,
        max_idle: int = MAX_IDLE,
    ) -> None:
        self._max_idle = max_idle
        self._parse = lru_cache(maxsize=4096)(_target)
        self._connector = GuardedConnector(
            guard,
            resolver or ThreadResolver(),
            max_answer_bytes=MAX_ANSWER_BYTES,
            keep_names_seconds=keep_names_seconds,
            ssl_context=ssl_context,
        )
        self._tally = self._connector.tally

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections. Requests under way should have been awaited before."""
        await self._connector.close()

    async def send(self, request: Request) -> Result:
        """Sends one request and returns its result, whatever the receiver does.

        A request that meets a kept connection which the receiver has closed meanwhile is sent once
        more at once, over a new connection and within the same time. It may then arrive twice, as
        any webhook may; `Result.transmissions` shows it.

        Raises:
            asyncio.CancelledError: the caller has cancelled it. The request may have arrived.
        """
        began = time.perf_counter()
        exchange = Exchange()
        failure = ExchangeOutcome.INVALID_RESPONSE, _NO_HTTP
        written = b""
        try:
            url, start = self._parse(request.url)
            written = start + _rest_of(request)
            with Deadline(request.timeout_seconds):
                await self._exchange(url, written, exchange)
        except UrlRefusedError as error:
            failure = ExchangeOutcome.REFUSED_BY_GUARD, str(error)
        except TimeoutError:
            failure = ExchangeOutcome.TIMED_OUT, f"no answer within {request.timeout_seconds:g} s"
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            # RuntimeError: uvloop raises it for some failures of a socket.
            failure = _failure(error, exchange)
        finally:
            if exchange.handler is not None:
                self._tally.in_use -= 1
        exchange.look_again()
        answer = exchange.answer
        outcome, reason = failure if answer is None else _verdict(answer.status)
        return Result(
            outcome=outcome,
            duration_seconds=time.perf_counter() - began,
            http_status=answer and answer.status,
            retry_after_seconds=_wish(answer),
            error=reason,
            transmissions=exchange.transmissions,
            written=written,
            received=b"" if exchange.handler is None else exchange.handler.start,
            private=request.private,
        )

    async def _exchange(self, url: URL, written: bytes, exchange: Exchange) -> None:
        current_exchange.set(exchange)
        try:
            connection, head, body = await self._answered(url, written, exchange)
        except aiohttp.ClientError:
            # Given to a connection kept from before, and no answer came to it: most likely the
            # receiver closed it while it was idle (RFC 9112, 9.3.1), or what came is what an
            # answer before it had too much.
            exchange.look_again()
            if exchange.dialled or exchange.transmissions != 1 or exchange.answer is not None:
                raise
            connection, head, body = await self._answered(url, written, exchange)
        try:
            exchange.answer = Said(head.code, head.headers.get("Retry-After"))
            may_keep = self._tally.idle < self._max_idle
            kept = may_keep and await _read_rest(head, body, exchange)
        except BaseException:
            connection.close()
            raise
        if kept:
            connection.release()
        else:
            connection.close()

    async def _answered(
        self, url: URL, written: bytes, exchange: Exchange
    ) -> tuple[Connection, RawResponseMessage, StreamReader]:
        """Writes a request to a connection; returns the connection, the answer's head and its body.

        The body is a stream. Raises aiohttp.ClientError, or OSError.
        """
        connection = await self._connector.take(url)
        try:
            handler = cast("BoundedHandler", connection.protocol)
            handler.begin(exchange, written)
            return connection, *await handler.head()
        except BaseException:
            connection.close()
            raise


def _target(text: str) -> tuple[URL, bytes]:
    """Returns where a URL leads, and how a request there begins. Raises UrlRefusedError."""
    url = check_url(text)
    # The path and host of a parsed URL hold no space and no line end.
    start = f"POST {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n"
    return url, f"{start}Accept: */*\r\nAccept-Encoding: identity\r\n".encode()


def _rest_of(request: Request) -> bytes:
    """Returns the headers and the body.

    Raises ValueError for a header whose text would form several headers, or that sets the length of
    the body.
    """
    if not _OURS.isdisjoint([name.lower() for name in request.headers]):
        raise ValueError("a header frames the request")
    head = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
    ends = len(request.headers)
    if head.count("\n") != ends or head.count("\r") != ends or "\0" in head:
        raise ValueError("a header holds the end of a line")
    length = len(request.body)
    return b"%bContent-Length: %d\r\n\r\n%b" % (head.encode(), length, request.body)


async def _read_rest(head: RawResponseMessage, content: StreamReader, exchange: Exchange) -> bool:
    """Returns whether the whole answer came soon, so that its connection may be used again."""
    if head.code in _WITHOUT_BODY and (
        head.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in head.headers
    ):
        return False  # the rest of its body would be read as the next answer
    if not content.is_eof():
        try:
            async with asyncio.timeout(_REST_SECONDS):
                while not content.at_eof():
                    await content.readany()
        except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError):
            return False
    return not exchange.overflowed


def _wish(answer: Said | None) -> int | None:
    if answer is None or answer.retry_after is None or answer.status not in (429, 503):
        return None
    return parse_retry_after(answer.retry_after, datetime.now(UTC))


def _verdict(status: int) -> tuple[ExchangeOutcome, str | None]:
    if 200 <= status <= 299:
        return ExchangeOutcome.DELIVERED, None
    if 300 <= status <= 399:
        return ExchangeOutcome.REJECTED, f"status {status}; redirects are not followed"
    return ExchangeOutcome.REJECTED, f"status {status}"


def _failure(error: Exception, exchange: Exchange) -> tuple[ExchangeOutcome, str]:
    """Returns the outcome for an exception, and a description without the receiver's words."""
    if isinstance(error, ResponseTooLargeError) or exchange.overflowed:
        return (
            ExchangeOutcome.RESPONSE_TOO_LARGE,
            f"the answer is larger than {MAX_ANSWER_BYTES} bytes",
        )
    if isinstance(error, NoHttpError):
        return ExchangeOutcome.INVALID_RESPONSE, _NO_HTTP
    if isinstance(error, aiohttp.InvalidURL):
        return ExchangeOutcome.REFUSED_BY_GUARD, "the URL is malformed"
    if exchange.transmissions:
        return ExchangeOutcome.DISCONNECTED, "the connection ended before an answer"
    return _no_connection(error)


def _no_connection(error: Exception) -> tuple[ExchangeOutcome, str]:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ExchangeOutcome.UNREACHABLE, "the name does not resolve"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
        detail = (
            f": {cause.verify_message}" if isinstance(cause, ssl.SSLCertVerificationError) else ""
        )
        return ExchangeOutcome.UNREACHABLE, f"TLS certificate refused{detail}"
    if isinstance(error, aiohttp.ClientSSLError):
        return ExchangeOutcome.UNREACHABLE, "TLS handshake failed"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, AddressRefusedError):
        return ExchangeOutcome.REFUSED_BY_GUARD, cause.reason
    number = cause.errno if isinstance(cause, OSError) else None
    return (
        ExchangeOutcome.UNREACHABLE,
        f"cannot connect: {os.strerror(number)}" if number else "cannot connect",
    )

"""Reading a request: its headers, its body, its idempotency key, its id."""

import asyncio
import re
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.types import Receive, Scope

from estafette.http.limiter import charge_body
from estafette.http.refusals import (
    BadBody,
    BadIdempotencyKey,
    BodyTooLarge,
    Disconnected,
    EncodedBody,
)

Result = TypeVar("Result")

BODY_LIMIT = 64 * 1024
"""How long a body may be, in bytes: 16 KiB of metadata, escaped, and texts of some 10 KB."""

BODY_SECONDS = 15.0
"""How many seconds a body may take to arrive. A server that ends waits for such requests."""

DISCARD_LIMIT = 1024 * 1024
"""How many bytes of a body that is too long are read before the refusal is sent."""

PATIENCE_SECONDS = 5.0
"""How many seconds the server may spend on reading such a body."""

KEY_LENGTH = 255
"""How long an idempotency key may be, in characters."""

WHOLE_BODY = "estafette.body"
"""The key in the scope of a function that returns the whole body if it has arrived already.

Most bodies have, and are then read without waiting and without a timer.
"""

_SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}", re.ASCII)
_PRINTABLE = re.compile(rb"[\x20-\x7e]*")
_AS_IT_IS = frozenset({b"", b"identity"})
_DIGITS = re.compile(rb"[0-9]{1,18}")


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """Returns all values of a header, whose name is given in lower case."""
    return [value for key, value in scope["headers"] if key == name]


def client_address(scope: Scope) -> str | None:
    """Returns the address of the client, None where it has none (a socket of the file system)."""
    client = scope.get("client")
    return client[0] if client else None


async def read_body(
    scope: Scope,
    receive: Receive,
    limit: int = BODY_LIMIT,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    body_seconds: float = BODY_SECONDS,
) -> bytes:
    """Returns the whole body, at most `limit` bytes.

    Raises EncodedBody for a body with a content encoding; BodyTooLarge where the announced or the
    received length exceeds `limit`; RateLimited where the body is more than the caller's key may
    send now; BadBody where it is not complete after `body_seconds`; Disconnected when the caller
    goes away.
    """
    if any(value.lower() not in _AS_IT_IS for value in header_values(scope, b"content-encoding")):
        charge_body(scope, DISCARD_LIMIT)
        await _discard(receive, patience_seconds)
        raise EncodedBody
    is_charged = False
    for announced in header_values(scope, b"content-length"):
        size = int(announced) if _DIGITS.fullmatch(announced) else DISCARD_LIMIT
        charge_body(scope, min(size, DISCARD_LIMIT))
        is_charged = True
        if size > limit:
            await _discard(receive, patience_seconds)
            raise BodyTooLarge(limit)
    at_hand: Callable[[int], bytes | None] | None = scope.get(WHOLE_BODY)
    body = None if at_hand is None else at_hand(limit)
    if body is None:
        try:
            async with asyncio.timeout(body_seconds):
                body = await _read(receive, limit, patience_seconds)
        except BodyTooLarge:
            charge_body(scope, DISCARD_LIMIT)
            raise
        except TimeoutError:
            raise BadBody(f"did not arrive within {body_seconds:g} seconds") from None
    if not is_charged:
        charge_body(scope, len(body))
    return body


async def _read(receive: Receive, limit: int, patience_seconds: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        more: bool = message.get("more_body", False)
        if size > limit:
            if more:
                await _discard(receive, patience_seconds)
            raise BodyTooLarge(limit)
        parts.append(part)
        if not more:
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _discard(receive: Receive, patience_seconds: float) -> None:
    """Reads and drops the rest of a body, within bounds, so that the caller receives the answer.

    A connection that is closed with bytes unread is reset, and the reset may arrive before the
    answer.
    """
    left = DISCARD_LIMIT
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_seconds):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


async def while_connected(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """Returns the result of `work`, which is cancelled as soon as the caller goes away.

    It is for requests that have no body and change nothing. Raises Disconnected.
    """
    doing = asyncio.create_task(work)
    watching = asyncio.create_task(_hang_up(receive))
    try:
        await asyncio.wait((doing, watching), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise Disconnected
    finally:
        watching.cancel()
        doing.cancel()
        await asyncio.wait((doing, watching))


async def _hang_up(receive: Receive) -> None:
    """Waits until the caller goes away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def idempotency_key(scope: Scope) -> str | None:
    """Returns the idempotency key, None when there is no such header.

    Raises BadIdempotencyKey unless it is there once, with 1…255 printable ASCII characters.
    """
    values = header_values(scope, b"idempotency-key")
    if not values:
        return None
    if len(values) > 1:
        raise BadIdempotencyKey("must be sent once")
    value = values[0]
    if not 1 <= len(value) <= KEY_LENGTH:
        raise BadIdempotencyKey(f"must be 1 to {KEY_LENGTH} characters long")
    if _PRINTABLE.fullmatch(value) is None:
        raise BadIdempotencyKey("must consist of printable ASCII characters")
    return value.decode("ascii")


def request_id(headers: Any) -> str:
    """Returns the caller's `X-Request-Id` if it sent a valid one, else a new one.

    `headers` are the pairs of an ASGI scope.
    """
    found = [value for name, value in headers if name == b"x-request-id"]
    if len(found) == 1 and _SANE_ID.fullmatch(found[0]):
        return found[0].decode("ascii")
    return secrets.token_hex(16)

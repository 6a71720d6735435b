"""Bodies, idempotency keys, request ids and callers who go away, away from any server."""

import asyncio
import itertools
from typing import Any

import pytest

from estafette.http.refusals import (
    BadBody,
    BadIdempotencyKey,
    BodyTooLarge,
    Disconnected,
    RateLimited,
)
from estafette.http.request import (
    BODY_LIMIT,
    idempotency_key,
    read_body,
    request_id,
    while_connected,
)
from tests.http.bodies import handing_on, parts_of

Headers = list[tuple[bytes, bytes]]


def _scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "headers": list(headers)}


async def test_body_is_read_to_its_end() -> None:
    assert await read_body(_scope(), handing_on(parts_of(b"a", b"", b"bc"))) == b"abc"
    assert await read_body(_scope(), handing_on([{"type": "http.request"}])) == b""


async def test_longest_body_is_accepted() -> None:
    body = b"x" * BODY_LIMIT
    length = (b"content-length", str(BODY_LIMIT).encode())
    assert await read_body(_scope(length), handing_on(parts_of(body))) == body


async def test_announced_length_is_refused_once_the_caller_has_finished() -> None:
    length = (b"content-length", str(BODY_LIMIT + 1).encode())
    parts = parts_of(b"x" * BODY_LIMIT, b"x")
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(length), handing_on(parts))


async def test_caller_who_never_finishes_is_refused_all_the_same() -> None:
    endless = itertools.repeat({"type": "http.request", "body": b"x" * 65_536, "more_body": True})
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(), handing_on(endless))
    length = (b"content-length", b"9" * 18)
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(length), handing_on(endless))


async def test_caller_who_falls_silent_is_refused_all_the_same() -> None:
    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()

    length = (b"content-length", str(BODY_LIMIT + 1).encode())
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(length), receive, patience_seconds=0.01)


async def test_body_that_stops_arriving_is_refused() -> None:
    waiting = iter(parts_of(b"{", b"}"))

    async def receive() -> dict[str, Any]:
        first = next(waiting)
        return first if first["more_body"] else await asyncio.get_running_loop().create_future()

    with pytest.raises(BadBody, match=r"did not arrive within 0\.01 seconds"):
        await read_body(_scope(), receive, body_seconds=0.01)


@pytest.mark.parametrize("length", [b"9" * 400, b"-1", b"1e3", "١".encode(), b""])
async def test_length_that_is_none_is_refused(length: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(_scope((b"content-length", length)), handing_on(parts_of(b"")))


async def test_body_without_a_length_is_refused_while_it_arrives() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(), handing_on(parts_of(b"x" * BODY_LIMIT, b"x")))


async def test_caller_who_goes_away_leaves_nothing_to_answer() -> None:
    with pytest.raises(Disconnected):
        await read_body(
            _scope(), handing_on([*parts_of(b"a", b"b")[:1], {"type": "http.disconnect"}])
        )


def test_idempotency_key_is_optional() -> None:
    assert idempotency_key(_scope()) is None


@pytest.mark.parametrize("key", ["k", "order 1/2 ~!", "x" * 255])
def test_printable_idempotency_key_is_read(key: str) -> None:
    assert idempotency_key(_scope((b"idempotency-key", key.encode()))) == key


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a\tb", b"a\x7f", "ключ".encode(), b"\xff"])
def test_other_idempotency_keys_are_refused(key: bytes) -> None:
    with pytest.raises(BadIdempotencyKey):
        idempotency_key(_scope((b"idempotency-key", key)))


def test_idempotency_key_is_sent_once() -> None:
    twice = (b"idempotency-key", b"same")
    with pytest.raises(BadIdempotencyKey):
        idempotency_key(_scope(twice, twice))


def test_sane_request_id_of_the_caller_is_kept() -> None:
    assert request_id([(b"x-request-id", b"a1.B-2_c")]) == "a1.B-2_c"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-request-id", b"")],
        [(b"x-request-id", b"x" * 129)],
        [(b"x-request-id", b"a b")],
        [(b"x-request-id", b"a\r\nb")],
        [(b"x-request-id", b"\xff")],
        [(b"x-request-id", b"a"), (b"x-request-id", b"b")],
    ],
)
def test_other_request_ids_are_replaced(headers: Headers) -> None:
    made = request_id(headers)
    assert len(made) == 32
    assert made != request_id(headers)


async def _connection(gone: asyncio.Event) -> Any:
    await gone.wait()
    return {"type": "http.disconnect"}


async def test_work_is_cancelled_when_its_caller_goes_away() -> None:
    gone, begun, cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    doing = asyncio.create_task(while_connected(lambda: _connection(gone), work()))
    await begun.wait()
    gone.set()
    with pytest.raises(Disconnected):
        await doing
    assert cancelled.is_set()


async def test_work_of_a_caller_who_stays_gives_its_result_or_its_error() -> None:
    async def stumble() -> int:
        raise RateLimited(1)

    async def answer() -> int:
        return 7

    gone = asyncio.Event()
    assert await while_connected(lambda: _connection(gone), answer()) == 7
    with pytest.raises(RateLimited):
        await while_connected(lambda: _connection(gone), stumble())

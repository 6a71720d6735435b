"""Bodies, idempotency keys, request ids and rates, away from any server."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import MARKETS, Account, Credential, KeyKind, Mode
from estafette.core.ids import new_id
from estafette.http.limiter import AddressLimits, RateLimiter, charge_body
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

Headers = list[tuple[bytes, bytes]]


def _scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http", "headers": list(headers)}


def _receive(messages: Iterable[dict[str, Any]]) -> Callable[[], Awaitable[dict[str, Any]]]:
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    return receive


def _parts(*parts: bytes) -> list[dict[str, Any]]:
    return [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]


async def test_body_is_read_to_its_end() -> None:
    assert await read_body(_scope(), _receive(_parts(b"a", b"", b"bc"))) == b"abc"
    assert await read_body(_scope(), _receive([{"type": "http.request"}])) == b""


async def test_longest_body_is_accepted() -> None:
    body = b"x" * BODY_LIMIT
    length = (b"content-length", str(BODY_LIMIT).encode())
    assert await read_body(_scope(length), _receive(_parts(body))) == body


async def test_announced_length_is_refused_once_the_caller_has_finished() -> None:
    length = (b"content-length", str(BODY_LIMIT + 1).encode())
    parts = _parts(b"x" * BODY_LIMIT, b"x")
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(length), _receive(parts))


async def test_caller_who_never_finishes_is_refused_all_the_same() -> None:
    endless = itertools.repeat({"type": "http.request", "body": b"x" * 65_536, "more_body": True})
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(), _receive(endless))
    length = (b"content-length", b"9" * 18)
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(length), _receive(endless))


async def test_caller_who_falls_silent_is_refused_all_the_same() -> None:
    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()

    length = (b"content-length", str(BODY_LIMIT + 1).encode())
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(length), receive, patience_seconds=0.01)


async def test_body_that_stops_arriving_is_refused() -> None:
    waiting = iter(_parts(b"{", b"}"))

    async def receive() -> dict[str, Any]:
        first = next(waiting)
        return first if first["more_body"] else await asyncio.get_running_loop().create_future()

    with pytest.raises(BadBody, match=r"did not arrive within 0\.01 seconds"):
        await read_body(_scope(), receive, body_seconds=0.01)


@pytest.mark.parametrize("length", [b"9" * 400, b"-1", b"1e3", "١".encode(), b""])
async def test_length_that_is_none_is_refused(length: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(_scope((b"content-length", length)), _receive(_parts(b"")))


async def test_body_without_a_length_is_refused_while_it_arrives() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(_scope(), _receive(_parts(b"x" * BODY_LIMIT, b"x")))


async def test_caller_who_goes_away_leaves_nothing_to_answer() -> None:
    with pytest.raises(Disconnected):
        await read_body(_scope(), _receive([*_parts(b"a", b"b")[:1], {"type": "http.disconnect"}]))


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


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _credential(
    rate: int, burst: int, key_id: UUID | None = None, kind: KeyKind = KeyKind.SECRET
) -> Credential:
    account = Account(new_id(), "a", MARKETS["KZ"], "kaspi", rate, burst)
    return Credential(account, key_id or new_id(), Mode.LIVE, kind, None, False)


def _taken(
    limiter: RateLimiter,
    credential: Credential,
    most: int = 1000,
    address: str = "192.0.2.1",
    size: int = 0,
) -> int:
    """How many requests with a body of that size are let in at once."""
    for count in range(most):
        scope = _from(address)
        try:
            limiter.take(credential, scope)
            charge_body(scope, size)
        except RateLimited:
            return count
    return most


def test_burst_is_granted_at_once_and_the_rate_from_then_on() -> None:
    clock = _Clock()
    limiter = RateLimiter(clock=clock)
    credential = _credential(rate=10, burst=25)
    assert _taken(limiter, credential) == 25
    clock.now += 1
    assert _taken(limiter, credential) == 10
    clock.now += 3600
    assert _taken(limiter, credential) == 25


def test_refusal_tells_when_to_come_back_in_whole_seconds() -> None:
    clock = _Clock()
    limiter = RateLimiter(clock=clock)
    credential = _credential(rate=1, burst=1)
    limiter.take(credential, _from("192.0.2.1"))
    with pytest.raises(RateLimited) as refused:
        limiter.take(credential, _from("192.0.2.1"))
    assert refused.value.retry_after == 1
    clock.now += refused.value.retry_after
    limiter.take(credential, _from("192.0.2.1"))


def test_keys_have_buckets_of_their_own() -> None:
    limiter = RateLimiter(clock=_Clock())
    assert _taken(limiter, _credential(5, 5)) == 5
    assert _taken(limiter, _credential(5, 5)) == 5


@pytest.mark.parametrize(
    ("size", "tokens"),
    [(0, 1), (16 * 1024, 1), (16 * 1024 + 1, 2), (BODY_LIMIT, 4), (10**9, 1000)],
)
def test_a_body_costs_a_token_more_for_each_16_kib(size: int, tokens: int) -> None:
    limiter = RateLimiter(clock=_Clock())
    assert _taken(limiter, _credential(10, 200), size=size) == max(1, 200 // tokens)


def test_a_key_of_the_least_burst_may_send_any_body() -> None:
    limiter = RateLimiter(clock=_Clock())
    assert _taken(limiter, _credential(1, 1), size=BODY_LIMIT) == 1
    assert _taken(limiter, _credential(1, 2), size=BODY_LIMIT) == 1


async def test_a_body_is_charged_before_it_is_read_and_one_without_a_length_after() -> None:
    limiter, credential = RateLimiter(clock=_Clock()), _credential(1, 5)
    for headers in ((), ((b"content-length", b"40000"),)):
        scope = {**_from("192.0.2.1"), "headers": list(headers)}
        limiter.take(credential, scope)
        if not headers:
            assert await read_body(scope, _receive(_parts(b"x" * 20_000, b"x" * 20_000)))
            continue
        with pytest.raises(RateLimited):
            await read_body(scope, _receive([]))


def test_all_keys_of_an_account_share_what_four_of_them_may() -> None:
    limiter = RateLimiter(clock=_Clock())
    first = _credential(5, 5)
    others = [replace(first, key_id=new_id()) for _ in range(6)]
    assert [_taken(limiter, each) for each in [first, *others]] == [5, 5, 5, 5, 0, 0, 0]


def test_each_key_of_an_account_has_its_request_however_many_processes_share() -> None:
    limiter = RateLimiter(1000, clock=_Clock())
    first = _credential(1, 1)
    keys = [first, *(replace(first, key_id=new_id()) for _ in range(3))]
    assert [_taken(limiter, each) for each in keys] == [1, 1, 1, 1]


def test_one_visitor_takes_a_fifth_of_what_a_publishable_key_may() -> None:
    clock = _Clock()
    limiter = RateLimiter(clock=clock)
    credential = _credential(100, 200, kind=KeyKind.PUBLISHABLE)
    assert _taken(limiter, credential, address="192.0.2.1") == 40
    assert _taken(limiter, credential, address="192.0.2.2") == 40
    clock.now += 1
    assert _taken(limiter, credential, address="192.0.2.1") == 20
    assert _taken(limiter, credential, address="2001:db8::1") == 40
    assert _taken(limiter, credential, address="2001:db8::2") == 0


def test_a_visitor_may_make_some_requests_with_a_slow_key_too() -> None:
    limiter = RateLimiter(clock=_Clock())
    assert _taken(limiter, _credential(5, 20, kind=KeyKind.PUBLISHABLE)) == 10
    assert _taken(limiter, _credential(1, 1, kind=KeyKind.PUBLISHABLE)) == 1


def test_processes_divide_the_limits_among_them() -> None:
    clock = _Clock()
    limiter = RateLimiter(4, clock=clock)
    credential = _credential(rate=20, burst=40)
    assert _taken(limiter, credential) == 10
    clock.now += 1
    assert _taken(limiter, credential) == 5


def test_a_share_below_one_request_is_one_request() -> None:
    assert _taken(RateLimiter(100, clock=_Clock()), _credential(rate=10, burst=20)) == 1


def test_new_limits_count_at_once() -> None:
    clock = _Clock()
    limiter = RateLimiter(clock=clock)
    small = _credential(rate=1, burst=1)
    assert _taken(limiter, small) == 1
    large = replace(small, account=replace(small.account, rate_per_second=10, burst=100))
    assert _taken(limiter, large) > 50


def test_memory_of_the_limiter_is_bounded() -> None:
    limiter = RateLimiter(clock=_Clock(), keys=10)
    busy = _credential(5, 5)
    limiter.take(busy, _from("192.0.2.1"))
    for _ in range(9):
        limiter.take(_credential(5, 5), _from("192.0.2.1"))
    limiter.take(busy, _from("192.0.2.1"))
    for _ in range(9):
        limiter.take(_credential(5, 5), _from("192.0.2.1"))
    assert _taken(limiter, busy) == 3  # what is used is remembered, what rests is forgotten


def _from(address: str) -> dict[str, Any]:
    return {"type": "http", "client": (address, 1), "headers": []}


def _failures(limits: AddressLimits, address: str) -> int:
    """How many failures of an address are answered as such, until one is not."""
    for count in range(1000):
        try:
            limits.fail(_from(address))
        except RateLimited:
            return count
    raise AssertionError("there is no limit")


def test_an_address_may_fail_twenty_seconds_worth_at_once_and_so_much_a_second() -> None:
    clock = _Clock()
    limits = AddressLimits(failures_per_second=2, clock=clock)
    assert not limits.has_failed(_from("192.0.2.1"))
    assert _failures(limits, "192.0.2.1") == 40
    assert limits.has_failed(_from("192.0.2.1"))
    assert not limits.has_failed(_from("192.0.2.2"))
    clock.now += 3
    assert _failures(limits, "192.0.2.1") == 6
    with pytest.raises(RateLimited) as refused:
        limits.fail(_from("192.0.2.1"))
    assert refused.value.retry_after == 1


def test_failures_use_up_no_requests_and_requests_no_failures() -> None:
    limits = AddressLimits(failures_per_second=1, requests_per_second=0.1, clock=_Clock())
    assert _failures(limits, "192.0.2.1") == 20
    for _ in range(2):
        limits.ask(_from("192.0.2.1"))
    with pytest.raises(RateLimited) as refused:
        limits.ask(_from("192.0.2.1"))
    assert refused.value.retry_after == 10


def test_monitors_have_a_limit_of_their_own_and_a_high_one() -> None:
    limits = AddressLimits(failures_per_second=1, requests_per_second=1, clock=_Clock())
    for _ in range(10_000):
        limits.probe(_from("192.0.2.1"))
    with pytest.raises(RateLimited):
        limits.probe(_from("192.0.2.1"))
    limits.ask(_from("192.0.2.1"))
    assert _failures(limits, "192.0.2.1") == 20


def test_a_network_of_an_ipv6_caller_is_one_address() -> None:
    limits = AddressLimits(failures_per_second=1, clock=_Clock())
    assert _failures(limits, "2001:db8:0:1::1") == 20
    assert _failures(limits, "2001:db8:0:1:ffff::2") == 0
    assert _failures(limits, "2001:db8:0:2::1") == 20


def test_servers_share_the_limits_of_an_address() -> None:
    assert _failures(AddressLimits(failures_per_second=2, processes=4, clock=_Clock()), "x") == 10


def test_memory_of_the_limits_of_addresses_is_bounded() -> None:
    limits = AddressLimits(failures_per_second=0.05, clock=_Clock(), addresses=10)
    for number in range(50):
        limits.fail(_from(f"192.0.2.{number}"))
    assert limits.has_failed(_from("192.0.2.49"))
    assert not limits.has_failed(_from("192.0.2.1"))  # forgotten


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

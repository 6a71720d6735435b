"""What a key, an account and an address may ask for in a second, away from any server."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import MARKETS, Account, Credential, KeyKind, Mode
from estafette.core.ids import new_id
from estafette.http.limiter import AddressLimits, RateLimiter, charge_body
from estafette.http.refusals import RateLimited
from estafette.http.request import BODY_LIMIT, read_body
from tests.http.bodies import handing_on, parts_of


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
            assert await read_body(scope, handing_on(parts_of(b"x" * 20_000, b"x" * 20_000)))
            continue
        with pytest.raises(RateLimited):
            await read_body(scope, handing_on([]))


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

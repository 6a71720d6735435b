"""Who may ask a platform for prices, by a clock that the test moves."""

from uuid import UUID, uuid4

import pytest

from estafette.core.couriers.company import CourierResting
from estafette.couriers.platforms.breaker import FAILURES
from estafette.couriers.platforms.shares import (
    MOST_ACCOUNTS,
    WINDOW_SECONDS,
    Asking,
    Breaker,
    Shares,
)
from tests.couriers.platforms.test_breaker import Clock

FLOOD, SHOP = uuid4(), uuid4()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shares(clock: Clock) -> Shares:
    return Shares(clock=clock)


def ask(shares: Shares, account: UUID, times: int = 1) -> None:
    for _ in range(times):
        shares.begin(account)


def test_the_account_that_asks_most_steps_back_and_the_others_do_not(
    shares: Shares, clock: Clock
) -> None:
    ask(shares, FLOOD, 50)
    ask(shares, SHOP, 5)
    shares.asked_to_wait(2.0)
    with pytest.raises(CourierResting):
        shares.begin(FLOOD)
    shares.begin(SHOP)
    clock.now += 1.9
    with pytest.raises(CourierResting):
        shares.begin(FLOOD)
    clock.now += 0.2
    shares.begin(FLOOD)


def test_the_next_steps_back_when_the_platform_still_wants_less(shares: Shares) -> None:
    ask(shares, FLOOD, 50)
    ask(shares, SHOP, 5)
    shares.asked_to_wait(2.0)
    shares.asked_to_wait(2.0)
    with pytest.raises(CourierResting):
        shares.begin(SHOP)
    shares.asked_to_wait(2.0)  # all have stepped back


def test_what_was_asked_long_ago_counts_no_more(shares: Shares, clock: Clock) -> None:
    ask(shares, FLOOD, 50)
    clock.now += 2 * WINDOW_SECONDS
    ask(shares, SHOP, 2)
    shares.asked_to_wait(2.0)
    shares.begin(FLOOD)
    with pytest.raises(CourierResting):
        shares.begin(SHOP)


def test_what_was_asked_in_the_window_before_counts(shares: Shares, clock: Clock) -> None:
    ask(shares, FLOOD, 50)
    clock.now += WINDOW_SECONDS
    ask(shares, SHOP, 2)
    shares.asked_to_wait(2.0)
    shares.begin(SHOP)
    with pytest.raises(CourierResting):
        shares.begin(FLOOD)


def test_one_accounts_failures_are_its_own_and_two_accounts_are_the_platforms(
    clock: Clock,
) -> None:
    breaker, shares = Breaker(clock), Shares(clock=clock)
    flood, shop = Asking(breaker, shares, FLOOD), Asking(breaker, shares, SHOP)
    for _ in range(FAILURES):
        flood.begin()
        flood.failed()
    with pytest.raises(CourierResting):
        flood.begin()
    assert not breaker.is_open
    shop.begin()
    shop.succeeded()
    for _ in range(FAILURES):
        shop.begin()
        shop.failed()
    assert not breaker.is_open  # an answer came in between
    for account in [uuid4() for _ in range(FAILURES)]:
        asking = Asking(breaker, shares, account)
        asking.begin()
        asking.failed()
    assert breaker.is_open


def test_what_is_remembered_has_an_end(shares: Shares) -> None:
    for _ in range(2 * MOST_ACCOUNTS + 10):
        account = uuid4()
        shares.begin(account)
        shares.failed(account)
    counted = [getattr(shares, name) for name in ("_asked", "_asked_before", "_failing")]
    assert max(map(len, counted)) <= MOST_ACCOUNTS

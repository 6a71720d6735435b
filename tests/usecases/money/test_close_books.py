"""Balances carried forward are those that adding up all entries gives, whatever was booked when."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estafette.core.accounts.account import Mode
from estafette.core.ids import new_id
from estafette.core.money.books import Book, Holder, holder
from estafette.usecases.money.books import statement
from estafette.usecases.money.close_books import close_books
from tests.rows import money, tables
from tests.rows.money import Line
from tests.usecases.angola import Shop, angola_over, new_shop
from tests.usecases.machines import Stage, staged

COMPANIES = [new_id() for _ in range(2)]


@asynccontextmanager
async def shop_over(dsn: str) -> AsyncGenerator[Shop]:
    async with angola_over(dsn) as platform:
        yield await new_shop(platform)


@pytest.fixture
def stage(clean_database: str) -> Iterator[Stage[Shop]]:
    with staged(shop_over(clean_database)) as stage:
        yield stage


async def add(
    shop: Shop,
    age: timedelta,
    amount: int = 500,
    company: UUID = COMPANIES[0],
    book: Book = Book.CASH,
) -> None:
    """Books a transfer from the merchant to another book, dated back."""
    lines = [Line(book, company, amount), Line(Book.MERCHANT, company, -amount)]
    await money.book(shop.platform.pool, shop.scope, lines, ago=age)


async def added_up(shop: Shop, before: datetime) -> dict[Holder, int]:
    """The balances, by adding up every entry."""
    sums: dict[Holder, int] = {}
    for book, company_id, amount in await money.booked_before(
        shop.platform.pool, shop.scope, before
    ):
        of = holder(Book(book), company_id)
        sums[of] = sums.get(of, 0) + amount
    return {of: amount for of, amount in sums.items() if amount}


async def opening(shop: Shop, at: datetime) -> dict[Holder, int]:
    return (await statement(shop.platform, shop.account, shop.mode, at, at)).opening


_AGES = st.integers(0, 12 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
_ENTRIES = st.tuples(
    _AGES,
    st.integers(1, 2**62),
    st.sampled_from(COMPANIES),
    st.sampled_from([Book.CASH, Book.COMPANY, Book.PLATFORM]),
    st.booleans(),
)


def test_carried_balances_are_the_sums_of_all_entries(stage: Stage[Shop]) -> None:
    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(st.lists(_ENTRIES, max_size=25), st.lists(_AGES, min_size=1, max_size=6))
    def play(
        entries: Sequence[tuple[timedelta, int, UUID, Book, bool]], looks: Sequence[timedelta]
    ) -> None:
        async def work() -> None:
            shop = await new_shop(stage.on.platform)
            for age, amount, company, book, closes in entries:
                await add(shop, age, amount, company, book)
                if closes:
                    await close_books(shop.platform)
            await close_books(shop.platform)
            now = datetime.now(UTC)
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            for look in (*looks, timedelta(0)):
                for at in (now - look, midnight - timedelta(days=look.days)):
                    assert await opening(shop, at) == await added_up(shop, at)

        stage.run(work())

    play()


async def closings(shop: Shop) -> list[datetime]:
    mine = shop.scope._asdict()
    found = await tables.values(shop.platform.pool, "ledger_closings", "closed_to", mine)
    return sorted(set(found))


async def test_a_statement_reads_no_more_than_what_was_booked_since_the_last_closing(
    shop: Shop,
) -> None:
    for days in (40, 20, 3):
        await add(shop, timedelta(days=days))
    assert await close_books(shop.platform) >= 3
    assert len(await closings(shop)) == 3
    # what is closed is not looked at again: spoilt entries before it change nothing
    cash = {"account_id": shop.account.id, "book": Book.CASH}
    merchant = {"account_id": shop.account.id, "book": Book.MERCHANT}
    async with shop.platform.pool.acquire() as connection, money.rewriting(connection):
        await tables.change(connection, "ledger_entries", cash, amount=1_000)
        await tables.change(connection, "ledger_entries", merchant, amount=-1_000)
    found = await opening(shop, datetime.now(UTC))
    assert found == {
        Holder(Book.CASH, COMPANIES[0]): 1_500,
        Holder(Book.MERCHANT, None): -1_500,
    }
    assert await close_books(shop.platform) == 0


async def test_an_entry_that_is_dated_back_opens_the_days_after_it_again(shop: Shop) -> None:
    for days in (9, 6, 3):
        await add(shop, timedelta(days=days))
    await close_books(shop.platform)
    first, *_ = await closings(shop)
    await add(shop, timedelta(days=7))
    assert await closings(shop) == [first]
    now = datetime.now(UTC)
    assert await opening(shop, now) == await added_up(shop, now)
    await close_books(shop.platform)
    assert len(await closings(shop)) == 4


async def test_a_day_that_ended_less_than_an_hour_ago_is_open(shop: Shop) -> None:
    for minutes in (1, 30, 59):
        await add(shop, timedelta(minutes=minutes))
    assert await close_books(shop.platform) == 0
    assert await closings(shop) == []


async def test_live_and_sandbox_are_closed_apart(shop: Shop) -> None:
    await add(shop, timedelta(days=3))
    shop.mode = Mode.SANDBOX
    await add(shop, timedelta(days=3), 70)
    await close_books(shop.platform)
    now = datetime.now(UTC)
    assert (await opening(shop, now))[Holder(Book.MERCHANT, None)] == -70


async def test_the_books_are_still_only_added_to_where_days_are_closed(shop: Shop) -> None:
    await add(shop, timedelta(days=3))
    await close_books(shop.platform)
    mine = {"account_id": shop.account.id}
    with pytest.raises(asyncpg.RestrictViolationError):
        await tables.remove(shop.platform.pool, "ledger_entries", mine)

"""Cash of drivers: collected, declared, counted by somebody else, reversed; never changed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.core.fleet.refusals import DriverNotFound
from estafette.core.money.books import Book, Cause, Holder
from estafette.core.money.cash import (
    AmountRefused,
    CashPassedOn,
    CashRefusal,
    CashRoom,
    HandoverEnded,
    HandoverNotFound,
    HandoverOpen,
    HandoverState,
    MoreThanInHand,
    NothingCollected,
    ReasonNeeded,
    SamePerson,
)
from estafette.store.money import handovers as store
from estafette.store.money.handovers import HandoverFilter
from estafette.usecases.money.books import statement
from estafette.usecases.money.cash import cash_rooms, page_of_companies, page_of_drivers
from estafette.usecases.money.close_books import close_books
from estafette.usecases.money.driver_statement import driver_csv, driver_statement
from estafette.usecases.money.handovers import (
    cash_in_hand,
    confirm_handover,
    declare_handover,
    page_of_handovers,
    reverse_collection,
    reverse_handover,
    withdraw_handover,
)
from estafette.usecases.money.settle import WantedTransfer, pay
from tests.rows import money, tables
from tests.usecases.angola import Shop, angola_over, new_shop
from tests.usecases.money.cash_stage import CashStage, OneDriver, cash_stage


@pytest.fixture
async def stage(clean_database: str) -> AsyncIterator[CashStage]:
    async with angola_over(clean_database) as platform:
        yield await cash_stage(await new_shop(platform))


@pytest.fixture
async def driver(stage: CashStage) -> OneDriver:
    """A driver who has collected 3,000 of one shop and 4,500 of another."""
    driver = await stage.driver()
    await stage.delivered(driver, 3_000)
    await stage.delivered(driver, 4_500, stage.other)
    return driver


async def balances(shop: Shop) -> dict[Holder, int]:
    end = datetime.now(UTC) + timedelta(hours=1)
    of = await statement(shop.platform, shop.account, shop.mode, end, end)
    assert sum(of.opening.values()) == 0
    return of.opening


async def in_hand(stage: CashStage, driver: OneDriver) -> int:
    return (await cash_in_hand(stage.shop.platform, driver.company_id, driver.id)).room.in_hand


async def test_cash_is_the_drivers_until_another_has_counted_it(
    stage: CashStage, driver: OneDriver
) -> None:
    hand, there = (Holder(book, stage.company.id) for book in (Book.DRIVER, Book.CASH))
    assert (await balances(stage.shop))[hand] == 3_000
    assert (await balances(stage.other))[hand] == 4_500
    made = await declare_handover(
        stage.acting(driver.person_id), driver.company_id, driver.id, 7_500
    )
    assert (made.state, made.name) == (HandoverState.DECLARED, "H-00001")
    assert await in_hand(stage, driver) == 7_500
    done = await confirm_handover(
        stage.acting(stage.counters[0]), driver.company_id, made.id, 7_500, "nothing to say"
    )
    assert (done.counted, done.difference, done.reason) == (7_500, 0, None)
    assert await in_hand(stage, driver) == 0
    for shop, cash in ((stage.shop, 3_000), (stage.other, 4_500)):
        found = await balances(shop)
        assert (found.get(hand, 0), found[there]) == (0, cash)
    wanted = WantedTransfer(
        stage.other.account, Mode.LIVE, Cause.SETTLED, Book.CASH, 4_500, "R-1", stage.company
    )
    await pay(stage.shop.platform, wanted)


async def test_cash_without_a_driver_of_ours_is_the_companys_at_once(stage: CashStage) -> None:
    await stage.delivered(None, 900)
    assert (await balances(stage.shop))[Holder(Book.CASH, stage.company.id)] == 900


@pytest.mark.parametrize(("counted", "company"), [(7_000, 500), (0, 7_500), (8_000, -500)])
async def test_the_company_answers_for_a_difference_which_needs_a_reason(
    stage: CashStage, driver: OneDriver, counted: int, company: int
) -> None:
    made = await declare_handover(
        stage.acting(driver.person_id), driver.company_id, driver.id, 7_500
    )
    counter = stage.acting(stage.counters[0])
    with pytest.raises(ReasonNeeded):
        await confirm_handover(counter, driver.company_id, made.id, counted, " ")
    assert await in_hand(stage, driver) == 7_500
    done = await confirm_handover(counter, driver.company_id, made.id, counted, "a torn note")
    assert (done.difference, done.reason) == (7_500 - counted, "a torn note")
    theirs = [
        (await balances(shop)).get(Holder(Book.COMPANY, stage.company.id), 0)
        for shop in (stage.shop, stage.other)
    ]
    assert sum(theirs) == company - 2_000  # and its fees
    assert await in_hand(stage, driver) == 0


async def test_who_carried_or_declared_it_cannot_count_it(
    stage: CashStage, driver: OneDriver
) -> None:
    mine, theirs = stage.acting(driver.person_id), stage.acting(stage.counters[0])
    made = await declare_handover(theirs, driver.company_id, driver.id, 100)
    for who in (mine, theirs):
        with pytest.raises(SamePerson):
            await confirm_handover(who, driver.company_id, made.id, 100)
    await confirm_handover(stage.acting(stage.counters[1]), driver.company_id, made.id, 100)
    assert await in_hand(stage, driver) == 7_400


async def test_a_handover_is_declared_and_counted_once_however_often_it_is_sent(
    stage: CashStage, driver: OneDriver
) -> None:
    company, id = driver.company_id, uuid4()
    declaring = (
        declare_handover(stage.acting(driver.person_id), company, driver.id, 5_000, id)
        for _ in range(4)
    )
    made = await asyncio.gather(*declaring)
    assert {one.id for one in made} == {id}
    counting = (
        confirm_handover(stage.acting(stage.counters[0]), company, id, 5_000) for _ in "1234"
    )
    done = await asyncio.gather(*counting)
    assert {one.state for one in done} == {HandoverState.COUNTED}
    assert await in_hand(stage, driver) == 2_500
    other = await stage.driver("Zola")
    await stage.delivered(other, 10)
    own = await declare_handover(stage.acting(other.person_id), company, other.id, 10, id)
    assert own.id != id  # another driver's id makes nothing the same
    again = await declare_handover(stage.acting(driver.person_id), company, driver.id, 5_000, id)
    assert again.state is HandoverState.COUNTED  # a late tap is that handover, and no other


async def test_of_two_who_count_at_once_one_is_told_who_did(
    stage: CashStage, driver: OneDriver
) -> None:
    company = driver.company_id
    made = await declare_handover(stage.acting(driver.person_id), company, driver.id, 7_500)
    counting = (
        confirm_handover(stage.acting(who), company, made.id, 7_500) for who in stage.counters
    )
    done = await asyncio.gather(*counting, return_exceptions=True)
    [told] = [one for one in done if isinstance(one, HandoverEnded)]
    [won] = [one for one in done if not isinstance(one, BaseException)]
    assert told.handover == won
    assert str(told) == "H-00001 was counted already: 7500"
    assert await in_hand(stage, driver) == 0


async def test_what_cannot_be_is_refused_and_changes_nothing(
    stage: CashStage, driver: OneDriver
) -> None:
    company, mine = driver.company_id, stage.acting(driver.person_id)
    counter = stage.acting(stage.counters[0])
    made = await declare_handover(mine, company, driver.id, 5_000)

    async def refused(kind: type[CashRefusal | DriverNotFound], work: object) -> None:
        with pytest.raises(kind):
            await work  # type: ignore[misc] - a coroutine

    await refused(HandoverOpen, declare_handover(mine, company, driver.id, 5_001))
    await refused(AmountRefused, declare_handover(mine, company, driver.id, 0))
    await refused(AmountRefused, confirm_handover(counter, company, made.id, -1))
    await refused(DriverNotFound, declare_handover(mine, company, uuid4(), 1))
    await refused(DriverNotFound, declare_handover(mine, uuid4(), driver.id, 1))
    await refused(HandoverNotFound, confirm_handover(counter, uuid4(), made.id, 5_000))
    await refused(HandoverEnded, reverse_handover(counter, company, made.id, "it was not"))
    await withdraw_handover(mine, company, made.id)
    await refused(HandoverEnded, confirm_handover(counter, company, made.id, 5_000))
    await refused(MoreThanInHand, declare_handover(mine, company, driver.id, 7_501))
    await refused(ReasonNeeded, reverse_handover(counter, company, made.id, "x" * 501))
    assert await in_hand(stage, driver) == 7_500


async def test_a_handover_is_taken_back_by_the_opposite_lines_and_once(
    stage: CashStage, driver: OneDriver
) -> None:
    company, counter = driver.company_id, stage.acting(stage.counters[0])
    before = [await balances(shop) for shop in (stage.shop, stage.other)]
    made = await declare_handover(stage.acting(driver.person_id), company, driver.id, 7_500)
    await confirm_handover(counter, company, made.id, 7_000, "missing")
    taking = (reverse_handover(counter, company, made.id, "counted twice") for _ in "123")
    back = await asyncio.gather(*taking)
    assert {one.state for one in back} == {HandoverState.REVERSED}
    assert await in_hand(stage, driver) == 7_500
    for shop, was in zip((stage.shop, stage.other), before, strict=True):
        assert {of: amount for of, amount in (await balances(shop)).items() if amount} == was


async def test_cash_that_was_settled_is_not_taken_back(stage: CashStage, driver: OneDriver) -> None:
    company, counter = driver.company_id, stage.acting(stage.counters[0])
    made = await declare_handover(stage.acting(driver.person_id), company, driver.id, 7_500)
    await confirm_handover(counter, company, made.id, 7_500)
    wanted = WantedTransfer(
        stage.shop.account, Mode.LIVE, Cause.SETTLED, Book.CASH, 1, "R-1", stage.company
    )
    await pay(stage.shop.platform, wanted)
    with pytest.raises(CashPassedOn):
        await reverse_handover(counter, company, made.id, "too late")
    assert await in_hand(stage, driver) == 0


async def test_a_collection_is_taken_back_while_the_driver_has_the_cash(
    stage: CashStage, driver: OneDriver
) -> None:
    platform = stage.acting(stage.counters[0])
    delivery = await stage.delivered(driver, 1_000)
    with pytest.raises(ReasonNeeded):
        await reverse_collection(platform, stage.shop.scope, delivery.id, "")
    await reverse_collection(platform, stage.shop.scope, delivery.id, "paid by card")
    of = {"delivery_id": delivery.id}
    assert await tables.value(stage.pool, "assignments", "reason", of) == "paid by card"
    assert await in_hand(stage, driver) == 7_500
    assert (await balances(stage.shop))[Holder(Book.MERCHANT, None)] == 2_000 - 3_000
    with pytest.raises(NothingCollected):
        await reverse_collection(platform, stage.shop.scope, delivery.id, "paid by card")
    other = await stage.delivered(driver, 500)
    made = await declare_handover(platform, driver.company_id, driver.id, 8_000)
    await confirm_handover(stage.acting(stage.counters[1]), driver.company_id, made.id, 8_000)
    with pytest.raises(CashPassedOn):
        await reverse_collection(platform, stage.shop.scope, other.id, "too late")


async def test_a_driver_over_the_limit_is_offered_no_cash(stage: CashStage) -> None:
    driver, free = await stage.driver(limit=5_000), await stage.driver()
    await stage.delivered(driver, 2_000)
    await stage.carried(driver, 1_500)
    async with stage.pool.acquire() as connection:
        rooms = await cash_rooms(connection, stage.company.id, Mode.LIVE)
    assert rooms == {driver.id: CashRoom(2_000, 1_500, 5_000), free.id: CashRoom()}


async def test_drivers_companies_and_handovers_are_listed_page_by_page(
    stage: CashStage, driver: OneDriver
) -> None:
    platform, company = stage.shop.platform, stage.company.id
    second = await stage.driver("Zola", limit=9)
    await stage.delivered(second, 10)
    made = await declare_handover(stage.acting(second.person_id), company, second.id, 10)
    first = await page_of_drivers(platform, company, Mode.LIVE, None, 1)
    rest = await page_of_drivers(platform, company, Mode.LIVE, first.next, 1)
    assert [one.name for one in (*first.drivers, *rest.drivers)] == ["Kiala", "Zola"]
    assert (rest.next, rest.drivers[0].handover_id) == (None, made.id)
    [of] = (await page_of_companies(platform, Mode.LIVE, None, 9)).companies
    assert (of.name, of.drivers, of.in_hand, of.to_count) == ("Moto", 2, 7_510, 1)
    assert (await page_of_companies(platform, Mode.SANDBOX, None, 9)).companies == []
    await withdraw_handover(platform, company, made.id)
    again = await declare_handover(platform, company, second.id, 9)
    wanted = HandoverFilter(company, Mode.LIVE)
    newest = await page_of_handovers(platform, wanted, None, 1)
    older = await page_of_handovers(platform, wanted, newest.next, 1)
    assert [one.handover.id for one in (*newest.handovers, *older.handovers)] == [again.id, made.id]
    only = wanted._replace(driver_id=driver.id)
    assert (await page_of_handovers(platform, only, None, 9)).handovers == []
    only = wanted._replace(state=HandoverState.WITHDRAWN)
    assert len((await page_of_handovers(platform, only, None, 9)).handovers) == 1


async def test_a_drivers_statement_tells_all_that_was_taken_and_handed_over(
    stage: CashStage, driver: OneDriver
) -> None:
    platform, company = stage.shop.platform, driver.company_id
    made = await declare_handover(stage.acting(driver.person_id), company, driver.id, 7_000)
    await confirm_handover(stage.acting(stage.counters[0]), company, made.id, 7_000)
    now = datetime.now(UTC)
    of = await driver_statement(platform, company, driver.id, now - timedelta(days=1), now)
    lines = [line async for line in driver_csv(of)]
    assert lines[1].split(",")[1] == "opening"
    assert [line.split(",")[6] for line in lines[2:-1]] == ["3000", "4500", "-3000", "-4000"]
    assert lines[-1].split(",")[7] == "500"
    later = await driver_statement(platform, company, driver.id, now, now + timedelta(days=1))
    assert later.opening == 500
    assert "Kiala" in lines[-1]


async def test_an_accounts_statement_names_the_handover_and_the_driver_by_id(
    stage: CashStage, driver: OneDriver
) -> None:
    made = await declare_handover(stage.shop.platform, driver.company_id, driver.id, 3_000)
    await confirm_handover(stage.acting(stage.counters[0]), driver.company_id, made.id, 3_000)
    now = datetime.now(UTC) + timedelta(minutes=1)
    found = 0
    for shop in (stage.shop, stage.other):
        of = await statement(shop.platform, shop.account, shop.mode, now - timedelta(days=1), now)
        entries = [entry async for entry in of.entries() if entry.cause is Cause.HANDED_OVER]
        found += len(entries)
        assert {entry.delivery_id for entry in entries} <= {made.id}
        assert {entry.driver_id for entry in entries} <= {driver.id, None}
    assert found == 2


async def test_a_day_with_cash_of_drivers_is_carried_forward(
    stage: CashStage, driver: OneDriver
) -> None:
    shop = stage.shop
    before = await balances(shop)
    async with stage.pool.acquire() as connection, money.rewriting(connection):
        mine = {"account_id": shop.account.id}
        await tables.shift(connection, "ledger_entries", mine, booked_at=timedelta(days=-3))
    assert await close_books(shop.platform) > 0
    assert await balances(shop) == before
    closed = {"account_id": shop.account.id, "book": "driver"}
    [row] = await tables.read(stage.pool, "ledger_closings", closed)
    assert row["amount"] == 3_000


async def test_the_database_lets_nobody_hand_over_what_is_not_there(
    stage: CashStage, driver: OneDriver
) -> None:
    async with stage.pool.acquire() as connection:
        for amount in (-3_001, 0):
            with pytest.raises(asyncpg.CheckViolationError):
                await tables.add(
                    connection,
                    "ledger_entries",
                    account_id=stage.shop.account.id,
                    delivery_id=uuid4(),
                    cause="handed_over",
                    line=1,
                    mode="live",
                    book="driver",
                    company_id=driver.company_id,
                    driver_id=driver.id,
                    amount=amount,
                )


async def test_a_person_and_a_command_are_told_apart_who_count(
    stage: CashStage, driver: OneDriver
) -> None:
    platform = stage.shop.platform.acting(By.command("root"))
    made = await declare_handover(platform, driver.company_id, driver.id, 1)
    with pytest.raises(SamePerson):
        await confirm_handover(platform, driver.company_id, made.id, 1)
    done = await confirm_handover(
        platform.acting(By.command("cashier")), driver.company_id, made.id, 1
    )
    assert done.ended_by == By.command("cashier")
    async with stage.pool.acquire() as connection:
        assert await store.find(connection, driver.company_id, made.id) == done

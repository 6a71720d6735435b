"""Where parcels go: what recipients say, what drivers find out, who reads it and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.places import (
    MOST_CHANGES,
    DeliveryOver,
    NotCarrying,
    NothingSaid,
    PlaceSource,
    PointUnreadable,
    SaidTooOften,
    StopPlace,
    TooFar,
)
from estafette.core.errors import DeliveryNotFound
from estafette.core.fleet.refusals import NotOfCompany
from estafette.core.point import Point
from estafette.core.retention import CORRECTIONS
from estafette.store.deliveries import corrections
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.places import correct_place, dropoff_places, say_where
from estafette.usecases.deliveries.privacy import erase_phone, stored
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA, VIANA, Shop, new_shop
from tests.usecases.money.cash_stage import COURSE, CashStage, OneDriver, cash_stage

NOW = datetime.now(UTC)
HERE, THERE = Point(-8.8383, 13.2344), Point(-8.8402, 13.2291)


async def place(shop: Shop, delivery: Delivery) -> StopPlace:
    async with shop.platform.pool.acquire() as connection:
        return (await dropoff_places(connection, shop.platform, [delivery]))[delivery.id]


async def carried(shop: Shop) -> tuple[CashStage, OneDriver, Delivery]:
    """A delivery that a driver has accepted."""
    stage = await cash_stage(shop, account_id=shop.account.id)
    driver = await stage.driver()
    return stage, driver, await stage.carried(driver, 100)


async def correct(shop: Shop, driver: OneDriver, delivery: Delivery, point: Point) -> None:
    of = (driver.company_id, driver.id, delivery.id)
    await correct_place(shop.platform, *of, point, "behind the\u202e school")


async def test_what_the_recipient_says_goes_first_and_adds_up(shop: Shop) -> None:
    _, driver, delivery = await carried(shop)
    assert (await place(shop, delivery)).source is None
    await correct(shop, driver, delivery, THERE)
    found = await place(shop, delivery)
    assert (found.point, found.source) == (THERE, PlaceSource.CORRECTION)
    assert found.hint == "behind the school"
    await say_where(shop.platform, delivery.id, NOW, note="ring twice")
    wanted = (NOW + timedelta(hours=1), NOW + timedelta(hours=4))
    await say_where(
        shop.platform, delivery.id, NOW, point="-8.8383, 13.2344", landmark="gate", wanted=wanted
    )
    found = await place(shop, delivery)
    assert (found.point, found.source) == (HERE, PlaceSource.RECIPIENT)
    assert (found.landmark, found.note) == ("gate", "ring twice")
    assert (found.wanted_from, found.wanted_until) == wanted
    kept = (await stored(shop.platform, delivery)).said
    assert kept is not None
    assert kept.landmark == "gate"


async def test_a_correction_is_remembered_for_the_address_of_the_account_alone(
    shop: Shop,
) -> None:
    stage, driver, delivery = await carried(shop)
    await correct(shop, driver, delivery, HERE)
    await correct(shop, driver, delivery, THERE)
    again = await shop.create(dropoff=replace(VIANA, address="RUA 7,  maianga"))
    assert (await place(shop, again)).point == THERE
    twin = replace(again, id=uuid4(), scope=Scope(shop.account.id, Mode.SANDBOX))
    async with stage.pool.acquire() as connection:
        both = await dropoff_places(connection, shop.platform, [again, twin])
    assert (both[again.id].point, both[twin.id].point) == (THERE, None)
    elsewhere = await shop.create(dropoff=replace(VIANA, address="Rua 8, Maianga"))
    assert (await place(shop, elsewhere)).point is None
    other = await new_shop(shop.platform)
    await other.company("other")
    assert (await place(other, await other.create())).point is None
    mine = {"account_id": shop.account.id}
    await tables.shift(stage.pool, "address_corrections", mine, corrected_at=-CORRECTIONS)
    assert (await place(shop, again)).point is None
    async with stage.pool.acquire() as connection:
        assert await corrections.forget(connection, CORRECTIONS, 1_000) >= 1
    assert await tables.count(stage.pool, "address_corrections", mine) == 0


async def test_only_who_carries_it_corrects_where_it_goes(shop: Shop) -> None:
    stage, driver, delivery = await carried(shop)
    other = await stage.driver("Zola")
    with pytest.raises(NotCarrying):
        await correct(shop, other, delivery, HERE)
    with pytest.raises(NotOfCompany):
        await correct(shop, replace(driver, company_id=uuid4()), delivery, HERE)
    with pytest.raises(TooFar):
        await correct(shop, driver, delivery, Point(43.2, 76.9))
    assert (await place(shop, delivery)).point is None


async def test_what_cannot_be_is_refused_and_nothing_is_kept(shop: Shop) -> None:
    _, _, delivery = await carried(shop)
    platform, id = shop.platform, delivery.id
    with pytest.raises(NothingSaid):
        await say_where(platform, id, NOW)
    with pytest.raises(PointUnreadable):
        await say_where(platform, id, NOW, point="over there")
    with pytest.raises(TooFar):
        await say_where(platform, id, NOW, point="13.2344, -8.8383")
    with pytest.raises(DeliveryNotFound):
        await say_where(platform, uuid4(), NOW, note="x")
    mine = {"account_id": shop.account.id}
    assert await tables.count(platform.pool, "recipient_words", mine) == 0
    for number in range(MOST_CHANGES):
        await say_where(platform, id, NOW, note=f"note {number}")
    with pytest.raises(SaidTooOften):
        await say_where(platform, id, NOW, note="once more")
    assert (await place(shop, delivery)).note == f"note {MOST_CHANGES - 1}"


async def test_nothing_is_changed_after_the_end_and_all_of_it_is_erased(shop: Shop) -> None:
    _, driver, _ = await carried(shop)
    phone = f"+2449{uuid4().int % 10**8:08d}"
    dropoff = replace(VIANA, phone=phone, phone_e164=phone)
    delivery = await shop.create(dropoff=dropoff)
    await say_where(shop.platform, delivery.id, NOW, note="the blue gate", point="6F3M57W5+F7")
    moves = [Move(status, Actor.COURIER) for status in COURSE]
    ended = await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)
    assert ended.status is Status.DELIVERED
    with pytest.raises(DeliveryOver):
        await say_where(shop.platform, delivery.id, NOW, note="late")
    stage = CashStage(shop, shop, await shop.company("again", account_id=shop.account.id))
    known = await stage.carried(await stage.driver(), 1)
    assert driver.company_id != stage.company.id
    async with shop.platform.pool.acquire() as connection:
        before = await dropoff_places(connection, shop.platform, [known, ended])
    assert before[ended.id].note == "the blue gate"
    mine = {"account_id": shop.account.id}
    await correct_of(shop, ended)
    assert await tables.count(shop.platform.pool, "address_corrections", mine) == 1
    assert (await erase_phone(shop.platform, phone)).erased == 1
    assert await tables.count(shop.platform.pool, "recipient_words", mine) == 0
    assert await tables.count(shop.platform.pool, "address_corrections", mine) == 0


async def correct_of(shop: Shop, delivery: Delivery) -> None:
    """A driver's correction of where a delivery went, whoever carried it."""
    from estafette.core.deliveries.places import address_key
    from estafette.store.deliveries.corrections import NewCorrection

    key = address_key(shop.account.id, delivery.dropoff)
    new = NewCorrection(key, shop.mode, HERE, None, uuid4(), uuid4())
    async with shop.platform.pool.acquire() as connection:
        await corrections.keep(connection, new)

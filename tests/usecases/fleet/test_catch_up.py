"""Assignments catch up with deliveries that a server without drivers has moved."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.fleet.assignment import Assignment, AssignmentState, is_left_behind
from estafette.core.fleet.tour import StopKind
from estafette.core.ids import new_id
from estafette.core.money.books import Book, Line, transfers
from estafette.core.money.cash import passed_on
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.store.deliveries import journal
from estafette.store.money import books
from estafette.usecases.deliveries.advance import Move, plan
from estafette.usecases.fleet.catch_up import catch_up, loop
from estafette.usecases.fleet.steps import pick_up
from estafette.usecases.money.handovers import (
    cash_in_hand,
    declare_handover,
    reverse_collection,
)
from estafette.usecases.sandbox.plan import sendings
from tests.rows import tables
from tests.usecases.angola import ENTREGA
from tests.usecases.fleet.conftest import Fleet

S, STATE = Status, AssignmentState
TO_THE_END = (S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED)
COD = Payment(PaymentMethod.COD, cash_collect=3_000)


async def moved_without_drivers(fleet: Fleet, delivery: Delivery, *to: Status) -> Delivery:
    """What a server does that knows deliveries, webhooks and books, and no drivers."""
    platform = fleet.platform
    moves = [Move(status, Actor.OPERATOR) for status in to]
    async with platform.pool.acquire() as connection, platform.transaction(connection) as work:
        entries = plan(delivery, moves, ENTREGA)
        for entry in entries:
            sent = sendings(platform, [entry])
            await journal.move(work, [entry], platform.watch_limits, sent)
            booked = transfers(entry.before or entry.delivery.status, entry.delivery)
            await books.book(connection, [(entry.delivery, each) for each in booked])
    return entries[-1].delivery


async def states(fleet: Fleet, delivery: Delivery) -> list[AssignmentState]:
    return [one.state for one in await fleet.history(delivery)]


def test_an_offer_of_what_is_pending_is_not_left_behind() -> None:
    now = datetime.now(UTC)
    ids = (new_id(), new_id(), Scope(new_id(), Mode.LIVE), new_id(), 1, new_id())
    offer = Assignment(*ids, STATE.OFFERED, 900, By.process("test"), now, answer_by=now)
    assert not is_left_behind(offer, S.PENDING)
    assert is_left_behind(offer, S.CANCELLED)
    assert is_left_behind(offer, S.IN_TRANSIT)
    assert is_left_behind(replace(offer, state=STATE.ACCEPTED), S.PENDING)
    assert not is_left_behind(replace(offer, state=STATE.REFUSED), S.CANCELLED)


def test_cash_is_passed_on_to_a_driver_once() -> None:
    driver_id = new_id()
    booked = [Line(Book.CASH, 300), Line(Book.MERCHANT, -300)]
    further = passed_on(booked, driver_id)
    assert further is not None
    assert further.lines == (Line(Book.CASH, -300), Line(Book.DRIVER, 300, driver_id))
    assert passed_on([*booked, *further.lines], driver_id) is None
    assert passed_on([Line(Book.DRIVER, 300, driver_id), booked[1]], driver_id) is None
    assert passed_on([], driver_id) is None


@pytest.mark.parametrize(
    ("to", "state"),
    [((S.CANCELLED,), STATE.RELEASED), ((S.PENDING,), STATE.RELEASED), (TO_THE_END, STATE.DONE)],
    ids=["cancelled", "pending", "delivered"],
)
async def test_what_is_over_is_no_drivers_any_more(
    fleet: Fleet, to: tuple[Status, ...], state: AssignmentState
) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    other = await fleet.accepted(driver)
    ended = await moved_without_drivers(fleet, delivery, *to)
    assert await states(fleet, delivery) == [STATE.ACCEPTED]
    await loop(fleet.platform).once()
    (one,) = await fleet.history(delivery)
    assert (one.state, one.ended_at) == (state, ended.updated_at)
    assert {id for id, _ in await fleet.tour(driver)} == {other.id}
    assert (await fleet.load(driver)).parcels == 1
    assert await states(fleet, other) == [STATE.ACCEPTED]
    assert await catch_up(fleet.platform) == 0, "nothing is behind any more"


async def test_offers_end_and_what_was_fetched_is_on_board(fleet: Fleet) -> None:
    driver = await fleet.driver()
    offered, carried = await fleet.delivery(), await fleet.accepted(driver)
    await fleet.offered(offered, driver)
    await moved_without_drivers(fleet, offered, S.CANCELLED)
    under_way = await moved_without_drivers(fleet, carried, S.IN_TRANSIT)
    waiting = await fleet.delivery()
    await fleet.offered(waiting, driver)
    await catch_up(fleet.platform)
    assert await states(fleet, offered) == [STATE.RELEASED]
    assert await states(fleet, waiting) == [STATE.OFFERED]
    (one,) = await fleet.history(carried)
    assert (one.state, one.picked_up_at) == (STATE.ACCEPTED, under_way.updated_at)
    assert await fleet.tour(driver) == [(carried.id, StopKind.DROPOFF)]


async def test_a_driver_has_the_cash_that_was_booked_as_the_companys(fleet: Fleet) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver, await fleet.delivery(payment=COD))
    await pick_up(fleet.platform, fleet.id, driver.id, delivery.id)
    on_board = await fleet.shop.delivery(delivery.id)
    await moved_without_drivers(fleet, on_board, S.OUT_FOR_DELIVERY, S.DELIVERED)
    of = (fleet.platform, fleet.id, driver.id)
    assert (await cash_in_hand(*of)).room.in_hand == 0
    await catch_up(fleet.platform)
    await catch_up(fleet.platform)
    assert (await cash_in_hand(*of)).room.in_hand == 3_000
    pool, mine = fleet.platform.pool, {"delivery_id": delivery.id, "cause": "cash_collected"}
    lines = await tables.read(pool, "ledger_entries", mine, "line")
    assert [(line["book"], line["amount"]) for line in lines] == [
        ("cash", 3_000),
        ("merchant", -3_000),
        ("cash", -3_000),
        ("driver", 3_000),
    ]
    assert (await declare_handover(*of, 3_000)).declared == 3_000
    await reverse_collection(fleet.platform, fleet.shop.scope, delivery.id, "by card")
    assert (await cash_in_hand(*of)).room.in_hand == 0
    booked = await tables.read(pool, "ledger_entries", {"delivery_id": delivery.id})
    by_book = {
        book: sum(one["amount"] for one in booked if one["book"] == book)
        for book in ("cash", "driver")
    }
    assert by_book == {"cash": 0, "driver": 0}

"""The driver's way with a delivery, and who else may end it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from estafette.core.couriers.company import Capabilities
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.failing import AttemptReason
from estafette.core.errors import PinLocked, PinRequired, PinWrong, ProofsMissing
from estafette.core.fleet.assignment import AssignmentState, Load
from estafette.core.fleet.refusals import (
    DeliveryTaken,
    GivenToAnother,
    NothingAssigned,
    NotNow,
    NotOfCompany,
    NotOnBoard,
    OfferedAlready,
    ParcelOnBoard,
    VehicleFull,
)
from estafette.core.fleet.tour import StopKind
from estafette.core.proofs.demand import Demand
from estafette.core.proofs.proof import ProofKind
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.personal_data import PhoneHash, erase
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.bulk import MOST_AT_ONCE, Taken, Wanted, assign_all, take_all_back
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.steps import arrive, pick_up, set_out
from estafette.usecases.fleet.take_back import hand_back, take_back
from tests.moving import advance
from tests.usecases.angola import ENTREGA
from tests.usecases.fleet.conftest import Fleet
from tests.usecases.stage import render

STATE = AssignmentState
S = Status


async def test_each_step_of_the_driver_moves_the_delivery_with_its_event(fleet: Fleet) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    assert (await arrive(*of)).status is S.PICKUP_READY
    assert (await pick_up(*of)).status is S.IN_TRANSIT
    assert await fleet.tour(driver) == [(delivery.id, StopKind.DROPOFF)]
    assert await fleet.load(driver) == Load(1_200, 1, on_board=1)
    assert (await set_out(*of)).status is S.OUT_FOR_DELIVERY
    assert (await hand_over(*of)).status is S.DELIVERED
    assert await fleet.statuses(delivery) == [
        *(S.PENDING, S.ASSIGNED, S.PICKUP_READY, S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED)
    ]
    (done,) = await fleet.history(delivery)
    assert done.state is STATE.DONE
    assert done.accepted_at < done.arrived_at < done.picked_up_at < done.ended_at  # type: ignore[operator]
    assert await fleet.tour(driver) == []
    assert await fleet.load(driver) == Load()
    events = len(await fleet.shop.events(delivery.id))
    assert (await hand_over(*of)).status is S.DELIVERED  # told twice: a tap that was sent again
    assert len(await fleet.shop.events(delivery.id)) == events


async def test_steps_that_were_left_out_or_told_late_are_passed_on_the_way(fleet: Fleet) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    (mine,) = await fleet.history(delivery)
    assert mine.accepted_at is not None
    for step in (set_out, hand_over):
        with pytest.raises(NotOnBoard):
            await step(*of)
    long_ago = mine.accepted_at - timedelta(hours=2)  # the phone's clock is wrong
    await pick_up(*of, long_ago)
    assert (await arrive(*of)).status is S.IN_TRANSIT  # came after it, and changes nothing
    await hand_over(*of, at=mine.accepted_at + timedelta(days=9))
    assert await fleet.statuses(delivery) == [
        *(S.PENDING, S.ASSIGNED, S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED)
    ]
    (done,) = await fleet.history(delivery)
    assert done.picked_up_at == mine.accepted_at
    assert done.ended_at is not None
    assert done.ended_at < mine.accepted_at + timedelta(days=1)


async def test_a_pin_is_asked_for_counted_and_locked(fleet: Fleet) -> None:
    asking = replace(fleet.company, capabilities=Capabilities(require_delivery_pin=True))
    await save_company(fleet.platform, asking)
    fleet.platform.catalog.forget()
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    await pick_up(*of)
    with pytest.raises(PinRequired):
        await hand_over(*of)
    for left in range(4, -1, -1):
        with pytest.raises(PinWrong) as wrong:
            await hand_over(*of, pin="------")
        assert wrong.value.tries_left == left
    with pytest.raises(PinLocked):
        await hand_over(*of, pin="------")
    (mine,) = await fleet.history(delivery)
    assert mine.is_on_board
    assert (await fleet.shop.delivery(delivery.id)).status is S.IN_TRANSIT


async def test_without_the_proof_that_is_demanded_nothing_is_picked_up_or_handed_over(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver()
    photo = frozenset({ProofKind.PHOTO})
    demand = Demand(pickup=photo, dropoff=photo)
    delivery = await fleet.accepted(driver, await fleet.delivery(proof=demand))
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    with pytest.raises(ProofsMissing):
        await pick_up(*of)
    (mine,) = await fleet.history(delivery)
    assert (mine.is_on_board, mine.picked_up_at) == (False, None)
    assert (await fleet.shop.delivery(delivery.id)).status is S.ASSIGNED
    assert len(await fleet.tour(driver)) == 2
    moves = [Move(S.IN_TRANSIT, Actor.OPERATOR)]
    await advance(fleet.platform, fleet.shop.scope, ENTREGA, delivery.id, moves)
    with pytest.raises(ProofsMissing):
        await hand_over(*of)
    (mine,) = await fleet.history(delivery)
    assert mine.is_on_board


async def test_what_is_handed_back_before_the_pickup_is_pending_again(fleet: Fleet) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    await arrive(*of)
    assert (await hand_back(*of, "a flat tyre")).status is S.PENDING
    (back,) = await fleet.history(delivery)
    assert (back.state, back.reason) == (STATE.RELEASED, "a flat tyre")
    last = (await fleet.shop.events(delivery.id))[-1]
    assert (last.actor, last.note) == (Actor.DRIVER, "a flat tyre")
    assert await fleet.tour(driver) == []
    with pytest.raises(GivenToAnother):
        await hand_back(*of)
    await fleet.accepted(driver, await fleet.shop.delivery(delivery.id))
    await pick_up(*of)
    with pytest.raises(ParcelOnBoard):
        await hand_back(*of)
    with pytest.raises(ParcelOnBoard):
        await take_back(fleet.platform, fleet.id, delivery.id)


async def test_a_dispatcher_takes_offers_and_deliveries_back(fleet: Fleet) -> None:
    first, second, delivery = await fleet.driver(), await fleet.driver(), await fleet.delivery()
    await fleet.offered(delivery, first)
    await fleet.offered(delivery, second)
    of = (fleet.platform, fleet.id, delivery.id)
    await take_back(*of, from_driver=first.id)
    assert [one.state for one in await fleet.history(delivery)] == [STATE.RELEASED, STATE.OFFERED]
    with pytest.raises(GivenToAnother):
        await take_back(*of, from_driver=first.id)
    assert await fleet.statuses(delivery) == [S.PENDING]
    await take_back(*of)
    with pytest.raises(NothingAssigned):
        await take_back(*of)
    await fleet.accepted(first, delivery)
    assert (await take_back(*of)).status is S.PENDING
    assert (await fleet.shop.events(delivery.id))[-1].actor is Actor.COURIER


async def test_two_dispatchers_do_not_undo_each_others_decision(fleet: Fleet) -> None:
    first, second, third = [await fleet.driver(on_shift=False) for _ in range(3)]
    delivery = await fleet.delivery()
    of = (fleet.platform, fleet.id, delivery.id)
    results = await asyncio.gather(
        assign(*of, first.id), assign(*of, second.id), return_exceptions=True
    )
    (refused,) = [result for result in results if isinstance(result, DeliveryTaken)]
    (holder,) = {first.id, second.id} & {refused.driver_id}
    with pytest.raises(OfferedAlready):
        await assign(*of, holder)
    with pytest.raises(DeliveryTaken):
        await assign(*of, third.id)
    given = await assign(*of, third.id, instead_of=holder)
    assert [one.state for one in await fleet.history(delivery)] == [STATE.RELEASED, STATE.ACCEPTED]
    assert given.driver_id == third.id
    assert len(await fleet.tour(third)) == 2
    assert await fleet.tour(first) == await fleet.tour(second) == []
    assert await fleet.statuses(delivery) == [S.PENDING, S.ASSIGNED]


async def test_of_a_reassigning_and_a_picking_up_at_once_one_is_refused_and_says_why(
    fleet: Fleet,
) -> None:
    first, second = await fleet.driver(), await fleet.driver()
    for _ in range(6):
        delivery = await fleet.accepted(first)
        results = await asyncio.gather(
            assign(fleet.platform, fleet.id, delivery.id, second.id, instead_of=first.id),
            pick_up(fleet.platform, fleet.id, first.id, delivery.id),
            return_exceptions=True,
        )
        refused = [str(one) for one in results if isinstance(one, BaseException)]
        assert len(refused) == 1
        assert refused[0] in {
            "the driver has already picked this parcel up",
            "this delivery is not this driver's any more: the dispatcher has given it away",
        }
        carrier = second if isinstance(results[1], BaseException) else first
        of = (fleet.platform, fleet.id, carrier.id, delivery.id)
        await pick_up(*of)
        await hand_over(*of)


async def test_a_parcel_goes_to_another_driver_whom_its_driver_has_met(fleet: Fleet) -> None:
    first, second = await fleet.driver(), await fleet.driver(grams=1_200)
    delivery = await fleet.accepted(first)
    of = (fleet.platform, fleet.id, delivery.id, second.id)
    with pytest.raises(NotOnBoard):
        await assign(*of, instead_of=first.id, took_over=True)
    await pick_up(fleet.platform, fleet.id, first.id, delivery.id)
    with pytest.raises(ParcelOnBoard):
        await assign(*of, instead_of=first.id)
    await assign(*of, instead_of=first.id, took_over=True)
    assert await fleet.tour(second) == [(delivery.id, StopKind.DROPOFF)]
    assert await fleet.load(second) == Load(1_200, 1, on_board=1)
    assert await fleet.load(first) == Load()
    with pytest.raises(GivenToAnother):
        await hand_over(fleet.platform, fleet.id, first.id, delivery.id)
    more = await fleet.delivery()
    with pytest.raises(VehicleFull):
        await assign(fleet.platform, fleet.id, more.id, second.id)
    await hand_over(fleet.platform, fleet.id, second.id, delivery.id)


async def test_a_driver_learns_nothing_of_what_was_never_theirs(fleet: Fleet) -> None:
    first, second = await fleet.driver(), await fleet.driver()
    delivery = await fleet.accepted(first)
    for step in (arrive, pick_up, set_out, hand_over):
        with pytest.raises(NotOfCompany):
            await step(fleet.platform, fleet.id, second.id, delivery.id)


async def test_whoever_ends_a_delivery_ends_what_drivers_have_of_it(fleet: Fleet) -> None:
    driver, other = await fleet.driver(), await fleet.driver()
    cancelled = await fleet.accepted(driver)
    wanted = Cancellation(fleet.shop.scope, ENTREGA, cancelled.id, render, "sold out")
    await cancel(fleet.platform, wanted)
    (ended,) = await fleet.history(cancelled)
    assert (ended.state, ended.reason) == (STATE.RELEASED, "sold out")
    assert await fleet.tour(driver) == []
    with pytest.raises(NotNow, match="was cancelled"):
        await pick_up(fleet.platform, fleet.id, driver.id, cancelled.id)
    by_hand = await fleet.accepted(driver)
    moves = [Move(to, Actor.OPERATOR) for to in (S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED)]
    await advance(fleet.platform, fleet.shop.scope, ENTREGA, by_hand.id, moves)
    (done,) = await fleet.history(by_hand)
    assert done.state is STATE.DONE
    assert done.picked_up_at is not None
    offered = await fleet.delivery()
    await fleet.offered(offered, other)
    await cancel(fleet.platform, Cancellation(fleet.shop.scope, ENTREGA, offered.id, render))
    (ended,) = await fleet.history(offered)
    assert ended.state is STATE.RELEASED


async def test_a_failed_attempt_leaves_the_parcel_on_board_with_its_reason(fleet: Fleet) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    await pick_up(*of)
    absent = AttemptReason.NOBODY_THERE
    assert (await attempt_failed(*of, absent, "at all")).status is S.STALLED
    assert (await fleet.shop.events(delivery.id))[-1].note == "nobody was there: at all"
    assert (await fleet.load(driver)).on_board == 1
    assert (await hand_over(*of)).status is S.DELIVERED


async def test_in_bulk_each_delivery_says_what_happened_to_it(fleet: Fleet) -> None:
    driver, taken_by = await fleet.driver(parcels=2), await fleet.driver()
    deliveries = [await fleet.delivery() for _ in range(3)]
    taken = await fleet.accepted(taken_by)
    rows = [Wanted(one.id, driver.id) for one in (taken, *deliveries)]
    outcomes = await assign_all(fleet.platform, fleet.id, rows)
    assert [one.delivery_id for one in outcomes] == [row.delivery_id for row in rows]
    told = [one.refusal and type(one.refusal) for one in outcomes]
    assert told == [DeliveryTaken, None, None, VehicleFull]
    ids = [Taken(one.id) for one in deliveries]
    back = await take_all_back(fleet.platform, fleet.id, ids)
    assert [one.refusal and type(one.refusal) for one in back] == [None, None, NothingAssigned]
    assert await fleet.load(driver) == Load()
    with pytest.raises(Exception, match=str(MOST_AT_ONCE)):
        await take_all_back(fleet.platform, fleet.id, [ids[0]] * (MOST_AT_ONCE + 1))


async def test_what_is_not_paid_or_over_is_given_to_nobody(fleet: Fleet) -> None:
    driver, delivery = await fleet.driver(), await fleet.delivery()
    failed = [Move(to, Actor.OPERATOR) for to in (S.ASSIGNED, S.IN_TRANSIT, S.FAILED)]
    await advance(fleet.platform, fleet.shop.scope, ENTREGA, delivery.id, failed)
    with pytest.raises(NotNow, match="has failed"):
        await assign(fleet.platform, fleet.id, delivery.id, driver.id, took_over=True)


async def test_what_people_wrote_of_a_delivery_is_erased_with_its_personal_data(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    wanted = Cancellation(fleet.shop.scope, ENTREGA, delivery.id, render, "Ana has moved away")
    await cancel(fleet.platform, wanted)
    assert [one.reason for one in await fleet.history(delivery)] == ["Ana has moved away"]
    mine = [(fleet.shop.account.id, delivery.id)]
    async with fleet.platform.pool.acquire() as connection, connection.transaction():
        later = delivery.updated_at + timedelta(days=1)
        hashed = PhoneHash(bytes(32), b"")
        assert await erase(connection, fleet.platform, hashed, mine, later) == {delivery.id}
    assert [one.reason for one in await fleet.history(delivery)] == [None]

"""The recipient's PIN: needed to hand over, locked after five wrong tries."""

import asyncio
from datetime import timedelta

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Capabilities
from estafette.core.deliveries.delivery import PIN_TRIES, Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import PinLocked, PinRequired, PinWrong, Refusal, TransitionRefused
from estafette.usecases.deliveries.advance import Move, unlock_pin
from estafette.usecases.deliveries.pins import opened
from estafette.usecases.sandbox.rehearse import rehearse
from estafette.usecases.sandbox.simulate import step_by_hand, tick
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA, Shop

COURSE = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)


async def at_the_door(shop: Shop) -> Delivery:
    """A delivery whose recipient has a PIN, and whose driver has arrived."""
    await shop.company("careful", capabilities=Capabilities(require_delivery_pin=True))
    delivery = await shop.create()
    moves = [Move(status, Actor.DRIVER) for status in COURSE]
    moved = await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)
    return opened(shop.platform.cipher, moved)


async def hand_over(
    shop: Shop, delivery: Delivery, pin: str | None, actor: Actor = Actor.DRIVER
) -> Delivery:
    move = Move(Status.DELIVERED, actor, pin=pin)
    return await advance(shop.platform, shop.scope, ENTREGA, delivery.id, [move])


def wrong(delivery: Delivery) -> str:
    return "000000" if delivery.pin != "000000" else "111111"


async def test_the_right_pin_hands_the_parcel_over(shop: Shop) -> None:
    delivery = await at_the_door(shop)
    assert (await hand_over(shop, delivery, delivery.pin)).status is Status.DELIVERED


async def test_without_a_pin_nothing_is_handed_over_and_no_try_is_lost(shop: Shop) -> None:
    delivery = await at_the_door(shop)
    with pytest.raises(PinRequired):
        await hand_over(shop, delivery, None)
    found = await shop.delivery(delivery.id)
    assert opened(shop.platform.cipher, found) == delivery


async def test_five_wrong_tries_lock_it_even_for_the_right_pin(shop: Shop) -> None:
    delivery = await at_the_door(shop)
    for left in reversed(range(PIN_TRIES)):
        with pytest.raises(PinWrong) as refused:
            await hand_over(shop, delivery, wrong(delivery))
        assert refused.value.tries_left == left
    for pin in (delivery.pin, wrong(delivery)):
        with pytest.raises(PinLocked):
            await hand_over(shop, delivery, pin)
    found = await shop.delivery(delivery.id)
    assert (found.status, found.pin_failures) == (Status.OUT_FOR_DELIVERY, PIN_TRIES)
    assert len(await shop.events(delivery.id)) == 4


async def test_the_operator_unlocks_it_or_hands_over_without(shop: Shop) -> None:
    delivery = await at_the_door(shop)
    for _ in range(PIN_TRIES):
        with pytest.raises(PinWrong):
            await hand_over(shop, delivery, wrong(delivery))
    await unlock_pin(shop.platform, shop.scope, delivery.id)
    with pytest.raises(PinWrong):
        await hand_over(shop, delivery, "")
    done = await hand_over(shop, delivery, None, Actor.OPERATOR)
    assert done.status is Status.DELIVERED


async def test_parallel_guesses_count_each(shop: Shop) -> None:
    delivery = await at_the_door(shop)
    outcomes = await asyncio.gather(
        *(hand_over(shop, delivery, wrong(delivery)) for _ in range(12)), return_exceptions=True
    )
    assert all(isinstance(outcome, Refusal) for outcome in outcomes)
    assert sum(isinstance(outcome, PinWrong) for outcome in outcomes) == PIN_TRIES


async def test_moves_before_a_wrong_pin_are_not_made_either(shop: Shop) -> None:
    await shop.company("careful", capabilities=Capabilities(require_delivery_pin=True))
    delivery = await shop.create()
    moves = [
        *(Move(status, Actor.DRIVER) for status in COURSE),
        Move(Status.DELIVERED, Actor.DRIVER, pin="x"),
    ]
    with pytest.raises(PinWrong):
        await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)
    found = await shop.delivery(delivery.id)
    assert (found.status, found.pin_failures) == (Status.PENDING, 1)


async def test_simulated_couriers_know_the_pin(shop: Shop) -> None:
    shop.mode = Mode.SANDBOX
    await shop.company("careful", capabilities=Capabilities(require_delivery_pin=True))
    delivery = await shop.create()
    while not (await shop.delivery(delivery.id)).progress.is_final:
        where, now = {"delivery_id": delivery.id}, timedelta()
        await tables.change(shop.platform.pool, "sandbox_runs", where, due_at=now)
        await tick(shop.platform)
    assert (await shop.delivery(delivery.id)).status is Status.DELIVERED


async def test_a_courier_who_is_told_wrong_pins_waits_until_the_operator_unlocks_it(
    shop: Shop,
) -> None:
    shop.mode = Mode.SANDBOX
    await shop.company("careful", capabilities=Capabilities(require_delivery_pin=True))
    delivery = await shop.create(scenario="wrong_pin")
    for _ in rehearse("wrong_pin", ENTREGA)[1:-1]:
        await step_by_hand(shop.platform, shop.scope, ENTREGA, delivery.id)
    with pytest.raises(TransitionRefused):
        await step_by_hand(shop.platform, shop.scope, ENTREGA, delivery.id)
    found = await shop.delivery(delivery.id)
    assert (found.status, found.pin_failures) == (Status.OUT_FOR_DELIVERY, PIN_TRIES)
    await unlock_pin(shop.platform, shop.scope, delivery.id)
    last = await step_by_hand(shop.platform, shop.scope, ENTREGA, delivery.id)
    assert last.status is Status.DELIVERED

"""Bank transfers: confirmed by the operator, or expired."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import DeliveryNotFound, PaymentNotAwaited
from estafette.core.ids import new_id
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.money.payments import confirm_payment, find_by_reference
from estafette.usecases.sandbox.simulate import tick
from tests.rows import tables
from tests.usecases.angola import BY_TRANSFER, ENTREGA, WITH_BANK, Shop, new_shop
from tests.usecases.stage import render


async def awaiting(shop: Shop) -> Delivery:
    await shop.company("bank", capabilities=WITH_BANK)
    return await shop.create(payment=BY_TRANSFER)


async def test_a_confirmed_transfer_lets_the_delivery_go_on(shop: Shop) -> None:
    delivery = await awaiting(shop)
    paid = await confirm_payment(shop.platform, shop.scope, ENTREGA, delivery.id, "Talão 7")
    assert paid == await shop.delivery(delivery.id)
    assert paid.status is Status.PENDING
    event = (await shop.events(delivery.id))[-1]
    assert (event.actor, event.note) == (Actor.OPERATOR, "Talão 7")


async def test_a_transfer_is_confirmed_once(shop: Shop) -> None:
    delivery = await awaiting(shop)
    outcomes = await asyncio.gather(
        *(confirm_payment(shop.platform, shop.scope, ENTREGA, delivery.id) for _ in range(8)),
        return_exceptions=True,
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, PaymentNotAwaited)]
    assert len(refusals) == 7
    assert len(await shop.events(delivery.id)) == 2


async def test_a_delivery_of_another_account_cannot_be_confirmed(shop: Shop) -> None:
    delivery = await awaiting(shop)
    stranger = await new_shop(shop.platform)
    for scope, id in ((stranger.scope, delivery.id), (shop.scope, new_id())):
        with pytest.raises(DeliveryNotFound):
            await confirm_payment(shop.platform, scope, ENTREGA, id)


async def test_a_cancelled_delivery_awaits_no_payment(shop: Shop) -> None:
    delivery = await awaiting(shop)
    await cancel(shop.platform, Cancellation(shop.scope, ENTREGA, delivery.id, render))
    with pytest.raises(PaymentNotAwaited):
        await confirm_payment(shop.platform, shop.scope, ENTREGA, delivery.id)


async def test_an_unpaid_delivery_expires_and_is_not_confirmed_any_more(shop: Shop) -> None:
    limits = shop.platform.watch_limits
    shop.change(watch_limits=replace(limits, payment=limits.payment * 0))
    delivery = await awaiting(shop)
    while (await look_after(shop.platform)).done:
        pass
    found = await shop.delivery(delivery.id)
    assert found.status is Status.CANCELLED
    event = (await shop.events(delivery.id))[-1]
    assert (event.actor, event.note) == (Actor.SYSTEM, "The bank transfer did not arrive in time")
    with pytest.raises(PaymentNotAwaited):
        await confirm_payment(shop.platform, shop.scope, ENTREGA, delivery.id)


async def test_a_simulated_courier_waits_for_the_payment(shop: Shop) -> None:
    shop.mode = Mode.SANDBOX
    delivery = await awaiting(shop)
    pool, of_it = shop.platform.pool, {"delivery_id": delivery.id}
    assert await tables.value(pool, "sandbox_runs", "due_at", of_it) is None
    await confirm_payment(shop.platform, shop.scope, ENTREGA, delivery.id)
    assert await tables.value(pool, "sandbox_runs", "due_at", of_it) is not None
    await tables.change(pool, "sandbox_runs", of_it, due_at=timedelta())
    while (await tick(shop.platform)).done:
        pass
    assert (await shop.delivery(delivery.id)).status is Status.ASSIGNED


async def test_a_transfer_is_found_by_the_reference_that_is_written_on_it(shop: Shop) -> None:
    delivery = await awaiting(shop)
    assert delivery.reference is not None
    written = f" {delivery.reference.lower()} "
    assert await find_by_reference(shop.platform, shop.scope, written) == delivery
    stranger = await new_shop(shop.platform)
    assert await find_by_reference(shop.platform, stranger.scope, written) is None

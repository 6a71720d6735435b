"""Deliveries that are held until their merchant confirms them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.accounts.page_limits import NEW_LIMITS
from estafette.core.accounts.page_orders import OrderingPage
from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.core.deliveries.event import Actor
from estafette.core.errors import NotHeld, PaymentNotAwaited
from estafette.core.ids import new_id
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.confirm import (
    CONFIRMED,
    Confirmation,
    confirm,
    confirm_by_hand,
)
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.deliveries.find import OverviewFilter as Looked
from estafette.usecases.deliveries.find import look_for
from estafette.usecases.money.payments import awaited_payments, confirm_payment
from estafette.usecases.sandbox.simulate import tick
from tests.rows import tables
from tests.usecases.angola import BY_TRANSFER, ENTREGA, WITH_BANK, Shop
from tests.usecases.far import Far
from tests.usecases.stage import refused_in, render

_KEY = new_id()
_BY = By.key(_KEY, "203.0.113.9")
_HELD = OrderingPage(_KEY, replace(NEW_LIMITS, held=True), b"somebody")


async def _create(shop: Shop, page: OrderingPage | None = _HELD, **changes: Any) -> Delivery:
    return await shop.create(page=page, key_id=_KEY, **changes)


async def _confirm(shop: Shop, delivery: Delivery, key: str | None = None) -> Any:
    repeated = shop.key(key, endpoint="confirm") if key else None
    wanted = Confirmation(shop.scope, ENTREGA, delivery.id, _BY, render, repeated)
    return await confirm(shop.platform, wanted)


async def test_a_held_delivery_waits_like_an_unpaid_one(shop: Shop) -> None:
    await shop.company("fast")
    held = await _create(shop)
    assert (held.status, held.is_held, held.by_page, held.key_id) == (
        Status.AWAITING_PAYMENT,
        True,
        True,
        _KEY,
    )
    assert [event.announced for event in await shop.events(held.id)] == [
        ("delivery.awaiting_payment",)
    ]
    assert await _found(shop, held=True) == [held]
    assert await awaited_payments(shop.platform, Mode.LIVE, shop.account.id) == []
    with pytest.raises(PaymentNotAwaited):
        await confirm_payment(shop.platform, shop.scope, ENTREGA, held.id)


async def test_nothing_is_held_unless_the_key_wants_it(shop: Shop) -> None:
    await shop.company("fast")
    for page in (None, replace(_HELD, limits=NEW_LIMITS)):
        delivery = await _create(shop, page)
        assert (delivery.status, delivery.is_held) == (Status.PENDING, False)


async def test_a_confirmed_delivery_goes_on_by_its_merchants_word(shop: Shop) -> None:
    await shop.company("fast")
    held = await _create(shop, payment=Payment(PaymentMethod.COD, 500))
    await _confirm(shop, held)
    now = await shop.delivery(held.id)
    assert (now.status, now.is_held) == (Status.PENDING, False)
    last = (await shop.events(held.id))[-1]
    assert (last.actor, last.note) == (Actor.MERCHANT, CONFIRMED)
    wanted = AuditFilter(account_id=shop.account.id, object=str(held.id))
    [entry] = (await list_entries(shop.platform, wanted)).entries
    assert (entry.act, entry.by, entry.object) == ("delivery.released", _BY, str(held.id))
    assert await _found(shop, held=True) == []


async def test_a_confirmation_is_repeated_under_its_key_and_refused_without(shop: Shop) -> None:
    await shop.company("fast")
    held = await _create(shop)
    first = await _confirm(shop, held, "key-1")
    again = await _confirm(shop, held, "key-1")
    assert (again.reply, again.replayed) == (first.reply, True)
    assert refused_in(await _confirm(shop, held)) == "NotHeld"
    assert len(await shop.events(held.id)) == 2


async def test_the_operator_confirms_what_is_held_and_nothing_else(shop: Shop) -> None:
    await shop.company("fast")
    held = await _create(shop)
    now = await confirm_by_hand(shop.platform, shop.scope, ENTREGA, held.id, "Called the shop")
    assert now.status is Status.PENDING
    event = (await shop.events(held.id))[-1]
    assert (event.actor, event.note) == (Actor.OPERATOR, "Called the shop")
    with pytest.raises(NotHeld):
        await confirm_by_hand(shop.platform, shop.scope, ENTREGA, held.id)


async def test_a_bank_transfer_awaits_its_payment_and_no_confirmation_besides(shop: Shop) -> None:
    await shop.company("bank", capabilities=WITH_BANK)
    unpaid = await _create(shop, payment=BY_TRANSFER)
    assert (unpaid.status, unpaid.is_held) == (Status.AWAITING_PAYMENT, False)
    with pytest.raises(NotHeld):
        await confirm_by_hand(shop.platform, shop.scope, ENTREGA, unpaid.id)
    paid = await confirm_payment(shop.platform, shop.scope, ENTREGA, unpaid.id)
    assert paid.status is Status.PENDING


async def test_a_held_delivery_is_rejected_by_cancelling_it(shop: Shop) -> None:
    await shop.company("fast")
    held = await _create(shop)
    await cancel(shop.platform, Cancellation(shop.scope, ENTREGA, held.id, render))
    assert (await shop.delivery(held.id)).status is Status.CANCELLED
    assert refused_in(await _confirm(shop, held)) == "NotHeld"


async def test_what_nobody_confirms_in_time_is_cancelled(shop: Shop) -> None:
    shop.change(watch_limits=WatchLimits(payment=timedelta(0)))
    await shop.company("fast")
    held = await _create(shop)
    while (await look_after(shop.platform)).done:
        pass
    event = (await shop.events(held.id))[-1]
    assert (event.status, event.actor, event.note) == (
        Status.CANCELLED,
        Actor.SYSTEM,
        "Nobody confirmed it in time",
    )


async def test_no_simulated_courier_moves_what_is_held(shop: Shop) -> None:
    rehearsal = replace(shop, mode=Mode.SANDBOX)
    await rehearsal.company("fast")
    held = await _create(rehearsal)
    pool, of_it = shop.platform.pool, {"delivery_id": held.id}
    assert await tables.value(pool, "sandbox_runs", "due_at", of_it) is None
    await tick(shop.platform)
    assert (await rehearsal.delivery(held.id)).status is Status.AWAITING_PAYMENT
    await _confirm(rehearsal, held)
    assert await tables.value(pool, "sandbox_runs", "due_at", of_it) is not None


async def test_no_other_platform_hears_of_what_is_held(far: Far) -> None:
    held = await _create(far.shop)
    assert held.remote
    assert not (await far.claim()).errands
    await _confirm(far.shop, held)
    assert [errand.delivery.id for errand in (await far.claim()).errands] == [held.id]


async def test_deliveries_are_found_by_the_key_that_created_them(shop: Shop) -> None:
    await shop.company("fast")
    mine, other = await _create(shop), await shop.create(key_id=new_id())
    assert await _found(shop, keys=[_KEY]) == [mine]
    keys = [_KEY, other.key_id or _KEY]
    assert await _found(shop, keys=keys) == [other, mine]
    assert await _found(shop, limit=1, keys=keys) == [other]


async def _found(shop: Shop, limit: int = 10, **wanted: Any) -> list[Delivery]:
    """The account's deliveries as an operator looks for them."""
    looked = Looked(account_id=shop.account.id, **wanted)
    return (await look_for(shop.platform, looked, None, limit)).deliveries

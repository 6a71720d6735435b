"""Whoever makes work for a worker wakes it, once that is committed, and nobody without need."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.store.signals import DISPATCHES, OUTBOX
from estafette.usecases.couriers.dispatch import (
    Placement,
    followed,
    lost,
    note_webhook,
    placed,
    refused,
)
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.money.payments import confirm_payment
from estafette.usecases.sandbox.simulate import step_by_hand, tick
from estafette.usecases.webhooks.endpoints import send_test
from estafette.usecases.webhooks.resend import resend_event, resend_message, resend_since
from tests.moving import advance
from tests.rows import tables
from tests.rows import webhooks as webhook_rows
from tests.usecases.angola import BY_TRANSFER, ENTREGA
from tests.usecases.far import LATER, Far, told
from tests.usecases.stage import DIALECT, Merchant, Tenant, render


class Signals:
    """How often the worker of webhooks, and that of remote companies, is woken."""

    def __init__(self, merchant: Merchant) -> None:
        """Listens to what is done with the merchant's platform from now on."""
        self._channels: list[str] = []
        merchant.change(signal=self._channels.append)

    async def of(self, work: Awaitable[object]) -> tuple[int, int]:
        """How often some work wakes them."""
        self._channels.clear()
        await work
        return self._channels.count(OUTBOX), self._channels.count(DISPATCHES)


async def _step(tenant: Tenant) -> None:
    mine = {"account_id": tenant.account.id}
    for id in await tables.values(tenant.platform.pool, "sandbox_runs", "delivery_id", mine):
        await tenant.make_due(id)
    while (await tick(tenant.platform)).done:
        pass


async def _cancel(tenant: Tenant) -> None:
    wanted = Cancellation(tenant.scope, DIALECT, await tenant.create(), render)
    await cancel(tenant.platform, wanted)


WORKS: dict[str, Callable[[Tenant], Awaitable[object]]] = {
    "created": lambda tenant: tenant.create(),
    "cancelled": _cancel,
    "simulated": _step,
}


@pytest.mark.usefixtures("no_other_runs")
@pytest.mark.parametrize("what", WORKS)
async def test_the_worker_of_webhooks_is_woken_where_there_is_an_endpoint(
    tenant: Tenant, what: str
) -> None:
    await tenant.create()
    signals = Signals(tenant)
    assert await signals.of(WORKS[what](tenant)) == (0, 0)
    await tenant.set_endpoint()
    woken, others = await signals.of(WORKS[what](tenant))
    assert (woken > 0, others) == (True, 0)


async def test_each_move_by_hand_wakes_it(tenant: Tenant) -> None:
    await tenant.set_endpoint()
    id = await tenant.create()
    signals = Signals(tenant)
    moves = [Move(Status.ASSIGNED, Actor.OPERATOR)]
    assert await signals.of(advance(tenant.platform, tenant.scope, DIALECT, id, moves)) == (1, 0)
    assert await signals.of(step_by_hand(tenant.platform, tenant.scope, DIALECT, id)) == (1, 0)


async def test_what_is_sent_again_or_tried_wakes_it(tenant: Tenant) -> None:
    await tenant.set_endpoint()
    id = await tenant.create()
    [event] = await tenant.events(id)
    message = await tables.value(tenant.platform.pool, "messages", "id", {"delivery_id": id})
    signals = Signals(tenant)
    platform, scope = tenant.platform, tenant.scope
    since = datetime.now(UTC) - timedelta(hours=1)
    assert await signals.of(send_test(platform, scope)) == (1, 0)
    assert await signals.of(resend_event(platform, scope, id, event.id)) == (1, 0)
    assert await signals.of(resend_message(platform, scope, message)) == (1, 0)
    assert await signals.of(resend_since(platform, scope, since, dead_only=False)) == (1, 0)
    assert await signals.of(resend_since(platform, scope, since)) == (0, 0)
    assert await signals.of(resend_message(platform, scope, id)) == (0, 0)
    assert await signals.of(resend_event(platform, scope, id, id)) == (0, 0)


@pytest.fixture
async def remote(far: Far) -> Far:
    """A shop whose webhooks have an endpoint."""
    await webhook_rows.add_endpoint(far.shop.platform.pool, far.shop.scope)
    return far


async def test_what_another_company_carries_wakes_the_worker_of_dispatches_too(
    remote: Far,
) -> None:
    signals = Signals(remote.shop)
    platform, scope = remote.shop.platform, remote.shop.scope
    made: list[Delivery] = []

    async def create(**changes: Any) -> None:
        made.append(await remote.create(**changes))

    assert await signals.of(create()) == (1, 1)
    assert await signals.of(create(payment=BY_TRANSFER)) == (1, 1)
    paid = confirm_payment(platform, scope, ENTREGA, made[1].id)
    assert await signals.of(paid) == (1, 1)
    assert await signals.of(remote.by_hand(made[1].id, Status.CANCELLED)) == (1, 1)


async def test_what_comes_of_a_dispatch_wakes_who_hears_of_it(remote: Far) -> None:
    signals = Signals(remote.shop)
    platform = remote.shop.platform
    first, second, third = [await remote.create() for _ in range(3)]
    errands = {errand.delivery.id: errand for errand in (await remote.claim()).errands}
    assert await signals.of(refused(platform, errands[first.id], "never")) == (1, 0)
    for delivery, name in ((second, "up-2"), (third, "up-3")):
        work = placed(platform, errands[delivery.id], Placement(name), timedelta())
        assert await signals.of(work) == (0, 0)
    errands = {errand.delivery.id: errand for errand in (await remote.claim()).errands}
    report = told(Status.ASSIGNED)
    assert await signals.of(followed(platform, errands[second.id], report, LATER)) == (1, 0)
    assert await signals.of(lost(platform, errands[third.id], "gone")) == (1, 0)
    assert await signals.of(note_webhook(platform, remote.company.id, "up-2", None)) == (0, 1)
    assert await signals.of(note_webhook(platform, remote.company.id, "up-9", None)) == (0, 0)
    remote.answers = [Recalled.CANCELLED]
    assert (await signals.of(remote.cancel(second.id)))[0] == 1


async def test_what_time_does_to_a_delivery_wakes_it(remote: Far) -> None:
    await remote.create()
    signals = Signals(remote.shop)
    platform = remote.shop.platform
    assert await signals.of(look_after(platform)) == (0, 0)
    hasty = replace(platform, watch_limits=replace(platform.watch_limits, courier=timedelta(0)))
    await tables.change(platform.pool, "deliveries", watch_at=timedelta(minutes=-1))
    assert await signals.of(look_after(hasty)) == (1, 0)

"""Whatever lets a webhook or an errand wait wakes those who carry it out, once it is committed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from estafette.core.accounts.page_limits import NEW_LIMITS
from estafette.core.accounts.page_orders import OrderingPage
from estafette.core.audit import By
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.core.deliveries.event import Actor
from estafette.core.errors import CourierUnavailable
from estafette.core.ids import new_id
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
from estafette.usecases.deliveries.confirm import Confirmation, confirm, confirm_by_hand
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.money.payments import confirm_payment
from estafette.usecases.sandbox.simulate import step_by_hand, tick
from estafette.usecases.webhooks.endpoints import send_test, set_enabled, set_endpoint
from estafette.usecases.webhooks.resend import resend_event, resend_message, resend_since
from tests.moving import advance
from tests.rows import database, tables
from tests.rows import webhooks as webhook_rows
from tests.usecases.angola import BY_TRANSFER, ENTREGA, Shop
from tests.usecases.far import LATER, Far, told
from tests.usecases.stage import DIALECT, Tenant, new_tenant, render

A, T, D = Status.ASSIGNED, Status.IN_TRANSIT, Status.DELIVERED
_KEY = new_id()
SPOILT = ("messages", "dispatches", "endpoints")


@dataclass
class Stage:
    """A shop with a remote company, and a sandbox account; both have an endpoint."""

    far: Far
    tenant: Tenant
    channels: list[str]

    @property
    def shop(self) -> Shop:
        return self.far.shop

    async def spoil_commits(self) -> None:
        """From now on no transaction that lets a message or a dispatch wait can be committed."""
        await database.fail_commits(self.shop.platform.pool, SPOILT)


@pytest.fixture
async def stage(far: Far) -> Stage:
    tenant = await new_tenant(far.shop.platform)
    for one in (far.shop, tenant):
        await insert_endpoint(one)
    channels: list[str] = []

    def signal(channel: str) -> None:
        if channel in (OUTBOX, DISPATCHES):
            channels.append(channel)

    for one in (far.shop, tenant):
        one.change(signal=signal)
    return Stage(far, tenant, channels)


async def insert_endpoint(of: Shop | Tenant) -> None:
    """Gives an account an address for webhooks."""
    id = new_id()
    secret = of.platform.cipher.encrypt("whsec_x", id.bytes)
    await webhook_rows.add_endpoint(of.platform.pool, of.scope, id, secret)


Act = Callable[[], Awaitable[Any]]


async def creating(stage: Stage) -> Act:
    return lambda: stage.tenant.create()


async def creating_what_a_remote_company_carries(stage: Stage) -> Act:
    return lambda: stage.far.create()


async def advancing(stage: Stage) -> Act:
    id = await stage.tenant.create()
    moves = [Move(A, Actor.OPERATOR), Move(T, Actor.OPERATOR)]
    return lambda: advance(stage.tenant.platform, stage.tenant.scope, DIALECT, id, moves)


async def cancelling(stage: Stage) -> Act:
    wanted = Cancellation(stage.tenant.scope, DIALECT, await stage.tenant.create(), render)
    return lambda: cancel(stage.tenant.platform, wanted)


async def cancelling_what_is_not_placed_yet(stage: Stage) -> Act:
    delivery = await stage.far.create()
    return lambda: stage.far.cancel(delivery.id)


async def calling_off_what_a_platform_has(stage: Stage) -> Act:
    delivery = await stage.far.create()
    await stage.far.errand_placed()

    async def call_off() -> None:
        stage.far.answers = [Recalled.UNKNOWN]
        with pytest.raises(CourierUnavailable):
            await stage.far.cancel(delivery.id)

    return call_off


async def confirming_a_payment(stage: Stage) -> Act:
    delivery = await stage.far.create(payment=BY_TRANSFER)
    shop = stage.shop
    return lambda: confirm_payment(shop.platform, shop.scope, ENTREGA, delivery.id)


async def _held(stage: Stage) -> UUID:
    page = OrderingPage(_KEY, replace(NEW_LIMITS, held=True), b"somebody")
    return (await stage.far.create(page=page, key_id=_KEY)).id


async def confirming_what_was_held(stage: Stage) -> Act:
    shop, id = stage.shop, await _held(stage)
    by = By.key(_KEY, "203.0.113.9")
    return lambda: confirm(shop.platform, Confirmation(shop.scope, ENTREGA, id, by, render))


async def confirming_by_hand_what_was_held(stage: Stage) -> Act:
    shop, id = stage.shop, await _held(stage)
    return lambda: confirm_by_hand(shop.platform, shop.scope, ENTREGA, id)


async def looking_after_what_is_overdue(stage: Stage) -> Act:
    await stage.far.create()
    stage.shop.change(watch_limits=WatchLimits(courier=timedelta(0)))
    await tables.change(stage.shop.platform.pool, "deliveries", watch_at=timedelta())
    return lambda: look_after(stage.shop.platform)


async def a_step_of_a_simulated_courier(stage: Stage) -> Act:
    await stage.tenant.make_due(await stage.tenant.create())
    return lambda: tick(stage.tenant.platform)


async def a_step_made_by_hand(stage: Stage) -> Act:
    tenant, id = stage.tenant, await stage.tenant.create()
    return lambda: step_by_hand(tenant.platform, tenant.scope, DIALECT, id)


async def a_move_made_by_hand(stage: Stage) -> Act:
    tenant, id = stage.tenant, await stage.tenant.create()
    return lambda: move_by_hand(tenant.platform, tenant.scope, DIALECT, id, T, None)


async def following_a_platform(stage: Stage) -> Act:
    await stage.far.create()
    errand = await stage.far.errand_placed()
    report = told(Status.PENDING, A)
    return lambda: followed(stage.shop.platform, errand, report, LATER)


async def being_refused_by_a_platform(stage: Stage) -> Act:
    await stage.far.create()
    errand = await stage.far.errand()
    return lambda: refused(stage.shop.platform, errand, "no")


async def being_lost_by_a_platform(stage: Stage) -> Act:
    await stage.far.create()
    errand = await stage.far.errand_placed()
    return lambda: lost(stage.shop.platform, errand, "gone")


async def hearing_from_a_platform(stage: Stage) -> Act:
    await stage.far.create()
    assert await placed(stage.shop.platform, await stage.far.errand(), Placement("up-1"), LATER)
    return lambda: note_webhook(stage.shop.platform, stage.far.company.id, "up-1", None)


async def testing_an_endpoint(stage: Stage) -> Act:
    return lambda: send_test(stage.tenant.platform, stage.tenant.scope)


async def giving_an_endpoint_an_address(stage: Stage) -> Act:
    tenant = stage.tenant
    return lambda: set_endpoint(tenant.platform, tenant.scope, "http://127.0.0.1:10/")


async def enabling_an_endpoint(stage: Stage) -> Act:
    tenant = stage.tenant
    await set_enabled(tenant.platform, tenant.scope, "default", enabled=False)
    return lambda: set_enabled(tenant.platform, tenant.scope, "default", enabled=True)


async def resending_an_event(stage: Stage) -> Act:
    tenant, id = stage.tenant, await stage.tenant.create()
    (event,) = await tenant.events(id)
    return lambda: resend_event(tenant.platform, tenant.scope, id, event.id)


async def resending_a_message(stage: Stage) -> Act:
    tenant = stage.tenant
    await tenant.create()
    id = await tables.value(tenant.platform.pool, "messages", "id")
    return lambda: resend_message(tenant.platform, tenant.scope, id)


async def resending_what_was_given_up(stage: Stage) -> Act:
    tenant = stage.tenant
    await tenant.create()
    await tables.change(tenant.platform.pool, "messages", state="dead")
    since = datetime.now(UTC) - timedelta(hours=1)
    return lambda: resend_since(tenant.platform, tenant.scope, since)


async def telling_what_was_missed(stage: Stage) -> Act:
    tenant = stage.tenant
    await tenant.create()
    await tables.remove(tenant.platform.pool, "messages")
    since = datetime.now(UTC) - timedelta(hours=1)
    return lambda: resend_since(tenant.platform, tenant.scope, since)


WAKES: dict[Callable[[Stage], Awaitable[Act]], set[str]] = {
    creating: {OUTBOX},
    creating_what_a_remote_company_carries: {OUTBOX, DISPATCHES},
    advancing: {OUTBOX},
    cancelling: {OUTBOX},
    cancelling_what_is_not_placed_yet: {OUTBOX, DISPATCHES},
    calling_off_what_a_platform_has: {DISPATCHES},
    confirming_a_payment: {OUTBOX, DISPATCHES},
    confirming_what_was_held: {OUTBOX, DISPATCHES},
    confirming_by_hand_what_was_held: {OUTBOX, DISPATCHES},
    looking_after_what_is_overdue: {OUTBOX},
    a_step_of_a_simulated_courier: {OUTBOX},
    a_step_made_by_hand: {OUTBOX},
    a_move_made_by_hand: {OUTBOX},
    following_a_platform: {OUTBOX},
    being_refused_by_a_platform: {OUTBOX},
    being_lost_by_a_platform: {OUTBOX},
    hearing_from_a_platform: {DISPATCHES},
    testing_an_endpoint: {OUTBOX},
    giving_an_endpoint_an_address: {OUTBOX},
    enabling_an_endpoint: {OUTBOX},
    resending_an_event: {OUTBOX},
    resending_a_message: {OUTBOX},
    resending_what_was_given_up: {OUTBOX},
    telling_what_was_missed: {OUTBOX},
}


@pytest.mark.parametrize("prepare", WAKES, ids=lambda prepare: prepare.__name__)
async def test_workers_are_woken_after_the_commit_and_not_after_a_rollback(
    stage: Stage, prepare: Callable[[Stage], Awaitable[Act]]
) -> None:
    act = await prepare(stage)
    await stage.spoil_commits()
    stage.channels.clear()
    with pytest.raises(asyncpg.RaiseError):
        await act()
    assert stage.channels == []
    await database.let_commit_again(stage.shop.platform.pool, SPOILT)
    await act()
    assert set(stage.channels) == WAKES[prepare]

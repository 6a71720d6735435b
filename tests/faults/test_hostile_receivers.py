"""Receivers that hang, flood and reset beside one in good health, which must not notice them."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from estafette.core.accounts.account import Mode
from estafette.store import signals
from estafette.usecases.platform import Platform
from estafette.webhooks.retry import RetrySchedule
from estafette.webhooks.worker import Limits
from tests import receivers
from tests.receivers import Behaviour, Receiver
from tests.rows import database, webhooks
from tests.usecases.stage import DIALECT, Tenant, new_tenant
from tests.webhooks.stage import PlainRenderer, attempts, listen_at, said, until_settled, working

# So long that no exchange with a hanging receiver ends before the test does: whatever the healthy
# one is sent, it is sent while the others hang.
PATIENT = {DIALECT.name: PlainRenderer(RetrySchedule((60.0,), timeout_seconds=60))}
PATIENT_LIMITS = Limits(lease_seconds=120)

HANGING = (receivers.silent, receivers.slow_headers)
HASTY = (
    receivers.byte_a_second,
    receivers.endless_body,
    receivers.endless_headers,
    receivers.gzip_bomb,
    receivers.reset_after_reading,
    receivers.close_after_reading,
)


async def _tenants(platform: Platform, count: int) -> list[Tenant]:
    return [await new_tenant(platform, Mode.LIVE) for _ in range(count)]


async def test_a_healthy_receiver_hears_everything_while_others_hang(
    platform: Platform, fresh_database: str
) -> None:
    behaviours = [make() for make in (*HANGING, *HASTY)]
    tenants = await _tenants(platform, len(behaviours))
    healthy = await new_tenant(platform, Mode.LIVE)
    async with (
        working(platform, fresh_database, renderers=PATIENT, limits=PATIENT_LIMITS),
        AsyncExitStack() as hostile,
    ):
        for tenant, behaviour in zip(tenants, behaviours, strict=True):
            receiver = await hostile.enter_async_context(Receiver(behaviour))
            await listen_at(tenant, receiver.url)
            await asyncio.gather(*(tenant.create() for _ in range(20)))
            await receiver.wait_for(1)
        async with Receiver() as receiver:
            await listen_at(healthy, receiver.url)
            await asyncio.gather(*(healthy.create() for _ in range(200)))
            await receiver.wait_for(200)
            await until_settled(healthy, 200)
        for tenant in tenants[: len(HANGING)]:
            assert await attempts(tenant) == []  # they hang to this moment
    assert {one["outcome"] for one in await attempts(healthy)} == {"delivered"}


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        *((each, "delivered") for each in HASTY if not each.__name__.endswith("_reading")),
        (receivers.endless_interim_answers, "response_too_large"),
        (receivers.reset_after_reading, "disconnected"),
        (receivers.close_after_reading, "disconnected"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
async def test_a_receiver_that_misbehaves_is_judged_by_its_status(
    platform: Platform,
    tenant: Tenant,
    fresh_database: str,
    behaviour: Callable[[], Behaviour],
    outcome: str,
) -> None:
    async with Receiver(behaviour()) as receiver:
        await listen_at(tenant, receiver.url)
        await tenant.create()
        async with working(platform, fresh_database):
            await until_settled(tenant, 1)
    [attempt] = await attempts(tenant)
    assert attempt["outcome"] == outcome


async def test_a_million_messages_for_one_receiver_do_not_delay_another(
    platform: Platform, fresh_database: str
) -> None:
    crowded, healthy = await _tenants(platform, 2)
    async with (
        working(platform, fresh_database, renderers=PATIENT, limits=PATIENT_LIMITS),
        Receiver(receivers.silent()) as hanging,
        Receiver() as receiver,
    ):
        endpoint = await listen_at(crowded, hanging.url)
        assert endpoint.url
        await _crowd(crowded, 50_000)
        crowded.platform.signal(signals.OUTBOX)
        await hanging.wait_for(1)
        await listen_at(healthy, receiver.url)
        ids = [str(await healthy.create()) for _ in range(20)]
        await receiver.wait_for(20)
        assert sorted(said(each)["deliveryId"] for each in receiver.requests) == sorted(ids)
        assert hanging.open_connections > 0


async def _crowd(tenant: Tenant, count: int) -> None:
    """Puts copies of one message into the outbox, an hour overdue."""
    await tenant.create()
    where, an_hour_ago = {"account_id": tenant.scope.account_id}, timedelta(hours=-1)
    await webhooks.repeat_messages(tenant.platform.pool, where, count, due_at=an_hour_ago)


async def test_a_database_that_ends_all_connections_costs_no_event(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    limits = Limits(lease_seconds=8, poll_seconds=0.2)
    soon = {DIALECT.name: PlainRenderer(RetrySchedule((0.2,) * 10, timeout_seconds=5))}
    async with Receiver() as receiver:
        await listen_at(tenant, receiver.url)
        await asyncio.gather(*(tenant.create() for _ in range(300)))
        ours = await database.sessions(platform.pool)
        async with working(platform, fresh_database, renderers=soon, limits=limits):
            for count in (1, 20, 60, 120, 200):
                await receiver.wait_for(count)
                await database.end_other_sessions(platform.pool, ours)
            await until_settled(tenant, 300)
    assert len({said(each)["eventId"] for each in receiver.requests}) == 300

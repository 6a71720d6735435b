"""Many endpoints that hang beside few that answer: whom the worker's slots are left to."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.usecases.platform import Platform
from estafette.webhooks.retry import RetrySchedule, doubling
from estafette.webhooks.worker import Limits
from tests.patience import until
from tests.receivers import Behaviour, Receiver, answer, byte_a_second, silent, slow_headers
from tests.rows import tables
from tests.rows import webhooks as rows
from tests.usecases.stage import DIALECT, Tenant, new_tenant
from tests.webhooks.stage import (
    PlainRenderer,
    listen_at,
    make_due,
    messages,
    move,
    until_settled,
    working,
)


async def crowd(
    tenant: Tenant, url: str, count: int, *, each_its_own: bool, messages: int = 20
) -> None:
    """Gives the account, or as many new ones, so many endpoints at `url`, with messages due."""
    pool, own = tenant.platform.pool, tenant.scope.account_id
    await rows.add_crowd(pool, own, url, count, messages, each_its_own=each_its_own)


PATIENT = {DIALECT.name: PlainRenderer(RetrySchedule(doubling(60, 3), timeout_seconds=60))}
FEW = Limits(lease_seconds=120, total=64, poll_seconds=0.2)


def readable(_sealed: bytes, _owner: bytes) -> str:
    return "secret"


@asynccontextmanager
async def beside(
    tenant: Tenant, dsn: str, behaviour: Behaviour, count: int, *, each_its_own: bool
) -> AsyncGenerator[Receiver]:
    """A worker at work on endpoints that never answer."""
    async with Receiver(behaviour) as hanging:
        await crowd(tenant, hanging.url, count, each_its_own=each_its_own)
        async with working(
            tenant.platform, dsn, renderers=PATIENT, limits=FEW, decrypt=readable, cancelled=True
        ):
            yield hanging


@pytest.mark.parametrize(
    "behaviour",
    [silent(), slow_headers(), byte_a_second()],
    ids=["silent", "slow headers", "a byte a second"],
)
@pytest.mark.parametrize("each_its_own", [True, False], ids=["many accounts", "one account"])
async def test_a_healthy_endpoint_is_told_everything_while_a_hundred_hang(
    platform: Platform,
    tenant: Tenant,
    fresh_database: str,
    behaviour: Behaviour,
    each_its_own: bool,
) -> None:
    healthy = await new_tenant(platform, Mode.LIVE)
    async with Receiver() as receiver:
        await listen_at(healthy, receiver.url)
        for _ in range(40):
            await healthy.create()
        async with beside(
            tenant, fresh_database, behaviour, 100, each_its_own=each_its_own
        ) as hanging:
            await receiver.wait_for(40)
            await hanging.wait_for(FEW.total // 4)
            assert hanging.open_connections <= 4 * FEW.total
            id = await healthy.create()
            await move(healthy, id, Status.ASSIGNED)
            await receiver.wait_for(42)


async def test_an_endpoint_that_only_fails_is_sent_one_message_now_and_then_and_loses_none(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async def rests() -> bool:
        (rest,) = await tables.values(platform.pool, "endpoint_failures", "rests_until") or [None]
        return rest is not None and rest > await tables.now(platform.pool)

    async with Receiver(answer(500)) as receiver:
        await listen_at(tenant, receiver.url)
        for _ in range(200):
            await tenant.create()
        # so few are claimed at a time that results are written long before all have been
        few = Limits(total=8, held=16, claim=8, poll_seconds=0.1)
        async with working(platform, fresh_database, limits=few):
            await until(rests)
            assert [each for each in await messages(tenant) if not each["attempt"]]
            receiver.behaviour = answer()
            await tables.change(platform.pool, "endpoint_failures", rests_until=timedelta())
            await make_due(tenant)
            await until_settled(tenant, 200)

            async def are_delivered() -> bool:
                return {each["state"] for each in await messages(tenant)} == {"delivered"}

            await until(are_delivered)
    assert sum(each["attempt"] for each in await messages(tenant)) == len(receiver.requests)

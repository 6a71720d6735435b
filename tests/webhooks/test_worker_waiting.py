"""What waits for an endpoint that has moved, or that is sent nothing for a while."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.store.webhooks import survey
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import endpoints
from estafette.webhooks.worker import Limits
from tests.patience import until
from tests.receivers import Receiver, after, answer
from tests.rows import tables
from tests.usecases.stage import Tenant, new_tenant
from tests.webhooks.stage import (
    attempts,
    listen_at,
    make_due,
    messages,
    move,
    said,
    until_settled,
    working,
)

# Nothing below waits for a poll: what is sent was announced.
ONLY_WHEN_WOKEN = Limits(poll_seconds=3600)


async def test_a_changed_address_holds_for_what_waits(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver(answer(500)) as old, Receiver() as new:
        await listen_at(tenant, old.url)
        await tenant.create()
        async with working(platform, fresh_database):
            await until_settled(tenant, 1)
            await listen_at(tenant, new.url)
            await make_due(tenant)
            await new.wait_for(1)
    assert len(old.requests) == 1


@pytest.mark.parametrize("how", ["disabled", "without a URL"])
async def test_what_waits_for_an_endpoint_that_is_sent_nothing_waits_untried_and_is_sent_then(
    platform: Platform, tenant: Tenant, fresh_database: str, how: str
) -> None:
    other = await new_tenant(platform, Mode.LIVE)
    async with Receiver() as receiver, Receiver() as another:
        await listen_at(other, another.url)
        await listen_at(tenant, receiver.url)
        one = await tenant.create()
        if how == "disabled":
            await endpoints.set_enabled(platform, tenant.scope, "default", enabled=False)
        else:
            await listen_at(tenant, None)
        await move(tenant, one, Status.ASSIGNED)  # makes no message
        async with working(platform, fresh_database):
            await other.create()
            await until_settled(other, 1)
            async with platform.pool.acquire() as connection:
                assert await survey.count(connection) == (0, 1)
                assert await survey.survey(connection) == ([], 0.0)
            assert (receiver.requests, await attempts(tenant)) == ([], [])
            if how == "disabled":
                await endpoints.set_enabled(platform, tenant.scope, "default", enabled=True)
            else:
                await listen_at(tenant, receiver.url)
            await receiver.wait_for(1)
    [request] = receiver.requests
    assert (said(request)["seq"], said(request)["attempt"]) == (1, 1)


async def test_what_is_claimed_after_its_endpoint_was_disabled_is_given_back_untried(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    """By a worker that knows of its messages from a survey before.

    Where it began to listen for signals only now, it looks once more, and then claims nothing.
    """
    released = _released()
    is_disabled = asyncio.Event()

    async def given_back() -> bool:
        return _released() > released

    async def is_recorded() -> bool:
        return len(await attempts(tenant)) == 1

    async with Receiver(after(is_disabled, answer())) as receiver:
        await listen_at(tenant, receiver.url)
        await tenant.create()
        await tenant.create()
        async with working(platform, fresh_database, limits=ONLY_WHEN_WOKEN):
            await receiver.wait_for(1)
            await tables.change(platform.pool, "endpoints", disabled_at=timedelta())
            is_disabled.set()
            await until(is_recorded)
            with suppress(TimeoutError):
                await until(given_back, seconds=3)
    sent, held = await messages(tenant)
    assert (sent["state"], held["state"]) == ("delivered", "pending")
    assert (held["attempt"], held["leased_by"]) == (0, None)
    assert len(receiver.requests) == len(await attempts(tenant)) == 1


def _released() -> float:
    return REGISTRY.get_sample_value("estafette_webhook_released_total") or 0.0


async def test_a_test_that_names_its_own_address_is_sent_though_the_endpoint_is_disabled(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver:
        await listen_at(tenant, "http://127.0.0.1:9/")
        await tenant.create()
        await endpoints.set_enabled(platform, tenant.scope, "default", enabled=False)
        async with working(platform, fresh_database):
            await endpoints.send_test(platform, tenant.scope, url=receiver.url)
            await receiver.wait_for(1)
            await until_settled(tenant, 1)
    assert [each["attempt"] for each in await messages(tenant) if each["delivery_id"]] == [0]

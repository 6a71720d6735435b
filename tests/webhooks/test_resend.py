"""Sending again by hand, and what was tried: of whom, since when, and what is left alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.errors import EndpointMissing
from estafette.store.webhooks import messages as store
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import endpoints as webhooks
from estafette.usecases.webhooks.resend import (
    resend_event,
    resend_message,
    resend_since,
    why_no_event,
    why_no_message,
)
from tests.rows import tables
from tests.store.webhooks.claims import claim, finished, record
from tests.usecases.stage import Tenant, new_tenant
from tests.webhooks.stage import listen_at, messages, move

URL = "http://127.0.0.1:9/"
AN_HOUR = timedelta(hours=1)


def an_hour_ago() -> datetime:
    return datetime.now(UTC) - AN_HOUR


@pytest.fixture
async def told(tenant: Tenant) -> Tenant:
    """An account that was told of one delivery, at one endpoint."""
    await listen_at(tenant, URL)
    await tenant.create()
    await settle(tenant)
    return tenant


async def settle(tenant: Tenant, state: str = "delivered") -> None:
    """Lets all that waits be tried once, with this end."""
    for each in await claim(tenant, "one"):
        is_delivered = state == "delivered"
        status = 200 if is_delivered else 500
        await record(tenant, "one", finished(each, is_delivered=is_delivered, http_status=status))


async def states(tenant: Tenant) -> list[str]:
    return [each["state"] for each in await messages(tenant)]


async def the_event(tenant: Tenant) -> tuple[UUID, UUID]:
    """The account's only delivery and its first event."""
    id = (await messages(tenant))[0]["delivery_id"]
    return id, (await tenant.events(id))[0].id


async def test_nothing_of_another_account_or_mode_is_sent_again_or_shown(
    platform: Platform, told: Tenant
) -> None:
    other = await new_tenant(platform, Mode.LIVE)
    id, event = await the_event(told)
    [message] = await messages(told)
    for scope in (other.scope, told.scope._replace(mode=Mode.SANDBOX)):
        assert await resend_event(platform, scope, id, event) == 0
        assert await resend_message(platform, scope, message["id"]) == 0
        assert await resend_since(platform, scope, an_hour_ago(), dead_only=False) == (0, 0, True)
        assert await webhooks.attempts_of(platform, scope, id) == []
        assert await webhooks.attempts_since(platform, scope, an_hour_ago()) == []
        said = await why_no_message(platform, scope, message["id"])
        assert said.startswith("there is no such message")
    said = await why_no_event(platform, other.scope, id, event)
    assert said == "the delivery has no such event"
    said = await why_no_event(platform, told.scope._replace(mode=Mode.SANDBOX), id, event)
    assert said.startswith("no endpoint was told")
    assert await states(told) == ["delivered"]
    assert len(await webhooks.attempts_of(platform, told.scope, id)) == 1
    assert len(await webhooks.attempts_since(platform, told.scope, an_hour_ago())) == 1


async def test_one_event_is_sent_again_in_a_round_of_its_own(
    platform: Platform, told: Tenant
) -> None:
    id, event = await the_event(told)
    await move(told, id, Status.ASSIGNED)
    await settle(told)
    a_day_ago = timedelta(days=-1)
    await tables.change(platform.pool, "messages", round_started_at=a_day_ago)
    assert await resend_event(platform, told.scope, id, uuid4()) == 0
    assert await resend_event(platform, told.scope, id, event) == 1
    assert await states(told) == ["pending", "delivered"]
    said = await why_no_event(platform, told.scope, id, event)
    assert said == "it is being sent at this moment"
    [again] = await claim(told, "one")
    assert (again.attempt, again.attempt_in_round) == (2, 1)
    assert again.round_seconds < 60
    assert await resend_event(platform, told.scope, id, event) == 0  # it is being sent
    assert await record(told, "one", finished(again)) == 1


async def test_a_round_begins_with_its_first_attempt(platform: Platform, tenant: Tenant) -> None:
    await listen_at(tenant, URL)
    await tenant.create()
    [first] = await claim(tenant, "one")
    assert first.round_seconds < 60
    failed = finished(first, is_delivered=False, retry_seconds=0.0)
    assert await record(tenant, "one", failed) == 1
    earlier = timedelta(hours=-1)
    await tables.shift(platform.pool, "messages", round_started_at=earlier)
    [second] = await claim(tenant, "one")
    assert 3600 <= second.round_seconds < 3660


async def test_what_was_made_within_a_time_is_sent_again_and_tests_never(
    platform: Platform, told: Tenant
) -> None:
    await told.create()
    await settle(told, "dead")
    await webhooks.send_test(platform, told.scope)
    await settle(told, "dead")
    assert await states(told) == ["delivered", "dead", "dead"]
    soon = datetime.now(UTC) + AN_HOUR
    assert await resend_since(platform, told.scope, soon) == (0, 0, True)
    assert await resend_since(platform, told.scope, an_hour_ago()) == (1, 0, True)
    again = await resend_since(platform, told.scope, an_hour_ago(), dead_only=False)
    assert again == (2, 0, True)
    async with platform.pool.acquire() as connection, platform.transaction(connection) as work:
        span = (an_hour_ago() - AN_HOUR, an_hour_ago())
        assert await store.resend_since(work, told.scope, span, dead_only=False) == 0


async def test_what_one_endpoint_missed_is_sent_to_it_alone(
    platform: Platform, tenant: Tenant
) -> None:
    await listen_at(tenant, URL)
    await listen_at(tenant, URL, "other")
    await tenant.create()
    await settle(tenant, "dead")
    assert await resend_since(platform, tenant.scope, an_hour_ago(), "other") == (1, 0, True)
    [message] = await claim(tenant, "one")
    where = {"id": message.endpoint_id}
    assert await tables.value(platform.pool, "endpoints", "name", where) == "other"


async def test_missed_events_are_told_page_by_page_each_once(
    platform: Platform, tenant: Tenant
) -> None:
    for _ in range(5):
        id = await tenant.create()
        await move(tenant, id, Status.ASSIGNED)
    await listen_at(tenant, URL)
    made: list[int] = []
    after = UUID(int=0)
    while True:
        async with platform.pool.acquire() as connection, platform.transaction(connection) as work:
            page = await store.enqueue_missed(work, tenant.scope, an_hour_ago(), after, 2, None)
        made.append(page.messages)
        if page.after is None:
            break
        after = page.after
    assert made == [4, 4, 2]
    told = [(each["delivery_id"], each["seq"], each["ordinal"]) for each in await messages(tenant)]
    assert len(set(told)) == len(told) == 10


async def test_attempts_are_shown_newest_first_and_no_more_than_asked_for(
    platform: Platform, told: Tenant
) -> None:
    id, event = await the_event(told)
    for _ in range(2):
        await resend_event(platform, told.scope, id, event)
        await settle(told)
    await told.create()
    await settle(told)
    shown = await webhooks.attempts_of(platform, told.scope, id, 2)
    assert [each.attempt for each in shown] == [3, 2]
    shown = await webhooks.attempts_since(platform, told.scope, an_hour_ago(), 3)
    assert [each.attempt for each in shown] == [1, 3, 2]
    soon = datetime.now(UTC) + AN_HOUR
    assert await webhooks.attempts_since(platform, told.scope, soon) == []
    [one] = [each for each in shown if each.attempt == 1]
    assert (one.endpoint, one.type, one.state, one.due_at) == (
        "default",
        "created",
        "delivered",
        None,
    )
    assert (one.outcome, one.http_status, one.duration_ms) == ("delivered", 200, 1500)


async def test_a_test_goes_before_what_waits_and_only_where_it_can_go(
    platform: Platform, tenant: Tenant
) -> None:
    await listen_at(tenant, URL)
    sandbox = tenant.scope._replace(mode=Mode.SANDBOX)
    await webhooks.set_endpoint(platform, sandbox, None)
    with pytest.raises(EndpointMissing):
        await webhooks.send_test(platform, sandbox)
    await tenant.create()
    id = await webhooks.send_test(platform, tenant.scope)
    [first] = await claim(tenant, "one", room=1)
    assert (first.id, first.is_test, first.type) == (id, True, "created")
    await webhooks.set_enabled(platform, tenant.scope, "default", enabled=False)
    with pytest.raises(EndpointMissing):
        await webhooks.send_test(platform, tenant.scope)


async def test_no_more_messages_end_at_a_time_than_told(platform: Platform, tenant: Tenant) -> None:
    await listen_at(tenant, URL)
    for _ in range(3):
        await tenant.create()
    endpoint = (await messages(tenant))[0]["endpoint_id"]
    async with platform.pool.acquire() as connection:
        assert await store.end_waiting(connection, uuid4(), 2) == 0
        assert await store.end_waiting(connection, endpoint, 2) == 2
        assert await store.end_waiting(connection, endpoint, 2) == 1
    assert await states(tenant) == ["dead"] * 3

"""Endpoints that are gone, removed or were away: what becomes of what waits or was missed."""

from datetime import UTC, datetime, timedelta

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.errors import EndpointMissing
from estafette.core.retention import Retention
from estafette.store.webhooks import messages as stored_messages
from estafette.store.webhooks.failures import OPENS_AFTER
from estafette.usecases.ends import remove_what_is_over
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import endpoints
from estafette.usecases.webhooks.gone import GONE_FOR, GONE_TIMES, disable_gone
from estafette.usecases.webhooks.remove import remove_endpoint
from estafette.usecases.webhooks.resend import resend_since
from tests.patience import until
from tests.receivers import Receiver, answer
from tests.rows import tables
from tests.rows import webhooks as rows
from tests.store.webhooks.claims import claim, end_rest, finished, record
from tests.usecases.stage import Tenant, new_tenant
from tests.webhooks.stage import listen_at, make_due, messages, move, said, working


def an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


async def acts(platform: Platform) -> list[str]:
    return await tables.values(platform.pool, "audit", "act", order="at")


# Gone


async def refuse(tenant: Tenant, status: int | None, times: int = 1) -> None:
    """So many attempts are answered so."""
    for _ in range(times):
        await end_rest(tenant)
        [message] = await claim(tenant, "one", room=1)
        failed = finished(message, is_delivered=False, retry_seconds=0.0, http_status=status)
        await record(tenant, "one", failed)


async def age(tenant: Tenant, by: timedelta) -> None:
    await tables.shift(tenant.platform.pool, "endpoint_failures", gone_since=-by)


@pytest.fixture
async def told(tenant: Tenant) -> Tenant:
    """An account with an endpoint that is to be told of one event."""
    await listen_at(tenant, "http://127.0.0.1:9/")
    await tenant.create()
    return tenant


async def test_an_endpoint_that_says_for_an_hour_that_it_is_gone_is_disabled_and_it_is_told(
    platform: Platform, told: Tenant
) -> None:
    await refuse(told, 410, GONE_TIMES)
    assert await disable_gone(platform) == []  # not at once
    await age(told, GONE_FOR)
    [gone] = await disable_gone(platform)
    assert (gone.scope, gone.name, gone.times) == (told.scope, "default", GONE_TIMES)
    assert await disable_gone(platform) == []
    [endpoint] = [
        each
        for each in await endpoints.list_endpoints(platform, told.scope.account_id)
        if each.scope == told.scope
    ]
    assert (endpoint.is_enabled, endpoint.disabled_why) == (False, "gone")
    assert (await acts(platform))[-1] == "endpoint.disabled"
    assert [each["state"] for each in await messages(told)] == ["pending"]
    endpoint = await endpoints.set_enabled(platform, told.scope, "default", enabled=True)
    assert (endpoint.is_enabled, endpoint.disabled_why) == (True, None)


async def test_one_that_somebody_has_disabled_is_not_disabled_as_gone(
    platform: Platform, told: Tenant
) -> None:
    await refuse(told, 410, GONE_TIMES)
    await age(told, GONE_FOR)
    a_day_ago = timedelta(days=-1)
    await tables.change(platform.pool, "endpoints", disabled_at=a_day_ago)
    assert await disable_gone(platform) == []
    used = {"url": tables.PRESENT}
    assert await tables.seconds_until(platform.pool, "endpoints", "disabled_at", used) < -3600


async def test_few_that_say_so_do_not_disable_it(platform: Platform, told: Tenant) -> None:
    await refuse(told, 410, GONE_TIMES - 1)
    await age(told, GONE_FOR * 10)
    assert await disable_gone(platform) == []


@pytest.mark.parametrize("status", [404, 500, None])
async def test_any_other_failure_begins_anew(
    platform: Platform, told: Tenant, status: int | None
) -> None:
    await refuse(told, 410, GONE_TIMES)
    await age(told, GONE_FOR)
    await refuse(told, status)
    assert await disable_gone(platform) == []
    await refuse(told, 410, GONE_TIMES)
    assert await disable_gone(platform) == []
    await age(told, GONE_FOR)
    assert len(await disable_gone(platform)) == 1


async def test_answers_that_say_so_count_from_the_first_on_and_from_the_last_other_failure(
    platform: Platform, told: Tenant
) -> None:
    await refuse(told, 410)
    await age(told, GONE_FOR)
    await refuse(told, 500)
    await refuse(told, 410, GONE_TIMES - 1)
    await age(told, GONE_FOR)
    assert await disable_gone(platform) == []  # those before the other failure do not count
    await refuse(told, 410)
    assert len(await disable_gone(platform)) == 1  # the last of them came just now


async def test_another_failure_that_is_recorded_with_them_counts(
    platform: Platform, told: Tenant
) -> None:
    await refuse(told, 410, GONE_TIMES)
    await age(told, GONE_FOR)
    await told.create()
    await end_rest(told)
    await tables.change(platform.pool, "endpoint_failures", failures=1, rests_until=None)
    one, other = await claim(told, "one")
    fails = {"is_delivered": False, "retry_seconds": 0.0}
    results = (
        finished(one, http_status=410, **fails),
        finished(other, http_status=500, **fails),
    )
    await record(told, "one", *results)
    assert await disable_gone(platform) == []


async def test_an_answer_ends_it(platform: Platform, told: Tenant) -> None:
    await refuse(told, 410, GONE_TIMES)
    await age(told, GONE_FOR)
    await end_rest(told)
    [message] = await claim(told, "one", room=1)
    await record(told, "one", finished(message))
    assert await disable_gone(platform) == []


async def test_what_a_gone_endpoint_missed_is_sent_once_it_is_enabled_again(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver(answer(410)) as receiver:
        await listen_at(tenant, receiver.url)
        await tenant.create()
        async with working(platform, fresh_database):

            async def said_so() -> bool:
                await end_rest(tenant)
                await make_due(tenant)
                gone = await tables.values(platform.pool, "endpoint_failures", "gone")
                return max(gone, default=0) >= GONE_TIMES

            await until(said_so)
            await age(tenant, GONE_FOR)
            assert len(await disable_gone(platform)) == 1
            await tenant.create()  # nobody is told
            count, receiver.behaviour = len(receiver.requests), answer()
            await endpoints.set_enabled(platform, tenant.scope, "default", enabled=True)
            await tables.change(platform.pool, "messages", state="dead")
            assert await resend_since(platform, tenant.scope, an_hour_ago()) == (1, 1, True)
            await receiver.wait_for(count + 2)


# Missed


async def test_what_happened_while_there_was_no_address_is_told_once_in_order(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    one = await tenant.create()
    await move(tenant, one, Status.ASSIGNED, Status.IN_TRANSIT)
    async with Receiver() as receiver, working(platform, fresh_database):
        await listen_at(tenant, receiver.url)
        assert await resend_since(platform, tenant.scope, an_hour_ago()) == (0, 3, True)
        await receiver.wait_for(3)
        assert await resend_since(platform, tenant.scope, an_hour_ago()) == (0, 0, True)
    assert [said(each)["seq"] for each in receiver.requests] == [1, 2, 3]
    assert (await acts(platform))[-2:] == ["webhooks.resent"] * 2


@pytest.mark.parametrize("how", ["disabled", "new"])
async def test_what_happened_while_an_endpoint_was_disabled_or_missing_is_told_to_it_alone(
    platform: Platform, tenant: Tenant, how: str
) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    if how == "disabled":
        await listen_at(tenant, "http://127.0.0.1:9/", "late")
        await endpoints.set_enabled(platform, tenant.scope, "late", enabled=False)
    await tenant.create()
    if how == "disabled":
        assert await resend_since(platform, tenant.scope, an_hour_ago()) == (0, 0, True)
        await endpoints.set_enabled(platform, tenant.scope, "late", enabled=True)
    else:
        await listen_at(tenant, "http://127.0.0.1:9/", "late")
    assert await resend_since(platform, tenant.scope, an_hour_ago(), "default") == (0, 0, True)
    assert await resend_since(platform, tenant.scope, an_hour_ago()) == (0, 1, True)
    assert len(await messages(tenant)) == 2


async def test_only_what_was_missed_since_then_in_that_mode_and_account(
    platform: Platform, tenant: Tenant
) -> None:
    other = await new_tenant(platform, Mode.LIVE)
    await other.create()
    await tenant.create()
    new = await tenant.create()
    await tables.change(platform.pool, "events", occurred_at=timedelta(hours=-2))
    await move(tenant, new, Status.ASSIGNED)
    for one in (tenant, other):
        await listen_at(one, "http://127.0.0.1:9/")
    sandbox = tenant.scope._replace(mode=Mode.SANDBOX)
    await endpoints.set_endpoint(platform, sandbox, "http://127.0.0.1:9/")
    assert await resend_since(platform, sandbox, an_hour_ago()) == (0, 0, True)
    assert await resend_since(platform, tenant.scope, an_hour_ago()) == (0, 1, True)
    assert [(each["delivery_id"], each["seq"]) for each in await messages(tenant)] == [(new, 2)]
    assert await messages(other) == []


async def test_what_is_older_than_messages_are_kept_was_perhaps_told_and_is_left_alone(
    platform: Platform, tenant: Tenant
) -> None:
    await tenant.create()
    await tables.change(platform.pool, "events", occurred_at=timedelta(days=-3))
    await listen_at(tenant, "http://127.0.0.1:9/")
    since = datetime.now(UTC) - timedelta(days=30)
    kept = timedelta(days=3)
    assert await resend_since(platform, tenant.scope, since, kept=kept) == (0, 0, True)
    kept = timedelta(days=4)
    assert await resend_since(platform, tenant.scope, since, kept=kept) == (0, 1, True)


async def test_many_missed_events_take_several_calls_and_none_is_told_twice(
    platform: Platform, tenant: Tenant
) -> None:
    for _ in range(5):
        await tenant.create()
    await listen_at(tenant, "http://127.0.0.1:9/")
    of = (platform, tenant.scope, an_hour_ago())
    assert await resend_since(*of, most_missed=3) == (0, 3, False)
    assert await resend_since(*of, most_missed=3, dead_only=False) == (3, 2, True)
    assert len({each["delivery_id"] for each in await messages(tenant)}) == 5


# Removed


async def test_a_removed_endpoint_is_sent_nothing_and_what_waited_for_it_ends(
    platform: Platform, tenant: Tenant
) -> None:
    before = await listen_at(tenant, "http://127.0.0.1:9/secret-path")
    for _ in range(3):
        await tenant.create()
    [tried] = await claim(tenant, "one", room=1)
    assert await remove_endpoint(platform, tenant.scope, "default") == 3
    assert {each["state"] for each in await messages(tenant)} == {"dead"}
    assert await record(tenant, "one", finished(tried)) == 0  # what was under way changes nothing
    await tenant.create()
    assert len(await messages(tenant)) == 3
    assert await endpoints.list_endpoints(platform, tenant.scope.account_id) == []
    with pytest.raises(EndpointMissing):
        await remove_endpoint(platform, tenant.scope, "default")
    assert (await acts(platform))[-1] == "endpoint.removed"
    [row] = await tables.read(platform.pool, "endpoints", {"removed_at": tables.PRESENT})
    assert "secret-path" not in str(row)
    stored = platform.cipher.decrypt(row["secret"], row["id"].bytes)
    assert before.secret != stored
    assert len(await endpoints.attempts_since(platform, tenant.scope, an_hour_ago())) == 1
    made = await listen_at(tenant, "http://127.0.0.1:9/")  # its name is free again
    assert made.secret != before.secret
    assert await resend_since(platform, tenant.scope, an_hour_ago(), "default") == (0, 4, True)


async def test_a_removed_endpoint_is_forgotten_when_nothing_tells_of_it_any_more(
    platform: Platform, tenant: Tenant
) -> None:
    await listen_at(tenant, None)
    await remove_endpoint(platform, tenant.scope, "default")
    await listen_at(tenant, None)
    assert await tables.count(platform.pool, "endpoints") == 2
    await remove_what_is_over(platform, Retention())
    assert await tables.count(platform.pool, "endpoints") == 2
    await tables.shift(platform.pool, "endpoints", removed_at=timedelta(days=-91))
    await remove_what_is_over(platform, Retention())
    assert await tables.count(platform.pool, "endpoints") == 1


async def test_what_was_made_while_its_endpoint_was_removed_is_not_sent_and_ends(
    tenant: Tenant,
) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    await tenant.create()
    await remove_endpoint(tenant.platform, tenant.scope, "default")
    await tables.change(tenant.platform.pool, "messages", state="pending")
    assert await claim(tenant, "one") == []
    async with tenant.platform.pool.acquire() as connection:
        assert await stored_messages.give_up(connection) == 1
    assert [each["state"] for each in await messages(tenant)] == ["dead"]


# Disabled


async def disable(tenant: Tenant) -> None:
    await endpoints.set_enabled(tenant.platform, tenant.scope, "default", enabled=False)


async def enable(tenant: Tenant) -> None:
    await endpoints.set_enabled(tenant.platform, tenant.scope, "default", enabled=True)


async def test_what_waits_for_an_endpoint_that_is_enabled_again_has_a_fresh_round_in_order(
    platform: Platform, told: Tenant
) -> None:
    one = (await messages(told))[0]["delivery_id"]
    await move(told, one, Status.ASSIGNED, Status.IN_TRANSIT)
    await refuse(told, 500, times=2)  # of the first two events
    await rows.let_overdue(platform.pool)
    await disable(told)
    assert await claim(told, "one") == []
    waiting = await endpoints.waiting(platform, told.scope.account_id)
    assert waiting[told.scope, "default"] == 3
    await enable(told)
    claimed = await claim(told, "one")
    assert [each.seq for each in claimed] == [1, 2, 3]
    assert [each.attempt_in_round for each in claimed] == [1, 1, 1]
    assert max(each.round_seconds for each in claimed) < 60
    assert [each.attempt for each in claimed] == [2, 2, 1]


async def test_many_that_wait_begin_anew_and_what_a_scenario_holds_back_keeps_its_time(
    platform: Platform, told: Tenant
) -> None:
    held_back = await told.create()
    [other] = [each for each in await messages(told) if each["delivery_id"] != held_back]
    a_minute_ago, hour = timedelta(minutes=-1), timedelta(hours=1)
    await rows.repeat_messages(platform.pool, {"id": other["id"]}, 25_000, due_at=a_minute_ago)
    await tables.change(platform.pool, "messages", {"delivery_id": held_back}, due_at=hour)
    await disable(told)
    await enable(told)
    found = await messages(told)
    [held] = [each for each in found if each["delivery_id"] == held_back]
    waited = [each for each in found if each["delivery_id"] != held_back]
    assert held["due_in"] > 3000
    assert (len(waited), len({each["due_at"] for each in waited})) == (25_001, 1)
    assert waited[0]["due_in"] < 3000


async def test_what_waits_is_not_given_up_for_what_failed_before_it_was_disabled(
    platform: Platform, told: Tenant
) -> None:
    await refuse(told, 500, OPENS_AFTER - 1)
    await end_rest(told)
    [message] = await claim(told, "one", room=1)
    await disable(told)
    late = finished(message, is_delivered=False, retry_seconds=0.0, http_status=500)
    for _ in range(OPENS_AFTER):  # what was under way fails after that, and lets it rest
        await record(told, "one", late)
    await tables.change(platform.pool, "messages", due_at=timedelta(days=-9))
    async with platform.pool.acquire() as connection:
        assert await stored_messages.give_up(connection) == 0
    await enable(told)
    assert [each["state"] for each in await messages(told)] == ["pending"]
    async with platform.pool.acquire() as connection:
        assert await stored_messages.give_up(connection) == 0

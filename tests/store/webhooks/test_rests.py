"""Endpoints that only fail rest, and are probed by one message at a time."""

import asyncio
from typing import Any

from estafette.core.accounts.account import Mode
from estafette.store.webhooks import messages as stored_messages
from estafette.store.webhooks import outbox, survey
from estafette.store.webhooks.failures import OPENS_AFTER
from estafette.usecases.webhooks.endpoints import send_test
from estafette.usecases.webhooks.resend import resend_event
from tests.store.webhooks.claims import claim, end_rest, fail, finished, lapse, record, rest
from tests.usecases.stage import Tenant, new_tenant
from tests.webhooks.stage import listen_at, messages


async def test_an_endpoint_that_fails_again_and_again_rests_and_loses_nothing(
    tenant: Tenant,
) -> None:
    for _ in range(3):
        await tenant.create()
    await fail(tenant, OPENS_AFTER - 1)
    assert (await rest(tenant))["rests_for"] is None
    await fail(tenant, 1)
    before = await messages(tenant)
    assert await claim(tenant, "one") == []
    assert await claim(tenant, "other") == []
    after = await messages(tenant)
    for name in ("state", "attempt", "round_start", "due_at"):
        assert [each[name] for each in before] == [each[name] for each in after]
    assert sum(each["attempt"] for each in after) == OPENS_AFTER
    async with tenant.platform.pool.acquire() as connection:
        [waiting] = (await survey.survey(connection)).waiting
    assert 0 < waiting.due_in_seconds <= 5
    assert waiting.failures == OPENS_AFTER


async def test_after_its_rest_one_worker_sends_it_one_message(tenant: Tenant) -> None:
    for _ in range(3):
        await tenant.create()
    await fail(tenant, OPENS_AFTER)
    await end_rest(tenant)
    claims = await asyncio.gather(*(claim(tenant, f"worker {number}") for number in range(4)))
    assert sum(map(len, claims)) == 1
    assert await claim(tenant, "one") == []


async def test_a_claim_probes_no_endpoint_that_it_does_not_ask_for(tenant: Tenant) -> None:
    other = await new_tenant(tenant.platform, Mode.LIVE)
    await listen_at(other, "http://127.0.0.1:9/")
    await other.create()
    await fail(other, OPENS_AFTER)
    await tenant.create()
    await end_rest(other)
    asked = (await messages(tenant))[0]["endpoint_id"]
    async with tenant.platform.pool.acquire() as connection:
        await outbox.claim(connection, {asked: 1}, lease_seconds=30.0, worker="one")
    assert (await rest(other))["rests_for"] <= 0
    assert len(await claim(other, "other")) == 1


async def test_an_answer_ends_its_rest(tenant: Tenant) -> None:
    for _ in range(3):
        await tenant.create()
    await fail(tenant, OPENS_AFTER)
    await end_rest(tenant)
    [probe] = await claim(tenant, "one")
    assert probe.failures == OPENS_AFTER
    assert await record(tenant, "one", finished(probe)) == 1
    assert await rest(tenant) is None
    assert len(await claim(tenant, "other")) == 2


async def test_an_answer_among_failures_that_are_recorded_with_it_ends_their_run(
    tenant: Tenant,
) -> None:
    for _ in range(2):
        await tenant.create()
    await fail(tenant, OPENS_AFTER - 1)
    one, other = await claim(tenant, "one")
    failed = finished(one, is_delivered=False, retry_seconds=60.0)
    assert await record(tenant, "one", failed, finished(other)) == 2
    assert await rest(tenant) is None


async def test_each_probe_that_fails_doubles_its_rest_up_to_a_bound(tenant: Tenant) -> None:
    await tenant.create()
    await fail(tenant, OPENS_AFTER)
    rests: list[float] = []
    for _ in range(6):
        rests.append(round((await rest(tenant))["rests_for"]))
        await end_rest(tenant)
        await fail(tenant, 1)
    assert rests == [5, 10, 20, 40, 50, 50]


async def test_what_was_under_way_when_the_rest_began_does_not_prolong_it(tenant: Tenant) -> None:
    for _ in range(OPENS_AFTER + 2):
        await tenant.create()
    taken = await claim(tenant, "one")
    fails: dict[str, Any] = {"is_delivered": False, "retry_seconds": 60.0}
    await record(tenant, "one", *(finished(each, **fails) for each in taken[:OPENS_AFTER]))
    assert 0 < (await rest(tenant))["rests_for"] <= 5
    await record(tenant, "one", *(finished(each, **fails) for each in taken[OPENS_AFTER:]))
    known = await rest(tenant)
    assert (known["failures"], known["rest_seconds"]) == (OPENS_AFTER + 2, 5)
    assert known["rests_for"] <= 5


async def test_a_probe_that_failed_prolongs_the_rest_once(tenant: Tenant) -> None:
    for _ in range(OPENS_AFTER + 1):
        await tenant.create()
    *taken, late = await claim(tenant, "one")
    fails: dict[str, Any] = {"is_delivered": False, "retry_seconds": 0.0}
    await record(tenant, "one", *(finished(each, **fails) for each in taken))
    await end_rest(tenant)
    [probe] = await claim(tenant, "one")
    await record(tenant, "one", finished(probe, **fails))
    assert (await rest(tenant))["rest_seconds"] == 10
    await record(tenant, "one", finished(late, **fails))  # which was under way all the time
    assert (await rest(tenant))["rest_seconds"] == 10


async def test_a_worker_that_dies_with_a_probe_lets_another_one_probe(tenant: Tenant) -> None:
    await tenant.create()
    await fail(tenant, OPENS_AFTER)
    await end_rest(tenant)
    assert len(await claim(tenant, "one")) == 1
    assert 25 < (await rest(tenant))["rests_for"] <= 30
    await end_rest(tenant)
    await lapse(tenant)
    assert len(await claim(tenant, "other")) == 1


async def test_what_says_nothing_of_the_endpoint_changes_nothing_of_it(tenant: Tenant) -> None:
    await tenant.create()
    for _ in range(OPENS_AFTER):
        [message] = await claim(tenant, "one")
        own = finished(message, is_delivered=False, retry_seconds=0.0, tells=False)
        await record(tenant, "one", own)
    assert await rest(tenant) is None


async def test_a_message_that_waited_a_day_for_an_endpoint_that_rests_is_dead_and_kept(
    tenant: Tenant,
) -> None:
    late, fresh, in_time = [await tenant.create() for _ in range(3)]
    await fail(tenant, OPENS_AFTER)
    other = await new_tenant(tenant.platform, Mode.LIVE)
    await listen_at(other, "http://127.0.0.1:9/")
    await other.create()
    await fail(other, 1)  # which is no reason to rest
    query = "update messages set due_at = now() - interval '25 hours' where delivery_id <> $1"
    await tenant.platform.pool.execute(query, fresh)
    query = "update messages set due_at = now() - interval '23.9 hours' where delivery_id = $1"
    await tenant.platform.pool.execute(query, in_time)
    async with tenant.platform.pool.acquire() as connection:
        assert await stored_messages.give_up(connection) == 1
        assert await stored_messages.give_up(connection) == 0
    states = {each["delivery_id"]: each["state"] for each in await messages(tenant)}
    assert states == {late: "dead", fresh: "pending", in_time: "pending"}
    assert [each["state"] for each in await messages(other)] == ["pending"]


async def test_a_test_goes_before_what_waits_and_ends_the_rest(tenant: Tenant) -> None:
    other = await new_tenant(tenant.platform, Mode.LIVE)
    await listen_at(other, "http://127.0.0.1:9/")
    await other.create()
    await fail(other, OPENS_AFTER)
    rests = "update endpoint_failures set rests_until = now() + interval '1 hour'"
    await tenant.platform.pool.execute(rests)
    for _ in range(3):
        await tenant.create()
    await fail(tenant, OPENS_AFTER)
    id = await send_test(tenant.platform, tenant.scope)
    [message] = await claim(tenant, "one")
    assert (message.id, message.is_test) == (id, True)
    assert (await rest(other))["rests_for"] > 0


async def test_a_new_address_and_a_sending_by_hand_forget_what_failed(tenant: Tenant) -> None:
    other = await new_tenant(tenant.platform, Mode.LIVE)
    await listen_at(other, "http://127.0.0.1:9/")
    await other.create()
    await fail(other, OPENS_AFTER)
    rests = "update endpoint_failures set rests_until = now() + interval '1 hour'"
    await tenant.platform.pool.execute(rests)
    id = await tenant.create()
    await fail(tenant, OPENS_AFTER)
    event = (await tenant.events(id))[0]
    assert await resend_event(tenant.platform, tenant.scope, id, event.id) == 1
    assert await rest(tenant) is None
    await fail(tenant, OPENS_AFTER)
    await listen_at(tenant, "http://127.0.0.1:10/")
    assert len(await claim(tenant, "one")) == 1
    assert (await rest(other))["rests_for"] > 0  # nobody has done anything for it

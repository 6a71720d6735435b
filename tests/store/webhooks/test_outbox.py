"""Claims, leases and tokens, two workers taking turns over one database."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from estafette.core.accounts.account import Mode
from estafette.store.webhooks import outbox, survey
from estafette.usecases.accounts.administration import AccountRefusedError
from estafette.usecases.webhooks.endpoints import MOST_ENDPOINTS
from tests.store.webhooks.claims import claim, finished, lapse, record
from tests.usecases.stage import Tenant, new_tenant
from tests.webhooks.stage import attempts, listen_at, messages


async def test_a_claimed_message_is_nobody_elses_until_its_lease_ends(tenant: Tenant) -> None:
    await tenant.create()
    [first] = await claim(tenant, "one")
    assert await claim(tenant, "other") == []
    await lapse(tenant)
    [second] = await claim(tenant, "other")
    assert (first.id, first.attempt) == (second.id, 1)
    assert second.attempt == 2


async def test_a_stale_worker_changes_nothing_but_its_attempt_is_kept(tenant: Tenant) -> None:
    await tenant.create()
    [first] = await claim(tenant, "one")
    await lapse(tenant)
    [second] = await claim(tenant, "other")
    before = await messages(tenant)
    assert await record(tenant, "one", finished(first)) == 0
    after = await messages(tenant)
    untouched = ("state", "attempt", "due_at", "leased_by")
    assert [before[0][name] for name in untouched] == [after[0][name] for name in untouched]
    assert await record(tenant, "other", finished(second)) == 1
    assert (await messages(tenant))[0]["state"] == "delivered"
    kept = await attempts(tenant)
    assert {(one["attempt"], one["worker"]) for one in kept} == {(1, "one"), (2, "other")}


async def test_a_worker_that_claimed_anew_is_not_settled_by_its_own_older_attempt(
    tenant: Tenant,
) -> None:
    await tenant.create()
    [first] = await claim(tenant, "one")
    await lapse(tenant)
    [second] = await claim(tenant, "one")
    before = await messages(tenant)
    assert await record(tenant, "one", finished(first)) == 0
    async with tenant.platform.pool.acquire() as connection:
        await outbox.release(connection, [first], worker="one")
    after = await messages(tenant)
    untouched = ("state", "attempt", "due_at", "leased_by")
    assert [before[0][name] for name in untouched] == [after[0][name] for name in untouched]
    assert await record(tenant, "one", finished(second)) == 1


async def test_an_attempt_of_this_number_counts_for_who_has_the_lease_alone(
    tenant: Tenant,
) -> None:
    await tenant.create()
    [message] = await claim(tenant, "one")
    assert await record(tenant, "other", finished(message)) == 0
    assert (await messages(tenant))[0]["state"] == "pending"
    elsewhere = finished(message, account_id=uuid4())
    assert await record(tenant, "one", elsewhere) == 0
    assert (await messages(tenant))[0]["state"] == "pending"
    assert await record(tenant, "one", finished(message)) == 1
    failed = finished(message, is_delivered=False, retry_seconds=1.0)
    assert await record(tenant, "one", failed) == 0
    [stored] = await messages(tenant)
    assert (stored["state"], stored["leased_by"]) == ("delivered", None)


async def test_what_was_settled_stays_so_while_its_lease_is_still_noted(tenant: Tenant) -> None:
    """A message that is settled by another way than a result: given up, or by hand."""
    await tenant.create()
    [message] = await claim(tenant, "one")
    await tenant.platform.pool.execute("update messages set state = 'dead'")
    assert await record(tenant, "one", finished(message)) == 0
    async with tenant.platform.pool.acquire() as connection:
        await outbox.release(connection, [message], worker="one")
    [stored] = await messages(tenant)
    assert (stored["state"], stored["attempt"]) == ("dead", 1)


async def test_an_attempt_without_a_report_does_not_count_in_the_schedule(tenant: Tenant) -> None:
    await tenant.create()
    for attempt in (1, 2, 3):
        [message] = await claim(tenant, "one")
        assert (message.attempt, message.attempt_in_round) == (attempt, 1)
        await lapse(tenant)
    [message] = await claim(tenant, "one")
    failed = finished(message, is_delivered=False, retry_seconds=0.0)
    assert await record(tenant, "one", failed) == 1
    [message] = await claim(tenant, "one")
    assert (message.attempt, message.attempt_in_round) == (5, 2)


async def test_what_is_recorded_again_after_a_doubtful_commit_is_kept_once(tenant: Tenant) -> None:
    await tenant.create()
    [message] = await claim(tenant, "one")
    failed = finished(message, is_delivered=False, retry_seconds=300.0, outcome="rejected")
    assert await record(tenant, "one", failed) == 1
    assert await record(tenant, "one", failed, again=True) == 0
    [attempt] = await attempts(tenant)
    assert attempt["duration_ms"] == 1500
    [stored] = await messages(tenant)
    assert 200 < stored["due_in"] <= 300


async def test_what_is_recorded_again_hides_no_other_attempt(tenant: Tenant) -> None:
    """Only the same attempt at the same message by the same worker was perhaps kept before."""
    await tenant.create()
    await tenant.create()
    one, other = await claim(tenant, "one")
    fails: dict[str, Any] = {"is_delivered": False, "retry_seconds": 0.0}
    await record(tenant, "one", finished(one, **fails))
    await record(tenant, "one", finished(other, **fails), again=True)
    await record(tenant, "late", finished(one, **fails), again=True)
    second = next(each for each in await claim(tenant, "one") if each.id == one.id)
    await record(tenant, "one", finished(second), again=True)
    kept = {
        (each["message_id"], each["attempt"], each["worker"]) for each in await attempts(tenant)
    }
    assert kept == {
        (one.id, 1, "one"),
        (other.id, 1, "one"),
        (one.id, 1, "late"),
        (one.id, 2, "one"),
    }


async def test_what_is_given_back_is_as_if_it_had_not_been_claimed(tenant: Tenant) -> None:
    await tenant.create()
    [message] = await claim(tenant, "one")
    async with tenant.platform.pool.acquire() as connection:
        await outbox.release(connection, [message], worker="other")
        elsewhere = message._replace(scope=message.scope._replace(account_id=uuid4()))
        await outbox.release(connection, [elsewhere], worker="one")
        assert await claim(tenant, "other") == []
        await outbox.release(connection, [message], worker="one")
    [again] = await claim(tenant, "other")
    assert (again.attempt, again.attempt_in_round) == (1, 1)


async def test_an_endpoint_gives_no_more_than_its_room(tenant: Tenant) -> None:
    other = await new_tenant(tenant.platform, Mode.LIVE)
    await listen_at(other, "http://127.0.0.1:9/")
    for _ in range(5):
        await tenant.create()
        await other.create()
    crowded = (await messages(tenant))[0]["endpoint_id"]
    taken = await claim(tenant, "one", rooms={crowded: 0}, room=3)
    assert [message.scope for message in taken] == [other.scope] * 3
    taken = await claim(tenant, "one", rooms={crowded: 2}, room=0)
    assert len(taken) == 2


async def test_a_message_that_another_worker_is_claiming_is_passed_over(tenant: Tenant) -> None:
    await tenant.create()
    await tenant.create()
    ids = [message["id"] for message in await messages(tenant)]
    async with tenant.platform.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from messages where id = $1 for update", ids[0])
        assert [message.id for message in await claim(tenant, "one")] == ids[1:]


async def test_a_survey_tells_when_each_endpoint_has_something_due(tenant: Tenant) -> None:
    other = await new_tenant(tenant.platform, Mode.LIVE)
    await listen_at(other, "http://127.0.0.1:9/")
    async with tenant.platform.pool.acquire() as connection:
        assert await survey.survey(connection) == ([], 0.0)
        await tenant.create()
        await other.create()
        await connection.execute("update messages set due_at = now() + interval '50 seconds'")
        await connection.execute(
            "update messages set due_at = now() - interval '20 seconds' where account_id = $1",
            other.scope.account_id,
        )
        waiting, oldest = await survey.survey(connection)
        assert await survey.count(connection) == (2, 0)
    assert 20 <= oldest < 60
    found = {each.account_id: each.due_in_seconds for each in waiting}
    assert 40 < found[tenant.scope.account_id] <= 50
    assert -60 < found[other.scope.account_id] <= -20


async def test_an_account_has_a_bounded_number_of_endpoints(tenant: Tenant) -> None:
    for number in range(MOST_ENDPOINTS - 1):  # and the default one
        await listen_at(tenant, None, f"number-{number}")
    with pytest.raises(AccountRefusedError):
        await listen_at(tenant, None, "one-more")
    await listen_at(tenant, "http://127.0.0.1:10/", "number-1")


async def test_a_claim_finds_its_way_by_the_index_alone(tenant: Tenant) -> None:
    """Whatever the planner believes: no statement of the worker may read a whole table."""
    await tenant.create()
    pool: asyncpg.Pool[asyncpg.Record] = tenant.platform.pool
    await pool.execute(
        "insert into messages (account_id, id, endpoint_id, delivery_id, seq, state, due_at)"
        " select account_id, gen_random_uuid(), endpoint_id, delivery_id, seq, 'delivered', due_at"
        " from messages cross join generate_series(1, 20000)"
    )
    await pool.execute("analyze messages")
    async with pool.acquire() as connection:
        before = await _whole_reads(connection)
    for _ in range(8):  # beyond the fifth execution a generic plan may be chosen
        [message] = await claim(tenant, "one", rooms={uuid4(): 5})
        failed = finished(message, is_delivered=False, retry_seconds=0.0, tells=False)
        assert await record(tenant, "one", failed) == 1
    async with pool.acquire() as connection:
        assert await _whole_reads(connection) == before


async def _whole_reads(connection: Any) -> dict[str, int]:
    await connection.execute("select pg_stat_force_next_flush()")
    found = await connection.fetch(
        "select relname, seq_scan from pg_stat_user_tables where relname = any($1)",
        ["messages", "events", "deliveries"],
    )
    return {row["relname"]: row["seq_scan"] for row in found}

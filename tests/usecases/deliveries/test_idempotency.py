"""How long an answer is kept, whatever happens meanwhile: midnight, expiry, a crash."""

import asyncio

import asyncpg
import pytest

from estafette.core.errors import Unavailable
from estafette.store.deliveries.idempotency import lock_number
from estafette.usecases.accounts.authenticate import was_answered
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Idempotency
from tests.usecases.stage import Tenant, id_in, platform_over

_WAITING = (
    "from pg_locks join pg_database on pg_database.oid = database"
    " where datname = current_database() and locktype = 'advisory' and not granted"
)


async def keep(tenant: Tenant, key: Idempotency, age: str) -> None:
    """Puts an answer into the table that was given `age` ago."""
    await tenant.platform.pool.execute(
        "insert into idempotency"
        " (account_id, mode, endpoint, key, fingerprint, status, body, created_at)"
        " values ($1, $2, $3, $4, $5, 201, 'earlier', now() - $6::text::interval)",
        tenant.account.id,
        tenant.mode,
        key.key.endpoint,
        key.key.key,
        key.fingerprint,
        age,
    )


def number_of(tenant: Tenant, key: Idempotency) -> int:
    """The number of the advisory lock on a key."""
    return lock_number(*tenant.scope, key.key.endpoint, key.key.key)


@pytest.mark.parametrize("age", ["1 second", "12 hours", "23 hours 59 minutes"])
async def test_an_answer_of_the_last_24_hours_is_repeated_over_midnight(
    tenant: Tenant, age: str
) -> None:
    key = tenant.key("k")
    await keep(tenant, key, age)
    answer = await tenant.creator.create(tenant.order(idempotency=key))
    assert answer.replayed
    assert answer.reply.body == b"earlier"
    assert await tenant.count("deliveries") == 0


@pytest.mark.parametrize("age", ["24 hours", "24 hours 1 second", "3 days"])
async def test_a_key_is_new_again_after_24_hours(tenant: Tenant, age: str) -> None:
    key = tenant.key("k")
    await keep(tenant, key, age)
    assert not await was_answered(tenant.platform, key.key)
    first = await tenant.creator.create(tenant.order(idempotency=key))
    again = await tenant.creator.create(tenant.order(idempotency=key))
    assert not first.replayed
    assert again.replayed
    assert again.reply == first.reply
    assert await was_answered(tenant.platform, key.key)


async def test_keys_of_today_and_tomorrow_live_in_partitions_of_their_own(tenant: Tenant) -> None:
    await keep(tenant, tenant.key("today"), "0 seconds")
    await keep(tenant, tenant.key("tomorrow"), "-24 hours")
    await keep(tenant, tenant.key("long ago"), "3 days")
    found = await tenant.platform.pool.fetch(
        "select key, tableoid::regclass::text as part from idempotency where account_id = $1",
        tenant.account.id,
    )
    parts = {row["key"]: row["part"] for row in found}
    assert len(set(parts.values())) == 3
    assert parts["long ago"] == "idempotency_default"
    assert "default" not in parts["today"] + parts["tomorrow"]


async def test_a_connection_lost_inside_the_transaction_leaves_neither_delivery_nor_key(
    tenant: Tenant,
) -> None:
    key = tenant.key("k")
    pool = tenant.platform.pool
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute("select pg_advisory_xact_lock($1)", number_of(tenant, key))
        create = asyncio.create_task(tenant.creator.create(tenant.order(idempotency=key)))
        await wait_for_lock(holder)
        await holder.execute(f"select pg_terminate_backend(pid) {_WAITING}")
        with pytest.raises(Unavailable):
            await create
    assert await tenant.count("deliveries") == await tenant.count("idempotency") == 0
    assert not (await tenant.creator.create(tenant.order(idempotency=key))).replayed


async def test_a_process_that_dies_between_write_and_reply_leaves_an_answer_to_repeat(
    tenant: Tenant, postgres_dsn: str
) -> None:
    key = tenant.key("k")
    async with platform_over(postgres_dsn) as dying:
        create = asyncio.create_task(Creator(dying).create(tenant.order(idempotency=key)))
        while not await tenant.count("idempotency"):
            pass
        create.cancel()  # nobody hears the answer
        await asyncio.wait([create])
    again = await tenant.creator.create(tenant.order(idempotency=key))
    assert again.replayed
    assert (await tenant.delivery(id_in(again))).id == id_in(again)
    assert await tenant.count("deliveries") == 1


async def test_a_duplicate_waits_for_the_first_and_repeats_its_answer(tenant: Tenant) -> None:
    key = tenant.key("k")
    elsewhere = Creator(tenant.platform)
    async with tenant.platform.pool.acquire() as holder:
        async with holder.transaction():
            await holder.execute("select pg_advisory_xact_lock($1)", number_of(tenant, key))
            order = tenant.order(idempotency=key)
            creates = [
                asyncio.create_task(creator.create(order))
                for creator in (tenant.creator, elsewhere)
            ]
            await wait_for_lock(holder, waiting=2)
        answers = await asyncio.gather(*creates)
    assert sorted(answer.replayed for answer in answers) == [False, True]
    assert answers[0].reply == answers[1].reply


async def wait_for_lock(connection: asyncpg.pool.PoolConnectionProxy, waiting: int = 1) -> None:
    """Until that many transactions wait for an advisory lock."""
    while await connection.fetchval(f"select count(*) {_WAITING}") < waiting:
        pass

"""How long an answer is kept, whatever happens meanwhile: midnight, expiry, a crash."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from estafette.core.errors import Unavailable
from estafette.store.deliveries.idempotency import lock_number
from estafette.usecases.accounts.authenticate import was_answered
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Idempotency
from tests.rows import database, tables
from tests.usecases.stage import Tenant, id_in, platform_over

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


async def keep(tenant: Tenant, key: Idempotency, age: timedelta) -> None:
    """Puts an answer into the table that was given `age` ago."""
    asked = {"endpoint": key.key.endpoint, "key": key.key.key, "fingerprint": key.fingerprint}
    answer = {"status": 201, "body": b"earlier", "created_at": -age}
    await tables.add(
        tenant.platform.pool, "idempotency", **tenant.scope._asdict(), **asked, **answer
    )


def number_of(tenant: Tenant, key: Idempotency) -> int:
    """The number of the advisory lock on a key."""
    return lock_number(*tenant.scope, key.key.endpoint, key.key.key)


@pytest.mark.parametrize("age", [SECOND, 12 * HOUR, DAY - 60 * SECOND])
async def test_an_answer_of_the_last_24_hours_is_repeated_over_midnight(
    tenant: Tenant, age: timedelta
) -> None:
    key = tenant.key("k")
    await keep(tenant, key, age)
    answer = await tenant.creator.create(tenant.order(idempotency=key))
    assert answer.replayed
    assert answer.reply.body == b"earlier"
    assert await tenant.count("deliveries") == 0


@pytest.mark.parametrize("age", [DAY, DAY + SECOND, 3 * DAY])
async def test_a_key_is_new_again_after_24_hours(tenant: Tenant, age: timedelta) -> None:
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
    await keep(tenant, tenant.key("today"), 0 * DAY)
    await keep(tenant, tenant.key("tomorrow"), -DAY)
    await keep(tenant, tenant.key("long ago"), 3 * DAY)
    pool, mine = tenant.platform.pool, {"account_id": tenant.account.id}
    kept = await tables.values(pool, "idempotency", "key", mine, order="key")
    places = await tables.partitions(pool, "idempotency", mine, order="key")
    parts = dict(zip(kept, places, strict=True))
    assert len(set(parts.values())) == 3
    assert parts["long ago"] == "idempotency_default"
    assert "default" not in parts["today"] + parts["tomorrow"]


async def test_a_connection_lost_inside_the_transaction_leaves_neither_delivery_nor_key(
    tenant: Tenant,
) -> None:
    key = tenant.key("k")
    pool = tenant.platform.pool
    async with pool.acquire() as holder, holder.transaction():
        await database.lock_number(holder, number_of(tenant, key))
        create = asyncio.create_task(tenant.creator.create(tenant.order(idempotency=key)))
        await wait_for_lock(holder)
        for pid in await database.waiting_for_numbers(holder):
            await database.end_session(holder, pid)
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
            await database.lock_number(holder, number_of(tenant, key))
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
    while len(await database.waiting_for_numbers(connection)) < waiting:
        pass

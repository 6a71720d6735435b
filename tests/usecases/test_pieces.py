"""What is read or removed in pieces: each row once, whatever the size of a piece."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from estafette.core.accounts.account import Scope
from estafette.core.ids import new_id
from estafette.store import ends
from estafette.store.deliveries import personal_data, phone_index
from estafette.store.deliveries import table as deliveries
from estafette.store.sandbox import plans
from estafette.store.webhooks import endpoints as endpoints_table
from estafette.store.webhooks import messages
from estafette.store.webhooks.endpoints import SealedEndpoint
from estafette.usecases.accounts.secret_key import START, RowPosition
from tests.rows import tables
from tests.usecases.stage import Tenant, new_tenant, platform_over

FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


@pytest.fixture
async def tenant(fresh_database: str) -> AsyncIterator[Tenant]:
    """An account alone in its database, with five deliveries."""
    async with platform_over(fresh_database) as platform:
        tenant = await new_tenant(platform)
        for _ in range(5):
            await tenant.create()
        yield tenant


@pytest.fixture
async def connection(tenant: Tenant) -> AsyncIterator[Any]:
    async with tenant.platform.pool.acquire() as connection:
        yield connection


async def ids(tenant: Tenant) -> list[UUID]:
    """The account's deliveries in the order of time."""
    pool, mine = tenant.platform.pool, {"account_id": tenant.account.id}
    return await tables.values(pool, "deliveries", "id", mine, order="id")


async def test_the_phones_of_deliveries(tenant: Tenant, connection: Any) -> None:
    (stop, *_) = await tables.values(tenant.platform.pool, "deliveries", "pickup")
    pickup: dict[str, Any] = {**json.loads(stop), "phone_e164": "+77011111111"}
    await tables.change(tenant.platform.pool, "deliveries", pickup=pickup)
    other = await new_tenant(tenant.platform)
    await other.create()
    found: list[UUID] = []
    after, before = FIRST, (await ids(tenant))[-1]
    while page := await deliveries.phones_after(connection, tenant.account.id, after, before, 2):
        assert {phones.phones for phones in page} == {frozenset({"+77011111111"})}
        found += [phones.delivery_id for phones in page]
        after = page[-1].delivery_id
    assert found == (await ids(tenant))[:-1]


async def test_the_ids_of_deliveries(tenant: Tenant, connection: Any) -> None:
    await (await new_tenant(tenant.platform)).create()
    found: list[UUID] = []
    after, before = FIRST, (await ids(tenant))[-1]
    while page := await deliveries.ids_after(connection, tenant.account.id, after, before, 2):
        found += page
        after = page[-1]
    assert found == (await ids(tenant))[:-1]


async def test_what_names_a_phone(tenant: Tenant, connection: Any) -> None:
    mine = await ids(tenant)
    theirs = sorted(new_id() for _ in range(3))
    other = new_id()
    await phone_index.insert(
        connection,
        [personal_data.Indexed(7, tenant.account.id, id) for id in mine]
        + [personal_data.Indexed(7, other, id) for id in theirs]
        + [personal_data.Indexed(8, other, theirs[0])],
    )
    for account, expected in (
        (tenant.account.id, mine),
        (other, theirs),
        (None, [*mine, *theirs]),
    ):
        found: list[UUID] = []
        after = (FIRST, FIRST)
        while page := await phone_index.naming(connection, 7, account, after, 2):
            found += [id for _, id in page]
            after = page[-1]
        assert found == expected


async def test_what_is_to_be_erased_later(tenant: Tenant, connection: Any) -> None:
    """When it has ended for long enough or, where that was asked for, as soon as it has ended."""
    wanted = [(tenant.account.id, id) for id in await ids(tenant)]
    under_way, lately, long_ago, asked, erased = (id for _, id in wanted)
    await tables.change(connection, "deliveries", {"id": erased}, erased_at=timedelta())
    await personal_data.put_off(connection, wanted, on_request=False)
    await personal_data.put_off(connection, [(tenant.account.id, asked)], on_request=True)
    await personal_data.put_off(connection, [(tenant.account.id, asked)], on_request=False)
    assert await tenant.count("erasures_due") == 4
    for days, id in ((1, lately), (9, long_ago), (1, asked)):
        ended = {"status": "delivered", "updated_at": timedelta(days=-days)}
        await tables.change(connection, "deliveries", {"id": id}, **ended)
    before = await tables.now(connection) - timedelta(days=2)

    async def due(after: UUID, limit: int = 9) -> list[UUID]:
        return await personal_data.due(connection, tenant.account.id, after, before, limit)

    assert await due(FIRST) == [long_ago, asked]
    assert await due(FIRST, 1) == [long_ago]
    assert await due(long_ago) == [asked]
    async with connection.transaction():
        locked = await deliveries.lock_ended(connection, wanted, before)
        assert [delivery.id for delivery in locked] == [long_ago]
        now = await tables.now(connection)
        locked = await deliveries.lock_ended(connection, wanted, now)
        assert {delivery.id for delivery in locked} == {lately, long_ago, asked}
    assert under_way not in await due(FIRST)


async def test_what_is_stored_encrypted(tenant: Tenant, connection: Any) -> None:
    for name in ("one", "two", "three", "four", "five"):
        await tenant.set_endpoint(name)
    endpoints: list[UUID] = []
    after = START
    while page := await endpoints_table.sealed(connection, after, 2):
        endpoints += [one.id for one in page]
        after = (page[-1].account_id, page[-1].id)
    assert len(set(endpoints)) == len(endpoints) == 5
    changed = SealedEndpoint(tenant.account.id, endpoints[0], b"new", b"next", None)
    await endpoints_table.write_sealed(connection, [changed])
    assert await tables.value(connection, "endpoints", "id", {"secret": b"new"}) == endpoints[0]
    mine = await ids(tenant)
    stored = ['{"method": "prepaid", "pin": "1"}', '{"method": "prepaid", "sealed_pin": "s"}']
    for number, id in enumerate(mine):
        terms = (*stored, None)[number % 3]
        await tables.change(connection, "deliveries", {"id": id}, terms=terms)
    pins: list[UUID] = []
    place: RowPosition | None = START
    while place is not None:
        found, place = await deliveries.pins(connection, place, 2)
        pins += [one.id for one in found]
    assert pins == [id for number, id in enumerate(mine) if number % 3 != 2]


async def test_what_is_over_is_removed(tenant: Tenant, connection: Any) -> None:
    other = await new_tenant(tenant.platform)
    theirs = await other.create()
    await tables.change(connection, "deliveries", status="delivered")
    await tables.change(connection, "sandbox_runs", due_at=None)
    now = await tables.now(connection)
    over = (now + timedelta(minutes=1), now + timedelta(minutes=1))
    removed: list[int] = []
    after = FIRST
    while True:
        done = await ends.step(connection, plans.ENDING, tenant.account.id, after, LAST, over, 2)
        removed.append(done.removed)
        if done.after is None:
            break
        after = done.after
    assert (sum(removed), max(removed)) == (5, 3)
    assert await tenant.count("sandbox_runs") == 0
    assert await sandbox_run(connection, other.scope, theirs)


async def sandbox_run(connection: Any, scope: Scope, id: UUID) -> bool:
    where = {"account_id": scope.account_id, "delivery_id": id}
    return await tables.count(connection, "sandbox_runs", where) == 1


async def test_tests_that_are_over_are_removed_no_more_at_a_time_than_told(
    tenant: Tenant, connection: asyncpg.Connection
) -> None:
    for state in ("delivered", "delivered", "delivered", "pending", "dead"):
        test = {"account_id": tenant.account.id, "id": new_id(), "endpoint_id": new_id()}
        await tables.add(connection, "messages", **test, state=state, due_at=timedelta())
    now = await tables.now(connection)
    over = (now + timedelta(minutes=1), now - timedelta(days=1))
    assert await messages.remove_tests(connection, new_id(), over, 2) == 0
    for removed in (2, 1, 0):
        assert await messages.remove_tests(connection, tenant.account.id, over, 2) == removed
    assert await tenant.count("messages") == 2


async def test_what_was_done_is_summed_up(connection: Any) -> None:
    await ends.note(connection, "things", 3, completed=True)
    await ends.note(connection, "things", 4, completed=False)
    [done] = [one for one in await ends.done(connection) if one.name == "things"]
    assert done.removed == 7
    assert done.completed_at is not None

"""What a process remembers of its configuration, and when it forgets."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estafette.core.accounts.account import Credential, KeyKind, Mode
from estafette.core.ids import new_id
from estafette.store import signals
from estafette.store.accounts import keys
from estafette.store.accounts.keys import ApiKey
from estafette.store.quotes import catalog
from estafette.usecases.accounts.authenticate import authenticate, authenticate_any
from estafette.usecases.accounts.keys import disable_key
from estafette.usecases.accounts.secrets import key_hash
from estafette.usecases.catalog import Catalog
from tests.rows import database, tables
from tests.usecases.stage import Tenant, add_key

_LONGEST = 60


class Heard:
    """Counts signals, so that a test can await the next one."""

    def __init__(self, forward: Callable[[], None]) -> None:
        self._forward = forward
        self._signal = asyncio.Event()
        self.connected = asyncio.Event()

    def on_signal(self) -> None:
        self._forward()
        self._signal.set()

    def on_connection(self, heard: bool) -> None:
        self.connected.set() if heard else self.connected.clear()

    async def after(self, change: asyncio.Future[Any] | None = None) -> None:
        self._signal.clear()
        if change is not None:
            await change
        await asyncio.wait_for(self._signal.wait(), _LONGEST)


@asynccontextmanager
async def listening(dsn: str, remembering: Catalog) -> AsyncGenerator[Heard]:
    """Forgets in `remembering` what changes, as a server does."""
    heard = Heard(remembering.forget)

    def on_connection(connected: bool) -> None:
        remembering.trust(connected)
        heard.on_connection(connected)

    task = asyncio.create_task(
        signals.listen(dsn, {signals.CONFIGURATION: heard.on_signal}, on_connection)
    )
    try:
        await asyncio.wait_for(heard.connected.wait(), _LONGEST)
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def recognised(tenant: Tenant) -> Credential:
    credential = await authenticate(tenant.platform, tenant.keys[Mode.SANDBOX], "kaspi")
    assert credential is not None
    return credential


async def test_a_key_tells_account_and_mode(tenant: Tenant) -> None:
    for mode in Mode:
        credential = await authenticate(tenant.platform, tenant.keys[mode], "kaspi")
        assert credential is not None
        assert (credential.account, credential.mode) == (tenant.account, mode)


@pytest.mark.parametrize("key", ["", "k_", "x" * 10_000, "ключ", "\x00", "\ud800"])
async def test_an_unknown_key_is_nobodys(tenant: Tenant, key: str) -> None:
    assert await authenticate(tenant.platform, key, "kaspi") is None


async def test_a_key_of_another_dialect_is_nobodys(tenant: Tenant) -> None:
    assert await authenticate(tenant.platform, tenant.keys[Mode.LIVE], "entrega") is None


async def test_a_disabled_key_is_noticed_although_it_was_remembered(
    tenant: Tenant, postgres_dsn: str
) -> None:
    async with listening(postgres_dsn, tenant.platform.catalog) as heard:
        credential = await recognised(tenant)
        assert await recognised(tenant) is credential  # remembered
        change = disable_key(tenant.platform, tenant.account, str(credential.key_id))
        await heard.after(asyncio.ensure_future(change))
        assert (await recognised(tenant)).disabled
        assert await authenticate_any(tenant.platform, tenant.keys[Mode.SANDBOX]) is None


async def test_nothing_is_remembered_while_changes_cannot_be_heard(tenant: Tenant) -> None:
    tenant.platform.catalog.trust(False)
    first = await recognised(tenant)
    await disable_key(tenant.platform, tenant.account, str(first.key_id))
    assert (await recognised(tenant)).disabled


async def test_a_lost_listener_connects_again_and_forgets(
    tenant: Tenant, postgres_dsn: str
) -> None:
    async with listening(postgres_dsn, tenant.platform.catalog) as heard:
        credential = await recognised(tenant)
        async with tenant.platform.pool.acquire() as connection:
            await database.end_listening(connection)
        change = disable_key(tenant.platform, tenant.account, str(credential.key_id))
        await heard.after(asyncio.ensure_future(change))
        await asyncio.wait_for(heard.connected.wait(), _LONGEST)
        assert (await recognised(tenant)).disabled


async def test_a_new_key_works_at_once(tenant: Tenant) -> None:
    async with tenant.platform.pool.acquire() as connection:
        key = await add_key(connection, tenant.account, Mode.SANDBOX)
    assert await authenticate(tenant.platform, key, "kaspi")


async def test_new_prices_are_noticed(fresh_database: str, tenant: Tenant) -> None:
    from estafette.seeds.tariffs import tariffs_of
    from tests.usecases.stage import platform_over

    async with (
        platform_over(fresh_database) as platform,
        listening(fresh_database, platform.catalog) as heard,
    ):
        before = await platform.catalog.prices("KZ")
        assert await platform.catalog.prices("KZ") is before
        async with platform.pool.acquire() as connection:
            change = catalog.replace_tariffs(connection, "KZ", tariffs_of("KZ"))
            await heard.after(asyncio.ensure_future(change))
        assert await platform.catalog.prices("KZ") is not before


_READINGS: dict[str, Callable[[Catalog, Tenant], Awaitable[object]]] = {
    "api_keys": lambda known, tenant: known.credential(key_hash(tenant.keys[Mode.SANDBOX])),
    "tariffs": lambda known, _: known.prices("KZ"),
    "companies": lambda known, _: known.companies("KZ"),
    "accounts": lambda known, _: known.origins("kaspi"),
    "company_links": lambda known, _: known.links(),
}
"""What is remembered, by a table that is read for it."""


def _is_remembered(first: object, second: object) -> bool:
    """Whether what was given is one thing; empty tuples are always one."""
    assert first != ()
    return first is second


@pytest.mark.parametrize("table", _READINGS)
async def test_what_changes_while_it_is_being_read_is_not_remembered(
    tenant: Tenant, table: str
) -> None:
    known, read = tenant.platform.catalog, _READINGS[table]
    where, origins = {"id": tenant.account.id}, ["https://shop.example"]
    await tables.change(tenant.platform.pool, "accounts", where, origins=origins)
    async with tenant.platform.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await database.lock_table(connection, table)
        reading = asyncio.ensure_future(read(known, tenant))
        async with asyncio.timeout(_LONGEST):
            while not await database.is_waited_for(connection, table):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.01)
        known.forget()  # what a server does when it hears of a change
        await transaction.rollback()
    old = await reading
    new = await read(known, tenant)
    assert not _is_remembered(old, new)
    assert _is_remembered(new, await read(known, tenant))


@pytest.mark.parametrize("table", _READINGS)
async def test_what_is_read_while_changes_cannot_be_heard_is_not_remembered(
    tenant: Tenant, table: str
) -> None:
    known, read = tenant.platform.catalog, _READINGS[table]
    where, origins = {"id": tenant.account.id}, ["https://shop.example"]
    await tables.change(tenant.platform.pool, "accounts", where, origins=origins)
    known.trust(False)
    assert not _is_remembered(await read(known, tenant), await read(known, tenant))


class _Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


async def _add(tenant: Tenant, hash: bytes) -> None:
    """Writes a key of which only this process's memory does not know."""
    key = ApiKey(
        account_id=tenant.account.id,
        id=new_id(),
        mode=Mode.LIVE,
        kind=KeyKind.SECRET,
        hint="abcd",
        created_at=datetime.now(UTC),
        acts=KeyKind.SECRET.acts,
    )
    async with tenant.platform.pool.acquire() as connection:
        await keys.insert(connection, key, hash)


async def test_what_is_no_key_is_remembered_for_half_a_minute_or_until_a_change(
    tenant: Tenant,
) -> None:
    clock = _Clock()
    known = Catalog(tenant.platform.pool, clock=clock)
    known.trust(True)
    first, second = (key_hash(f"{tenant.account.id}{number}") for number in range(2))
    for hash in (first, second):
        assert await known.credential(hash) is None
        await _add(tenant, hash)
        assert await known.credential(hash) is None
        if hash == first:
            clock.seconds += 29.5
            assert await known.credential(hash) is None
            clock.seconds += 1
        else:
            known.forget()
        assert await known.credential(hash) is not None


async def test_however_many_wrong_keys_are_tried_few_are_remembered(tenant: Tenant) -> None:
    known = Catalog(tenant.platform.pool)
    known.trust(True)
    hashes = [key_hash(f"{tenant.account.id}{number}") for number in range(10_001)]
    for hash in (hashes[0], hashes[-1]):  # one is the first to be tried, one the last
        if hash == hashes[-1]:
            await asyncio.gather(*map(known.credential, hashes[1:]))
        assert await known.credential(hash) is None
        await _add(tenant, hash)
    assert await known.credential(hashes[-1]) is None
    assert await known.credential(hashes[0]) is not None


async def test_a_key_is_good_until_its_time_is_over(tenant: Tenant) -> None:
    key = tenant.keys[Mode.SANDBOX]
    minute, second, day = timedelta(minutes=1), timedelta(seconds=1), timedelta(days=1)
    for by, is_good in ((minute, True), (-second, False), (-day, False)):
        where = {"hash": key_hash(key)}
        await tables.change(tenant.platform.pool, "api_keys", where, expires_at=by)
        tenant.platform.catalog.forget()
        assert (await authenticate(tenant.platform, key, "kaspi") is not None) == is_good

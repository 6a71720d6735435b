"""What a process remembers of its configuration, and when it forgets."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from estafette.core.account import Credential, Mode
from estafette.store import catalog, signals
from estafette.usecases.authenticate import authenticate, authenticate_any
from estafette.usecases.catalog import Catalog
from estafette.usecases.keys import disable_key
from tests.usecases.stage import Tenant, add_key

_LONGEST = 20


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
        signals.listen(dsn, signals.CONFIGURATION, heard.on_signal, on_connection)
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
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and query ilike 'listen%'"
            )
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

"""Whether a process can work with its database."""

import json
from collections.abc import AsyncIterator

import pytest

from estafette.core.accounts.account import Mode
from estafette.store.migrate import migrations
from estafette.usecases.accounts.secrets import WrongSecretKeyError, new_cipher_key
from estafette.usecases.deliveries.inspect import inspect_database
from estafette.usecases.platform import Platform
from estafette.usecases.ready import (
    OLDEST_POSTGRES,
    NotReadyError,
    accept_secret_key,
    is_ready,
    must_be_fit,
    reads_secrets,
    refuse_old_postgres,
)
from estafette.usecases.webhooks.endpoints import set_endpoint
from tests.rows import database, tables
from tests.usecases.stage import new_tenant, platform_over


@pytest.fixture
async def platform(fresh_database: str) -> AsyncIterator[Platform]:
    async with platform_over(fresh_database) as platform:
        yield platform


async def test_a_database_of_this_version_is_fit_and_says_where_it_is(platform: Platform) -> None:
    assert await is_ready(platform)
    found = await must_be_fit(platform)
    name, version = await database.name_and_version(platform.pool)
    assert found.version == version
    assert found.place.startswith(f"{name} at ")
    assert found.newer_migrations == []
    seen = await inspect_database(platform)
    assert ".".join(map(str, seen.version)) == found.version
    assert 0 < seen.answer_seconds < 60
    assert abs(seen.clock_ahead_seconds) < 60
    assert (seen.pending_migrations, seen.newer_migrations) == ([], [])


async def test_an_older_database_is_not_fit_and_a_newer_one_is(platform: Platform) -> None:
    await tables.add(platform.pool, "migrations", name="9999_of_tomorrow")
    assert await is_ready(platform)
    assert (await must_be_fit(platform)).newer_migrations == ["9999_of_tomorrow"]
    last = migrations()[-1][0]
    await tables.remove(platform.pool, "migrations", {"name": last})
    assert not await is_ready(platform)
    with pytest.raises(NotReadyError, match="of an older version: run `estafette migrate`"):
        await must_be_fit(platform)
    seen = await inspect_database(platform)
    assert (seen.pending_migrations, seen.newer_migrations) == ([last], ["9999_of_tomorrow"])


def test_an_old_postgresql_is_refused() -> None:
    refuse_old_postgres(OLDEST_POSTGRES)
    with pytest.raises(NotReadyError, match=f"is PostgreSQL {OLDEST_POSTGRES - 1}: move it to"):
        refuse_old_postgres(OLDEST_POSTGRES - 1)


async def test_a_key_that_reads_nothing_is_known_by_what_is_stored(
    platform: Platform, fresh_database: str
) -> None:
    tenant = await new_tenant(platform, Mode.LIVE)
    await set_endpoint(platform, tenant.scope, "https://hooks.example/")
    async with platform_over(fresh_database, key=new_cipher_key()) as other:
        assert not await reads_secrets(other)  # by the endpoint's secret: nothing else is there
        assert await reads_secrets(platform)
        assert await tables.count(platform.pool, "data_keys") == 0  # a look writes nothing
        await must_be_fit(platform)
        assert await reads_secrets(platform)
        assert not await reads_secrets(other)
        with pytest.raises(WrongSecretKeyError):
            await must_be_fit(other)
        assert not await accept_secret_key(platform)
        assert await accept_secret_key(other)
        assert not await accept_secret_key(other)
        await must_be_fit(other)
        assert not await reads_secrets(platform)
    accepted = {"act": "secret_key.accepted"}
    changes = await tables.value(platform.pool, "audit", "changes", accepted)
    assert json.loads(changes)["key"] == other.cipher.key_id

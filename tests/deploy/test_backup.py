"""The commands of docs/operations.md bring everything back."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.up.postgres import EmbeddedPostgres
from estafette.usecases.accounts.administration import create_account, find_account
from estafette.usecases.seed import prepare_database
from estafette.usecases.webhooks.endpoints import list_endpoints, set_endpoint
from tests.deploy.conftest import ROOT
from tests.folders import own_folder
from tests.processes import platform_over
from tests.rows import database

URL = "https://magnum.example/hooks"


def _command(beginning: str) -> str:
    """The commands of the documentation that begin so."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    (found,) = (
        each for each in re.findall(r"(?s)```sh\n(.*?)```", text) if each.startswith(beginning)
    )
    return found


def _run(command: str, folder: Path, server: EmbeddedPostgres, dsn: str) -> None:
    done = subprocess.run(
        ["sh", "-euc", command],
        cwd=folder,
        env={**os.environ, "PG": str(server.bin_dir), "DSN": dsn},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in done.stderr.lower()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may pass, which pytest's are not."""
    with own_folder() as folder:
        yield folder


async def _secret(dsn: str) -> str:
    """The webhook secret of the account, which its key opens."""
    async with platform_over(dsn) as platform:
        account_id = (await find_account(platform, "magnum")).id
        (found,) = (each for each in await list_endpoints(platform, account_id) if each.url == URL)
        return found.secret


async def _restored(data_dir: Path, folder: Path | None = None) -> str:
    """The secret as a server over these files knows it; with a folder, once its dump is in."""
    server = EmbeddedPostgres(data_dir, durable=False)
    try:
        dsn = server.start()
        if folder is not None:
            await prepare_database(dsn)  # as `up` has done when it is ready
            _run(_command('"$PG/pg_restore"'), folder, server, dsn)
        return await _secret(dsn)
    finally:
        server.stop()


async def test_a_dump_and_a_base_backup_bring_back_accounts_and_secrets(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "first", durable=False)
    try:
        dsn = server.start()
        await prepare_database(dsn)
        async with platform_over(dsn) as platform:
            account, _ = await create_account(platform, "magnum", "KZ")
            endpoint = await set_endpoint(platform, Scope(account.id, Mode.LIVE), URL)
        _run(_command('"$PG/pg_dump"'), folder, server, dsn)
        copied = folder / "second" / "postgres"
        shutil.copytree(folder / "estafette.base", copied)
        # the first server still runs, and its locks have come with the files
        assert await _restored(copied.parent) == endpoint.secret
        assert await _restored(folder / "third", folder) == endpoint.secret
    finally:
        server.stop()


async def test_the_role_of_a_version_before_may_replicate_from_the_next_start_on(
    folder: Path,
) -> None:
    server = EmbeddedPostgres(folder / "data", durable=False)
    try:
        server.start()
        connection = await asyncpg.connect(server.admin_dsn)
        await database.forbid_replication(connection)
        await connection.close()
        server.stop()
        server.start()
        connection = await asyncpg.connect(server.admin_dsn)
        assert await database.may_replicate(connection)
        await connection.close()
    finally:
        server.stop()

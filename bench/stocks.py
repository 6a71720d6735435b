"""Databases with a history (`bench.history`): made once, kept in `bench/data`, started for a while.

A kept one is used again as long as its history still ends about now; later it is made anew, for
the worker would otherwise find weeks of it to clear away.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from bench.history import LARGE_AO, LARGE_KZ, SMALL_AO, Shape, load
from bench.plan import Plan, say
from bench.process import BenchError
from bench.stage import Stage
from estafette.app import open_platform
from estafette.core.accounts.account import Account, Mode, Scope
from estafette.settings import Settings
from estafette.store.accounts import table as accounts
from estafette.up.postgres import EmbeddedPostgres
from estafette.usecases.accounts.keys import issue
from estafette.usecases.accounts.secrets import new_cipher_key
from estafette.usecases.seed import prepare_database

FOLDER = Path(__file__).parent / "data"

_MARK = "made.json"  # a folder without it, or with one of another shape, is made anew
_GOOD_FOR = timedelta(days=3)
_BYTES_EACH = 3_600  # of disk, for a delivery and all that goes with it
_SPARE_BYTES = 4 << 30  # of the journal while it is made, and of what a machine needs to live
_LOAD = {
    "maintenance_work_mem": "768MB",
    "max_wal_size": "4GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "512MB",
    "autovacuum": "off",
}


@dataclass(frozen=True)
class Tenant:
    """An account of the history, how many deliveries it has, and a new secret key to them."""

    account: Account
    count: int
    api_key: str

    @property
    def scope(self) -> Scope:
        """What the key opens."""
        return Scope(self.account.id, Mode.LIVE)


@dataclass(frozen=True)
class Stock:
    """A started database with a history that ends at `until`.

    `large` and `small` speak Entrega, `large_kz` Kaspi. `secret_key` is what its secrets are
    encrypted with.
    """

    dsn: str
    secret_key: str
    until: datetime
    large: Tenant
    large_kz: Tenant
    small: Tenant

    def stage(self, stage: Stage) -> Stage:
        """A stage whose servers and commands work with this database."""
        own = {"DATABASE_URL": self.dsn, "ESTAFETTE_SECRET_KEY": self.secret_key}
        return replace(stage, dsn=self.dsn, environment={**stage.environment, **own}, shop=None)


def aged(plan: Plan) -> tuple[Path, Shape]:
    """Where the aged database of a plan is kept, and what is in it."""
    return FOLDER / f"aged-{plan.history}", Shape(plan.history)


def fresh(plan: Plan) -> tuple[Path, Shape]:
    """The same of the fresh one that it is compared with."""
    return FOLDER / f"fresh-{plan.history}", Shape(plan.history).young()


@asynccontextmanager
async def stock(
    folder: Path, shape: Shape, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[Stock]:
    """A database of that shape in the folder, made now if it is not there; it runs until the end.

    `settings` are PostgreSQL's, for this time alone. Raises BenchError when the disk is too small.
    """
    made = await _made(folder, shape)
    postgres = EmbeddedPostgres(folder, settings=settings)
    dsn = await asyncio.to_thread(postgres.start)
    try:
        await prepare_database(dsn)
        connection = await asyncpg.connect(dsn, command_timeout=600)
        try:
            if not await connection.fetchval(_HAS_STATISTICS):
                await connection.execute("analyze")  # a run ended while there were none
            large, large_kz, small = [
                await _tenant(connection, name) for name in (LARGE_AO, LARGE_KZ, SMALL_AO)
            ]
        finally:
            await connection.close()
        until = datetime.fromisoformat(made["until"])
        yield Stock(dsn, made["secret_key"], until, large, large_kz, small)
    finally:
        await asyncio.to_thread(postgres.stop)


_HAS_STATISTICS = "select exists (select from pg_stats where tablename = 'deliveries')"


async def _made(folder: Path, shape: Shape) -> dict[str, Any]:
    """What is known of a folder in which the history is."""
    mark = folder / _MARK
    if (made := await asyncio.to_thread(_kept, mark, shape)) is not None:
        return made
    await asyncio.to_thread(_clear, folder, shape)
    now = datetime.now(UTC)
    key = new_cipher_key()
    await _make(folder, shape, now, key)
    made = {"shape": asdict(shape), "until": now.isoformat(), "secret_key": key}
    mark.write_text(json.dumps(made), "utf-8")
    return made


def _kept(mark: Path, shape: Shape) -> dict[str, Any] | None:
    """What is known of the history in a folder, if that is a good one."""
    if not mark.exists():
        return None
    made: dict[str, Any] = json.loads(mark.read_text("utf-8"))
    age = datetime.now(UTC) - datetime.fromisoformat(made["until"])
    return made if made["shape"] == asdict(shape) and age < _GOOD_FOR else None


def _clear(folder: Path, shape: Shape) -> None:
    """Empties a folder, and makes sure that the disk has room. Raises BenchError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = shape.rows()
    size, free = rows * _BYTES_EACH, shutil.disk_usage(folder).free
    if free < size + _SPARE_BYTES:
        needed = (size + _SPARE_BYTES) / 1e9
        raise BenchError(f"{folder} needs {needed:.0f} GB of disk, and {free / 1e9:.0f} are free")
    say(
        f"Making {rows:,} deliveries of {shape.days} days in {folder}, once: some minutes, and"
        f" {size / 1e9:.1f} GB of disk"
    )


async def _make(folder: Path, shape: Shape, until: datetime, secret_key: str) -> None:
    postgres = EmbeddedPostgres(folder, durable=False, settings=_LOAD)
    dsn = await asyncio.to_thread(postgres.start)
    try:
        await prepare_database(dsn)
        async with open_platform(Settings(database_url=dsn, secret_key=secret_key)) as platform:
            await load(platform, dsn, shape, until)
    finally:
        await asyncio.to_thread(postgres.stop)


async def _tenant(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> Tenant:
    account = await accounts.find(connection, name)
    if account is None:
        raise BenchError(f"the kept database has no account {name}: remove {FOLDER}")
    count = await connection.fetchval(
        "select count(*) from deliveries where account_id = $1 and mode = 'live'", account.id
    )
    return Tenant(account, count, (await issue(connection, account, Mode.LIVE)).key)

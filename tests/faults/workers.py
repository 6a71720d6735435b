"""Two workers in processes of their own, one of which has a bad day now and then."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg

from estafette.store import signals
from estafette.usecases.platform import Platform
from tests.patience import until
from tests.processes import environment_of
from tests.rows import tables

SECONDS = 240
"""How long is waited for anything at most: ten times what a machine takes that is very busy."""

LEASE_SECONDS = 60
"""Longer than the longest exchange. Nobody waits for its end: see `Workers.end_leases`."""

_OVER = -timedelta(seconds=LEASE_SECONDS)


@dataclass
class WorkerProcess:
    """A worker that can be killed and frozen."""

    process: asyncio.subprocess.Process
    name: str

    def is_called(self, name: str) -> bool:
        """Whether a lease of this name is its own; Estafette's worker has its process id there."""
        return name == self.name or f":{self.process.pid}:" in name

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        os.kill(self.process.pid, number)

    async def end(self, number: signal.Signals) -> int:
        """Ends it by a signal; returns the exit code."""
        if self.process.returncode is None:
            self.send(number)
        async with asyncio.timeout(SECONDS):
            return await self.process.wait()


@dataclass
class Workers:
    """Two workers at any time, which `start` starts by their names."""

    platform: Platform
    start: Callable[[str], Awaitable[WorkerProcess]]
    running: list[WorkerProcess] = field(default_factory=list[WorkerProcess])
    _lost: list[WorkerProcess] = field(default_factory=list[WorkerProcess])
    _started: int = 0

    async def start_one(self) -> None:
        """Starts one more."""
        self._started += 1
        self.running.append(await self.start(f"worker-{self._started}"))

    async def _leases(self) -> list[str]:
        where = {"state": "pending", "leased_by": tables.PRESENT}
        return await tables.values(self.platform.pool, "messages", "leased_by", where)

    async def _holder(self) -> WorkerProcess | None:
        """Returns who has claimed messages and not reported on them, the oldest worker first."""
        leases = await self._leases()
        return next((one for one in self.running if any(map(one.is_called, leases))), None)

    async def _holds(self, worker: WorkerProcess) -> bool:
        return any(map(worker.is_called, await self._leases()))

    async def suffer(self, fault: signal.Signals) -> None:
        """Strikes a worker while it holds messages: it is killed, or frozen until its leases end.

        Whichever holds some: a worker that is always faster would have the other wait for its turn.
        """
        worker = await self._strike()
        self.running.remove(worker)
        if fault is signal.SIGKILL:
            await worker.end(signal.SIGKILL)
            self._lost.append(worker)
            await self.start_one()
        else:
            self._lost.append(worker)
            await until(lambda: self._has_lost_all(worker), SECONDS)
            self._lost.remove(worker)
            worker.send(signal.SIGCONT)
            self.running.append(worker)

    async def _strike(self) -> WorkerProcess:
        async with asyncio.timeout(SECONDS):
            while True:
                worker = await self._holder()
                if worker is None:
                    await asyncio.sleep(0.01)
                    continue
                worker.send(signal.SIGSTOP)
                if await self._can_lose(worker):
                    return worker
                worker.send(signal.SIGCONT)
                await asyncio.sleep(0.01)

    async def _can_lose(self, worker: WorkerProcess) -> bool:
        """Whether a frozen worker holds messages, and is not amid a transaction with their rows.

        As long as that lasts nobody can take them from it, and it lasts as long as it is frozen.
        """
        names = [name for name in await self._leases() if worker.is_called(name)]
        if not names:
            return False  # it had just reported on all of them
        mine = {"state": "pending", "leased_by": names}
        async with self.platform.pool.acquire() as connection, connection.transaction():
            try:
                await tables.lock(connection, "messages", mine)
            except asyncpg.LockNotAvailableError:
                return False
        return True

    async def end_leases(self) -> None:
        """Lets the leases of lost workers be over, as they are when their time has passed.

        Again and again: what a worker had asked the database for just before it was struck is done
        after that.
        """
        while True:
            for name in set(await self._leases()):
                if any(worker.is_called(name) for worker in self._lost):
                    mine = {"state": "pending", "leased_by": name}
                    await tables.change(self.platform.pool, "messages", mine, due_at=_OVER)
                    self.platform.signal(signals.OUTBOX)
            await asyncio.sleep(0.1)

    async def _has_lost_all(self, worker: WorkerProcess) -> bool:
        return not await self._holds(worker)

    async def stop(self) -> list[int]:
        """Ends all in an orderly way; returns their exit codes."""
        return [await worker.end(signal.SIGTERM) for worker in self.running]


@asynccontextmanager
async def two_workers(
    platform: Platform, start: Callable[[str], Awaitable[WorkerProcess]]
) -> AsyncGenerator[Workers]:
    """Starts two, and ends whatever still runs at the end of the block."""
    workers = Workers(platform, start)
    ending = asyncio.create_task(workers.end_leases())
    try:
        await workers.start_one()
        await workers.start_one()
        yield workers
    finally:
        ending.cancel()
        for worker in workers.running:
            with suppress(ProcessLookupError):
                await worker.end(signal.SIGKILL)


def sending(dsn: str, key: str, words: str) -> Callable[[str], Awaitable[WorkerProcess]]:
    """Workers that send webhooks alone; `words` as in `tests.faults.worker_process`."""

    async def start(name: str) -> WorkerProcess:
        module = "tests.faults.worker_process"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, dsn, key, name, str(LEASE_SECONDS), words),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return WorkerProcess(process, name)

    return start


def whole(dsn: str, folder: Path, **settings: str) -> Callable[[str], Awaitable[WorkerProcess]]:
    """Workers as they are installed, with all that they do; their logs are in the folder."""

    async def start(name: str) -> WorkerProcess:
        with (folder / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "estafette", "worker"),
                env=environment_of(
                    dsn,
                    folder,
                    webhook_allowed_networks="127.0.0.0/8",
                    webhook_lease_seconds=str(LEASE_SECONDS),
                    database_pool_size="4",
                    # who is frozen for long, or ends slowly on a busy machine, hangs not
                    hang_seconds="3600",
                    shutdown_seconds="600",
                    **settings,
                ),
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return WorkerProcess(process, name)

    return start

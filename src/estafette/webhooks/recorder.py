"""Writes the results of attempts into the database, in batches of those that wait."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

import asyncpg

from estafette.logs import Logger
from estafette.store.pool import DATABASE_TROUBLE, Pool
from estafette.store.trouble import TROUBLE_HERE
from estafette.store.webhooks import outbox
from estafette.store.webhooks.outbox import Finished
from estafette.webhooks import metrics

_log = Logger()

# Errors of the values themselves: the statement would fail with them each time.
_UNACCEPTABLE: Final = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
_UNWRITABLE: Final = (*_UNACCEPTABLE, ValueError, OverflowError)

_MOST_AT_ONCE: Final = 1000
# A result costs the database half as much in a batch of a hundred as in one of a dozen. Messages
# whose results a killed worker did not write are sent again.
_ENOUGH: Final = 500
_GATHER_SECONDS: Final = 0.05
_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0


class Recorder:
    """Writes results in batches; keeps them while the database is away."""

    def __init__(
        self,
        pool: Pool,
        worker: str,
        is_busy: Callable[[], bool],
        written: Callable[[], None],
    ) -> None:
        """Writes as `worker`, and calls `written` after each batch.

        While `is_busy` returns True, more results are expected and it waits a moment for them;
        otherwise a single result is written at once.
        """
        self._pool = pool
        self._worker = worker
        self._is_busy = is_busy
        self._written = written
        self._results: list[Finished] = []
        self._wake = asyncio.Event()
        self._enough = asyncio.Event()
        self._closing = False

    @property
    def waiting(self) -> int:
        """How many results are not written yet."""
        return len(self._results)

    def add(self, result: Finished) -> None:
        """Adds a result, which will be written soon."""
        self._results.append(result)
        self._wake.set()
        if len(self._results) >= _ENOUGH or not self._is_busy():
            self._enough.set()

    def close(self) -> None:
        """Ends `run` once everything is written; nothing may be added after this."""
        self._closing = True
        self._wake.set()
        self._enough.set()

    async def run(self) -> None:
        """Writes until closed. Waits for a database that is away as long as it takes."""
        while self._results or not self._closing:
            await self._wake.wait()
            await self._gather()
            batch = self._results[:_MOST_AT_ONCE]
            if batch:
                for outcome, count in Counter(result.outcome for result in batch).items():
                    metrics.ATTEMPTS.labels(outcome).inc(count)
                await self._write(batch)
                del self._results[: len(batch)]
                self._written()
            if not self._results and not self._closing:
                self._wake.clear()

    async def _gather(self) -> None:
        if not self._closing and self._is_busy() and len(self._results) < _ENOUGH:
            self._enough.clear()
            try:
                async with asyncio.timeout(_GATHER_SECONDS):
                    await self._enough.wait()
            except TimeoutError:
                return

    async def _write(self, batch: list[Finished]) -> None:
        again = False
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._write_once(batch, again=again)
            except _UNWRITABLE as error:
                await self._one_by_one(batch, error)
                return
            except DATABASE_TROUBLE as error:
                TROUBLE_HERE.met(error, "recording what came of webhooks")
                await asyncio.sleep(pause)
                again, pause = True, min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                return

    async def _write_once(self, batch: list[Finished], *, again: bool) -> None:
        async with self._pool.acquire() as connection:
            settled = await outbox.record(connection, batch, worker=self._worker, again=again)
        if not again and settled < len(batch):
            metrics.STALE.inc(len(batch) - settled)
            _log.warning("webhook_results_stale", count=len(batch) - settled)

    async def _one_by_one(self, batch: list[Finished], error: Exception) -> None:
        """Writes each result of a batch by itself, so that one faulty result loses no other."""
        if len(batch) == 1:
            _log.error(
                "webhook_result_lost",
                message_id=str(batch[0].message_id),
                error=type(error).__name__,
            )
            return
        for result in batch:
            await self._write([result])

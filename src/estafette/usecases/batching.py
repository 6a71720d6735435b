"""Group commit: requests that arrive together are done together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from estafette.store.pool import is_in_doubt

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Gathers items that wait while earlier ones are being done, and does them as one batch.

    A lone item is done at once: nothing waits for company. `work` takes a batch and returns a
    result for each item in the same order; when it raises, the items are tried again one by one,
    so that one bad item fails alone. Where the batch may have been done in spite of the error,
    nothing is tried again: all who wait get the error, and whoever sent a key can ask again.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        size: int,
        lanes: int,
    ) -> None:
        """At most `size` items in a batch, at most `lanes` batches at the same time."""
        self._work = work
        self._size = size
        self._idle_lanes = lanes
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, item: Item) -> Result:
        """Does one item; returns its result or raises what it alone raises."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._idle_lanes:
            self._idle_lanes -= 1
            task = asyncio.create_task(self._drain())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                count = min(self._size, len(self._waiting))
                await self._batch([self._waiting.popleft() for _ in range(count)])
        finally:
            self._idle_lanes += 1

    async def _batch(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:  # whatever it is, it belongs to those who wait
            if len(batch) == 1 or is_in_doubt(error):
                for _, future in batch:
                    _settle_with_error(future, error)
                return
            for one in batch:
                await self._batch([one])
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)


def _settle_with_error(future: "asyncio.Future[Result]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)

"""Group commit: requests that arrive at the same time are carried out in one batch."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from estafette.core.errors import Busy, Unavailable
from estafette.store.pool import is_in_doubt
from estafette.usecases.turns import Turns

Item = TypeVar("Item")
Result = TypeVar("Result")

_WAITING, _WAITING_EACH = 10_000, 2_000
_TOGETHER = 4
"""So many callers go on in one turn of the event loop: of a large batch all would keep waiting
whoever came meanwhile."""


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    future: "asyncio.Future[Result]"


class Batcher(Generic[Item, Result]):
    """Collects items while earlier ones are being processed, and processes them as one batch.

    A single item is processed at once, unless time is given to gather others. A batch takes one
    item of each owner in turn until it is full, so that the many items of one owner do not delay
    those of another. `work` takes a batch and returns a result for each item in the same order.
    When it raises, the items are tried again, each owner's separately and then in halves, so that
    one bad item fails alone. Where the batch may have been committed in spite of the error, or the
    database had no connection for it, nothing is tried again: all callers get the error, and those
    who sent an idempotency key can repeat their requests.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        owner: Callable[[Item], Hashable],
        size: int,
        lanes: int,
        gather: float = 0.0,
    ) -> None:
        """Puts at most `size` items in a batch and runs at most `lanes` batches at the same time.

        `owner` returns the owner of an item. Before each batch a lane waits for `gather` seconds:
        where an answer is not urgent, many items then share one transaction and its commit.
        """
        self._work = work
        self._owner = owner
        self._size = size
        self._idle_lanes = lanes
        self._gather = gather
        self._turns: Turns[_Waiting[Item, Result]] = Turns(most=_WAITING, most_each=_WAITING_EACH)
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, item: Item) -> Result:
        """Processes one item; returns its result, or raises the error of this item.

        An item whose caller is cancelled before its turn is not processed. Raises Busy where too
        many items wait.
        """
        one = _Waiting[Item, Result](item, asyncio.get_running_loop().create_future())
        owner = self._owner(item)
        self._turns.add(owner, one)
        if self._idle_lanes:
            self._idle_lanes -= 1
            task = asyncio.create_task(self._drain())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        try:
            return await one.future
        finally:
            self._turns.remove(owner, one)

    async def _drain(self) -> None:
        try:
            while self._turns:
                if self._gather:
                    await asyncio.sleep(self._gather)
                await self._batch(self._next())
        finally:
            self._idle_lanes += 1

    def _next(self) -> list[_Waiting[Item, Result]]:
        batch: list[_Waiting[Item, Result]] = []
        while len(batch) < self._size and (found := self._turns.next()):
            batch.append(found[1])
        return batch

    async def _batch(self, batch: list[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._work([one.item for one in batch])
        except Exception as error:  # any error is passed on to the callers who wait
            if len(batch) == 1 or is_in_doubt(error) or isinstance(error, Busy | Unavailable):
                for one in batch:
                    if not one.future.done():
                        one.future.set_exception(error)
                return
            for part in self._parts(batch):
                await self._batch(part)
            return
        for number, (one, result) in enumerate(zip(batch, results, strict=True), 1):
            if not one.future.done():
                one.future.set_result(result)
            if number % _TOGETHER == 0:
                await asyncio.sleep(0)

    def _parts(self, batch: list[_Waiting[Item, Result]]) -> list[list[_Waiting[Item, Result]]]:
        """Returns the batch split by owner, or in halves where all items are of one owner."""
        by_owner: dict[Hashable, list[_Waiting[Item, Result]]] = {}
        for one in batch:
            by_owner.setdefault(self._owner(one.item), []).append(one)
        if len(by_owner) > 1:
            return list(by_owner.values())
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]

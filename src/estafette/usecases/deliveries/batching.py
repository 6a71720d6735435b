"""Group commit: requests that arrive together are done together."""

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


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    future: "asyncio.Future[Result]"


class Batcher(Generic[Item, Result]):
    """Gathers items that wait while earlier ones are being done, and does them as one batch.

    A lone item is done at once: nothing waits for company. A batch takes one item of each owner in
    turn until it is full, so one owner's thousand items do not keep another's waiting. `work` takes
    a batch and returns a result for each item in the same order; when it raises, the items are
    tried again, each owner's apart and then in halves, so that one bad item fails alone. Where the
    batch may have been done in spite of the error, or there was no place for it, nothing is tried
    again: all who wait get the error, and whoever sent a key can ask again.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        owner: Callable[[Item], Hashable],
        size: int,
        lanes: int,
    ) -> None:
        """At most `size` items in a batch, at most `lanes` batches at the same time.

        `owner` tells whose an item is.
        """
        self._work = work
        self._owner = owner
        self._size = size
        self._idle_lanes = lanes
        self._turns: Turns[_Waiting[Item, Result]] = Turns(most=_WAITING, most_each=_WAITING_EACH)
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, item: Item) -> Result:
        """Does one item; returns its result or raises what it alone raises.

        One whose caller is cancelled before its turn is not done. Raises Busy where too many wait.
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
        except Exception as error:  # whatever it is, it belongs to those who wait
            if len(batch) == 1 or is_in_doubt(error) or isinstance(error, Busy | Unavailable):
                for one in batch:
                    if not one.future.done():
                        one.future.set_exception(error)
                return
            for part in self._parts(batch):
                await self._batch(part)
            return
        for one, result in zip(batch, results, strict=True):
            if not one.future.done():
                one.future.set_result(result)

    def _parts(self, batch: list[_Waiting[Item, Result]]) -> list[list[_Waiting[Item, Result]]]:
        """Returns each owner's items; the halves of one owner's."""
        by_owner: dict[Hashable, list[_Waiting[Item, Result]]] = {}
        for one in batch:
            by_owner.setdefault(self._owner(one.item), []).append(one)
        if len(by_owner) > 1:
            return list(by_owner.values())
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]

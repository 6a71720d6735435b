"""Doing together what arrives together, of each owner as much as of the others."""

import asyncio
from collections.abc import Sequence

import pytest

from estafette.core.errors import Busy
from estafette.usecases.deliveries.batching import Batcher
from tests.patience import timed


class Work:
    """Doubles numbers, in batches that it remembers; fails as it is told."""

    def __init__(self, poison: int | None = None, error: Exception | None = None) -> None:
        self.batches: list[list[int]] = []
        self._poison = poison
        self._error = error

    @property
    def done(self) -> list[int]:
        """All numbers that it was given, in order."""
        return [number for batch in self.batches for number in batch]

    async def __call__(self, batch: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(batch))
        await asyncio.sleep(0)
        if self._error is not None and self._poison in batch:
            raise self._error
        return [number * 2 for number in batch]


def one_owner(_: int) -> str:
    return "they"


def thousands(number: int) -> int:
    return number // 1000


async def test_what_arrives_while_one_is_done_is_done_together() -> None:
    work = Work()
    batcher = Batcher(work, owner=one_owner, size=10, lanes=1)
    assert await asyncio.gather(*map(batcher.do, range(5))) == [0, 2, 4, 6, 8]
    assert work.done == [0, 1, 2, 3, 4]
    assert len(work.batches) < 5


async def test_callers_of_a_large_batch_go_on_a_few_at_a_time() -> None:
    batcher = Batcher(Work(), owner=one_owner, size=100, lanes=1, gather=0.01)
    callers = [asyncio.create_task(batcher.do(number)) for number in range(40)]
    together, before = 0, 0
    while before < len(callers):
        await asyncio.sleep(0)
        now = sum(caller.done() for caller in callers)
        together, before = max(together, now - before), now
    assert together <= 8


@timed(0.1)
async def test_what_arrives_while_a_batch_is_gathered_is_done_with_it() -> None:
    work = Work()
    batcher = Batcher(work, owner=one_owner, size=10, lanes=1, gather=0.5)
    first = asyncio.create_task(batcher.do(1))
    for _ in range(5):
        await asyncio.sleep(0)  # without gathering the first were done by now
    assert await asyncio.gather(first, batcher.do(2)) == [2, 4]
    assert work.batches == [[1, 2]]


async def test_one_bad_item_fails_alone() -> None:
    batcher = Batcher(Work(3, ValueError("bad")), owner=one_owner, size=10, lanes=1)
    results = await asyncio.gather(*map(batcher.do, range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [int, int, int, ValueError, int]


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError()], ids=["lost", "late"])
async def test_a_batch_that_may_have_been_done_is_never_done_again(error: Exception) -> None:
    work = Work(3, error)
    batcher = Batcher(work, owner=one_owner, size=10, lanes=1)
    results = await asyncio.gather(*map(batcher.do, range(5)), return_exceptions=True)
    tried = work.done
    assert sorted(tried) == [0, 1, 2, 3, 4]
    failed = next(batch for batch in work.batches if 3 in batch)
    outcomes = [isinstance(result, type(error)) for result in results]
    assert outcomes == [number in failed for number in range(5)]


async def test_one_owners_thousand_items_do_not_keep_anothers_one_waiting() -> None:
    work = Work()
    batcher = Batcher(work, owner=thousands, size=10, lanes=1)
    many = [asyncio.create_task(batcher.do(number)) for number in range(1000)]
    await asyncio.sleep(0)
    assert await batcher.do(2000) == 4000
    assert len(work.batches) <= 3
    assert await asyncio.gather(*many) == [2 * number for number in range(1000)]
    assert [number for number in work.done if number < 2000] == list(range(1000))  # in their order


async def test_one_owners_bad_items_do_not_make_anothers_be_tried_twice() -> None:
    work = Work(1003, ValueError("bad"))
    batcher = Batcher(work, owner=thousands, size=100, lanes=1)
    asked = [0, *range(2000, 2030), *range(1000, 1030)]
    results = await asyncio.gather(*map(batcher.do, asked), return_exceptions=True)
    assert [one for one, result in zip(asked, results, strict=True) if result != 2 * one] == [1003]
    times = [work.done.count(number) for number in range(2000, 2030)]
    assert max(times) == 2  # with the others, and without them
    assert len(work.batches) < 20


async def test_a_caller_who_goes_away_leaves_its_place_in_the_queue() -> None:
    work = Work()
    batcher = Batcher(work, owner=one_owner, size=2, lanes=1)
    tasks = [asyncio.create_task(batcher.do(number)) for number in range(10)]
    await asyncio.sleep(0)
    tasks[9].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert work.done == list(range(9))


async def test_no_more_wait_than_the_queue_holds() -> None:
    work = Work()
    batcher = Batcher(work, owner=thousands, size=10, lanes=1)
    asked = [*range(990), *range(1000, 6000)]
    results = await asyncio.gather(*map(batcher.do, asked), return_exceptions=True)
    refused = [one for one, got in zip(asked, results, strict=True) if isinstance(got, Busy)]
    assert not any(number < 1000 for number in refused)
    assert not refused  # a thousand of each are few enough
    many = Batcher(work, owner=one_owner, size=10, lanes=1)
    results = await asyncio.gather(*map(many.do, range(5000)), return_exceptions=True)
    assert sum(isinstance(got, Busy) for got in results) > 2000


async def test_a_batch_without_a_place_is_not_tried_again() -> None:
    work = Work(3, Busy(1))
    batcher = Batcher(work, owner=one_owner, size=10, lanes=1)
    results = await asyncio.gather(*map(batcher.do, range(5)), return_exceptions=True)
    assert len(work.done) == 5
    assert Busy in map(type, results)

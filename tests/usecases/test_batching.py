"""Doing together what arrives together."""

import asyncio
from collections.abc import Sequence

import pytest

from estafette.usecases.batching import Batcher


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


async def test_what_arrives_while_one_is_done_is_done_together() -> None:
    work = Work()
    batcher = Batcher(work, size=10, lanes=1)
    assert await asyncio.gather(*map(batcher.do, range(5))) == [0, 2, 4, 6, 8]
    assert work.done == [0, 1, 2, 3, 4]
    assert len(work.batches) < 5


async def test_one_bad_item_fails_alone() -> None:
    batcher = Batcher(Work(3, ValueError("bad")), size=10, lanes=1)
    results = await asyncio.gather(*map(batcher.do, range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [int, int, int, ValueError, int]


@pytest.mark.parametrize("error", [ConnectionResetError(), TimeoutError()], ids=["lost", "late"])
async def test_a_batch_that_may_have_been_done_is_never_done_again(error: Exception) -> None:
    work = Work(3, error)
    batcher = Batcher(work, size=10, lanes=1)
    results = await asyncio.gather(*map(batcher.do, range(5)), return_exceptions=True)
    tried = work.done
    assert sorted(tried) == [0, 1, 2, 3, 4]
    failed = next(batch for batch in work.batches if 3 in batch)
    outcomes = [isinstance(result, type(error)) for result in results]
    assert outcomes == [number in failed for number in range(5)]

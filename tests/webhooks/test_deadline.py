"""Deadlines: what they end, and what they leave to others."""

import asyncio

import pytest

from estafette.webhooks.deadline import Deadline
from tests.patience import timed


async def test_what_takes_too_long_ends_with_a_timeout() -> None:
    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(TimeoutError), Deadline(0.01):
        await asyncio.Event().wait()
    assert task.cancelling() == 0


@timed(0.005)
async def test_what_ends_in_time_is_left_alone() -> None:
    later = asyncio.Event()
    with Deadline(0.01):
        await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, later.set)
    await later.wait()


async def _fail_when_cancelled() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ZeroDivisionError from None


async def test_what_fails_otherwise_does_so_and_leaves_no_cancellation() -> None:
    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(ZeroDivisionError), Deadline(0.01):
        await _fail_when_cancelled()
    assert task.cancelling() == 0


async def test_who_is_cancelled_by_somebody_else_stays_so() -> None:
    entered = asyncio.Event()

    async def wait() -> None:
        with Deadline(60):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_by_both_stays_cancelled() -> None:
    async def wait() -> None:
        task = asyncio.current_task()
        assert task is not None
        with Deadline(0):
            asyncio.get_running_loop().call_soon(task.cancel)
            await asyncio.Event().wait()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(wait())

"""Tests of time: what a machine that stood still has made fail is tried again, and nothing else."""

import time

import pytest

from tests.patience import timed

_STILL = 0.1


async def test_what_failed_while_the_process_stood_still_is_tried_again() -> None:
    tries: list[int] = []

    @timed(_STILL)
    async def test() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            time.sleep(_STILL)  # noqa: ASYNC251 - the process is to stand still
        assert len(tries) == 3

    await test()
    assert len(tries) == 3


async def test_what_fails_by_itself_fails() -> None:
    tries: list[int] = []

    @timed(3600)
    async def test() -> None:
        tries.append(len(tries))
        raise AssertionError("it is so")

    with pytest.raises(AssertionError, match="it is so"):
        await test()
    assert len(tries) == 1

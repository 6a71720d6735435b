"""Work in rounds and turns: what fails of one keeps no other, and the database's loss ends all."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from estafette.loops import Loop, Pace
from estafette.usecases.rounds import in_turns

FIRST, SECOND = UUID(int=1), UUID(int=2)
Turn = Callable[[], Awaitable[bool]]


def takes(turns: int, done: list[int]) -> Turn:
    """Work that is done after so many turns, each of which is noted."""

    async def turn() -> bool:
        done.append(len(done))
        return len(done) < turns

    return turn


def fails(error: Exception) -> Turn:
    async def turn() -> bool:
        raise error

    return turn


async def test_turns_go_on_until_nobody_has_work_left(connection: asyncpg.Connection) -> None:
    one: list[int] = []
    other: list[int] = []
    assert await in_turns(connection, "x", {FIRST: takes(3, one), SECOND: takes(1, other)})
    assert (len(one), len(other)) == (3, 1)


async def test_turns_end_when_the_process_is_told_to(connection: asyncpg.Connection) -> None:
    stop, done = asyncio.Event(), list[int]()
    stop.set()
    assert not await in_turns(connection, "x", {FIRST: takes(9, done)}, stop)
    assert done == []


async def test_what_fails_of_one_is_told_and_keeps_no_other(
    connection: asyncpg.Connection,
) -> None:
    done: list[int] = []
    turns = {FIRST: fails(ZeroDivisionError("of one")), SECOND: takes(2, done)}
    with capture_logs() as logs:
        assert not await in_turns(connection, "some work", turns)
    assert len(done) == 2
    [line] = logs
    assert (line["event"], line["work"], line["account"]) == ("stumbled", "some work", str(FIRST))


async def test_the_databases_trouble_is_raised_where_it_spares_nobody(
    connection: asyncpg.Connection,
) -> None:
    trouble = OSError("the network is away")
    with pytest.raises(OSError, match="away"):
        await in_turns(connection, "x", {FIRST: fails(trouble), SECOND: fails(trouble)})
    done: list[int] = []
    assert not await in_turns(connection, "x", {FIRST: fails(trouble), SECOND: takes(1, done)})
    faults = {FIRST: fails(trouble), SECOND: fails(ZeroDivisionError())}
    with capture_logs():
        assert not await in_turns(connection, "x", faults)


async def test_a_round_that_fails_is_made_again_later_each_time_until_one_succeeds() -> None:
    stop, began = asyncio.Event(), list[float]()
    clock = asyncio.get_running_loop().time

    async def one_round(_: asyncio.Event) -> float:
        began.append(clock())
        if len(began) in (1, 2, 4):
            raise ZeroDivisionError
        if len(began) == 5:
            stop.set()
        return 0.0

    with capture_logs() as logs:
        await Loop("x", one_round, Pace(longest=1.0)).run(stop)
    pauses = [later - earlier for earlier, later in pairwise(began)]
    assert pauses[0] >= 0.24
    assert pauses[1] >= 0.49
    assert pauses[3] >= 0.24
    assert len(logs) == 3

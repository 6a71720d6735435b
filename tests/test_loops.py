"""Work in rounds: it rests, is woken, is told to stop, and outlives what fails."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from estafette.loops import Loop, Pace

LONG = 3_000.0


class _WrongError(Exception):
    """A round goes wrong."""


class Rounds:
    """A round that is counted, after which the loop rests for as long as the test says."""

    def __init__(self, *outcomes: float | Exception) -> None:
        """What comes of each; the last also of all that follow."""
        self.count = 0
        self._outcomes = outcomes
        self._waiting: list[tuple[int, asyncio.Event]] = []

    async def __call__(self, _: asyncio.Event) -> float:
        outcome = self._outcomes[min(self.count, len(self._outcomes) - 1)]
        self.count += 1
        for wanted, reached in self._waiting:
            if self.count >= wanted:
                reached.set()
        if isinstance(outcome, Exception):
            raise outcome
        await asyncio.sleep(0)
        return outcome

    async def reach(self, count: int) -> None:
        """Waits until so many have begun."""
        reached = asyncio.Event()
        self._waiting.append((count, reached))
        if self.count < count:
            await reached.wait()


async def ended(loop: Loop, when: Callable[[], Awaitable[object]]) -> None:
    """Runs a loop until something has happened, and sees it end."""
    stop = asyncio.Event()
    async with asyncio.timeout(60):
        running = asyncio.create_task(loop.run(stop))
        await when()
        stop.set()
        await running


def counted(name: str, outcome: str) -> float:
    labels = {"work": name, "outcome": outcome}
    return REGISTRY.get_sample_value("estafette_rounds_total", labels) or 0.0


async def test_a_single_round_can_be_made() -> None:
    rounds = Rounds(7.0)
    assert await Loop("single", rounds, Pace(longest=LONG)).once() == 7.0
    assert (rounds.count, counted("single", "done")) == (1, 1)


async def test_a_single_round_raises_what_it_raises() -> None:
    with pytest.raises(_WrongError):
        await Loop("wrong", Rounds(_WrongError()), Pace(longest=LONG)).once()
    assert counted("wrong", "failed") == 1


async def test_more_work_is_done_at_once_and_a_rest_ends_when_it_is_told_to_stop() -> None:
    rounds = Rounds(0, 0, LONG)
    await ended(Loop("busy", rounds, Pace(longest=LONG)), lambda: rounds.reach(3))
    assert rounds.count == 3


async def test_a_rest_is_no_longer_than_the_longest() -> None:
    rounds = Rounds(LONG)
    await ended(Loop("brief", rounds, Pace(longest=0.001)), lambda: rounds.reach(3))


async def test_a_wake_ends_the_rest() -> None:
    rounds = Rounds(LONG)
    loop = Loop("woken", rounds, Pace(longest=LONG))

    async def wake() -> None:
        await rounds.reach(1)
        loop.wake()
        await rounds.reach(2)

    await ended(loop, wake)
    assert rounds.count == 2


async def test_a_wake_during_a_round_lets_the_next_begin_without_a_rest() -> None:
    rounds = Rounds(LONG)

    async def one_round(stop: asyncio.Event) -> float:
        rest = await rounds(stop)
        if rounds.count == 1:
            loop.wake()
        return rest

    loop = Loop("eager", one_round, Pace(longest=LONG))
    await ended(loop, lambda: rounds.reach(2))


async def test_what_fails_is_told_and_tried_again_and_no_wake_hurries_it() -> None:
    pace = Pace(longest=LONG, first_retry=LONG, longest_retry=LONG)
    rounds = Rounds(_WrongError(), LONG)
    loop = Loop("failing", rounds, pace)

    async def wake() -> None:
        await rounds.reach(1)
        loop.wake()
        for _ in range(20):
            await asyncio.sleep(0)

    with capture_logs() as logs:
        await ended(loop, wake)
    assert rounds.count == 1
    assert [(line["event"], line["work"]) for line in logs] == [("stumbled", "failing")]
    rounds = Rounds(_WrongError(), ConnectionRefusedError(), LONG)
    hasty = Pace(longest=LONG, first_retry=0.001, longest_retry=0.001)
    await ended(Loop("failing", rounds, hasty), lambda: rounds.reach(3))


async def test_a_round_that_is_under_way_is_on_end_early() -> None:
    told = False
    begun = asyncio.Event()

    async def one_round(stop: asyncio.Event) -> float:
        nonlocal told
        begun.set()
        await stop.wait()
        told = True
        return 0

    await ended(Loop("long", one_round, Pace(longest=LONG)), begun.wait)
    assert told


@pytest.mark.parametrize(
    "wrong",
    [
        {"longest": -1.0},
        {"longest": math.inf},
        {"longest": math.nan},
        {"longest": 1.0, "shortest": 2.0},
        {"longest": 1.0, "first_retry": 0.0},
        {"longest": 1.0, "first_retry": 20.0},
        {"longest": 1.0, "apart": -1.0},
        {"longest": 1.0, "first": math.inf},
    ],
)
def test_a_pace_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="a loop cannot"):
        Pace(**wrong)


def test_a_pace_says_how_long_to_rest() -> None:
    pace = Pace(longest=5.0, shortest=0.5)
    assert [pace.until(due) for due in (None, 9.0, 2.0, 0.1, -1.0)] == [5.0, 5.0, 2.0, 0.5, 0.5]

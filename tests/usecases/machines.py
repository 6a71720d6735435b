"""What the machines of hypothesis stand on: one loop, one account for all lives of a test."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Generic, TypeVar, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

USUAL = 100
"""How many examples a test of hypothesis has where its profile says nothing."""

T = TypeVar("T")
S = TypeVar("S")


class Stage(Generic[S]):
    """What all machines of a test play on, and the loop in which it lives."""

    def __init__(self, runner: asyncio.Runner, on: S) -> None:
        self._runner = runner
        self.on = on

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives in the end."""
        return self._runner.run(work)


@contextmanager
def staged(opened: AbstractAsyncContextManager[S]) -> Generator[Stage[S]]:
    """A stage with what is opened, until the end of the block."""
    with asyncio.Runner() as runner:
        on = runner.run(opened.__aenter__())
        try:
            yield Stage(runner, on)
        finally:
            runner.run(opened.__aexit__(None, None, None))


def play(machine: Callable[[], RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Plays that many lives of at most so many steps each, the same ones in every run.

    What fails is told as it was found. With `--hypothesis-profile=long` they are many more, others
    in each run, and what fails is made as short as it can be, which takes minutes.
    """
    times = settings().max_examples // USUAL
    is_long = times > 1
    run_state_machine_as_test(
        cast("type[RuleBasedStateMachine]", machine),  # anything that makes one will do
        settings=settings(
            max_examples=examples * times,
            stateful_step_count=steps * min(times, 3),
            deadline=None,
            derandomize=not is_long,
            phases=[Phase.generate, Phase.shrink] if is_long else [Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )

"""The planner: plans in a child, within a time, and starts another where the child dies."""

import asyncio
import sys
from contextlib import suppress
from enum import StrEnum
from typing import Final, Self

from estafette.routing import wire
from estafette.routing.child import READY
from estafette.routing.plan import Plan
from estafette.routing.problem import Problem

START_SECONDS: Final = 30.0
"""How long a child may take to load the solvers: half a second on a machine with nothing to do."""

GRACE_SECONDS: Final = 5.0
"""How much longer than its time a task may take before the child is killed: VROOM overshoots."""

_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",  # NumPy's threads would take address space each
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "MPLCONFIGDIR": "/nonexistent",  # PyVRP loads Matplotlib with its plots, which we never draw
}


class NoPlan(StrEnum):
    """Why there is no plan."""

    TIMED_OUT = "timed_out"
    DIED = "died"
    REFUSED = "refused"
    NOT_STARTED = "not_started"


class NoPlanError(Exception):
    """The planner has no plan. The message says why; the next task finds a new child."""

    def __init__(self, reason: NoPlan, message: str) -> None:
        """`reason` tells the kinds apart."""
        self.reason = reason
        super().__init__(message)


class Planner:
    """Plans one task at a time, in a child that is started with the first and kept for the next."""

    def __init__(
        self,
        threads: int = 1,
        grace_seconds: float = GRACE_SECONDS,
        executable: str = sys.executable,
    ) -> None:
        """`threads` are the processors that a plan may use; `grace_seconds` as above.

        `executable` is the Python of the child.
        """
        self._executable = executable
        self._threads = threads
        self._grace = grace_seconds
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Begins; the child is started with the first task."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends the child."""
        await self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, None before the first task and after one that went wrong."""
        return None if self._child is None else self._child.pid

    async def plan(
        self,
        problem: Problem,
        *,
        seconds: float,
        effort: int = 0,
        improve: bool = False,
        seed: int = 0,
    ) -> Plan:
        """Returns a plan. Raises NoPlanError.

        `seconds` is for how long the solvers search at most, `effort` is VROOM's exploration level
        from 0 to 5. With `improve`, PyVRP uses what is left of the seconds.
        """
        if not 0 < seconds <= 600 or not 0 <= effort <= 5:
            raise ValueError(f"{seconds} seconds with effort {effort}")
        hard = seconds + self._grace
        task = wire.Task(problem, seconds, effort, self._threads, improve, seed, hard)
        async with self._turn:
            try:
                return await self._ask(task)
            except BaseException:  # a child that was left in the middle of a task is of no use
                await self._end()
                raise

    async def close(self) -> None:
        """Ends the child."""
        async with self._turn:
            await self._end()

    async def _ask(self, task: wire.Task) -> Plan:
        child = await self._started()
        assert child.stdin is not None  # noqa: S101 - both are pipes
        assert child.stdout is not None  # noqa: S101
        try:
            async with asyncio.timeout(task.hard_seconds):
                child.stdin.write(wire.question(task))
                await child.stdin.drain()
                line = await child.stdout.readline()
        except TimeoutError:
            message = f"no plan within {task.hard_seconds:g} seconds"
            raise NoPlanError(NoPlan.TIMED_OUT, message) from None
        except (ConnectionError, ValueError) as error:
            raise NoPlanError(NoPlan.DIED, f"the planner's process ended: {error}") from error
        if not line.endswith(b"\n"):
            raise NoPlanError(NoPlan.DIED, "the planner's process ended in the middle of a plan")
        found = wire.plan(line)
        if isinstance(found, wire.Trouble):
            raise NoPlanError(NoPlan.REFUSED, found.reason)
        return found

    async def _started(self) -> asyncio.subprocess.Process:
        if self._child is not None and self._child.returncode is None:
            return self._child
        await self._end()
        self._child = child = await asyncio.create_subprocess_exec(
            *(self._executable, "-I", "-m", "estafette.routing.child"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_ENVIRONMENT,
            limit=wire.MOST_ANSWER_BYTES,
            start_new_session=True,  # Ctrl-C at a terminal is its parent's to hear
        )
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        try:
            async with asyncio.timeout(START_SECONDS):
                said = await child.stdout.readline()
        except TimeoutError:
            said = b""
        if said != READY:
            raise NoPlanError(NoPlan.NOT_STARTED, "the planner's process did not start")
        return child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()

"""The child that plans: it reads a task, writes a plan, and waits for the next one.

It takes memory away from itself before it loads a solver, and ends itself when a task takes longer
than it may, also where nobody is left who would end it. What it cannot plan it answers in words.
"""

import faulthandler
import os
import resource
import sys
import warnings
from typing import BinaryIO, Final

from estafette.routing import wire
from estafette.routing.plan import Plan

MEMORY_BYTES: Final = 3 * 1024 * 1024 * 1024
"""Address space: the interpreter's with NumPy, and tables of the most places six times over."""

READY: Final = b"ready\n"
_MOST_LINE_BYTES: Final = 8 * 1024 * 1024
_BEHIND_OTHERS: Final = 19
"""How much nicer it is than the processes that answer requests."""


def _bound() -> None:
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    os.nice(_BEHIND_OTHERS)


def _plan(task: wire.Task) -> Plan:
    import time
    from dataclasses import replace

    from estafette.routing import pyvrp_solver, vroom_solver
    from estafette.routing.obstacles import candidates
    from estafette.routing.tables import tables

    began = time.monotonic()
    measured = tables(task.problem.ways)
    plan = vroom_solver.solve(
        task.problem,
        measured,
        effort=task.effort,
        threads=task.threads,
        seconds=task.seconds,
    )
    left = task.seconds - (time.monotonic() - began)
    if task.improve and left > 0:
        plan = pyvrp_solver.improve(task.problem, plan, measured, seconds=left, seed=task.seed)
    return replace(plan, candidates=candidates(task.problem))


def _load() -> None:
    """Loads the solvers before the first task, so that none waits for it."""
    from estafette.routing import pyvrp_solver, vroom_solver

    del pyvrp_solver, vroom_solver


def _answer(line: bytes, tasks: BinaryIO) -> bytes:
    try:
        task = wire.task(line, tasks.read(wire.table_bytes(line)))
        faulthandler.dump_traceback_later(task.hard_seconds, exit=True)
        return wire.answer(_plan(task))
    except MemoryError:
        return wire.answer(wire.Trouble("it takes more memory than the planner may use"))
    except Exception as error:  # the solver's, whatever it stumbled over
        return wire.answer(wire.Trouble(f"{type(error).__name__}: {error}"[:300]))
    finally:
        faulthandler.cancel_dump_traceback_later()


def main() -> None:
    """Plans until nobody asks any more."""
    _bound()
    warnings.simplefilter("ignore")  # of penalties that a solver has raised as far as it can
    tasks, plans = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a solver prints is no plan
    _load()
    plans.write(READY)
    plans.flush()
    while line := tasks.readline(_MOST_LINE_BYTES):
        plans.write(_answer(line, tasks))
        plans.flush()


if __name__ == "__main__":
    main()

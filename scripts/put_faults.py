"""Puts faults of our own into copies of the tree, one at a time: the tests named must fail.

`tests/mutation/*.toml` lists them; see docs/testing.md. A fault whose old text is not there exactly
once, whose tests do not pass without it, or whose tests pass with it, makes the run fail.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from estafette.up.postgres import ROLE, EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
LISTS = ROOT / "tests" / "mutation"
COPIED = ("src", "tests", "bench", "clients", "deploy", "docs", "scripts", "frontend")
"""The folders that tests read; the files beside them are copied too."""

SECONDS = 180
"""How long the tests of one fault may take: a fault that makes them hang is caught by that."""

OPTIONS = "-q --import-mode=importlib"  # those of pyproject.toml are of plugins left out here too
FAILED = 1  # pytest's exit code for tests that failed, apart from those for its own trouble


@dataclass(frozen=True)
class Fault:
    """A change of a file's text, and the tests that must notice it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def main() -> int:
    """Runs the faults whose name or file has the words given; returns 0 when all are caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only faults with one of these in name or file")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    asked = parser.parse_args()
    every = [fault for path in sorted(LISTS.glob("*.toml")) for fault in read(path)]
    faults = [fault for fault in every if _is_asked_for(fault, asked.words)]
    if not faults:
        print("no fault has these words", file=sys.stderr)
        return 2
    if problems := [problem for fault in faults for problem in misfits(fault)]:
        print("\n".join(problems), file=sys.stderr)
        return 1
    with _copies(asked.jobs) as copies, database() as dsn:
        tests = tuple(dict.fromkeys(test for fault in faults for test in fault.tests))
        print(f"{len(faults)} faults; first their tests without any of them", flush=True)
        told, output = _run(copies[0], tests, dsn, 60 * SECONDS)
        if told != 0:
            print(output, "\nThe tests must pass without a fault.", file=sys.stderr)
            return 1
        survivors = _put_all(faults, copies, dsn)
    print(f"{len(faults) - len(survivors)} of {len(faults)} caught")
    for name in survivors:
        print(f"survived: {name}")
    return 1 if survivors else 0


def read(path: Path) -> list[Fault]:
    """The faults of a list."""
    listed = tomllib.loads(path.read_text())["fault"]
    return [Fault(**each | {"tests": tuple(each["tests"])}) for each in listed]


def _is_asked_for(fault: Fault, words: Sequence[str]) -> bool:
    return not words or any(word in f"{fault.file} {fault.name}" for word in words)


def misfits(fault: Fault) -> Iterator[str]:
    """Why a fault does not fit the tree any more."""
    path = ROOT / fault.file
    times = path.read_text().count(fault.old) if path.exists() else 0
    if times != 1:
        yield f"{fault.name}: its old text is {times} times in {fault.file}, not once"
    for test in fault.tests:
        if not (ROOT / test.partition("::")[0]).exists():
            yield f"{fault.name}: there is no {test}"


def _put_all(faults: Sequence[Fault], copies: Sequence[Path], dsn: str) -> list[str]:
    """Puts each fault into a copy that is free; returns the names of those that survive."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def put(fault: Fault) -> bool:
        copy = free.get()
        began = time.monotonic()
        try:
            is_caught, why = _put(fault, copy, dsn)
        finally:
            free.put(copy)
        seconds = time.monotonic() - began
        print(
            f"{'caught  ' if is_caught else 'SURVIVED'} {seconds:5.1f} s  {fault.name}", flush=True
        )
        if why:
            print(why, flush=True)
        return is_caught

    with ThreadPoolExecutor(len(copies)) as threads:
        caught = list(threads.map(put, faults))
    return [fault.name for fault, is_caught in zip(faults, caught, strict=True) if not is_caught]


def _put(fault: Fault, copy: Path, dsn: str) -> tuple[bool, str]:
    """Whether the fault's tests notice it; and what pytest says when it could not run them."""
    path = copy / fault.file
    right, at = path.read_text(), path.stat().st_mtime
    path.write_text(right.replace(fault.old, fault.new))
    _date(path, at + next(_LATER))
    try:
        code, output = _run(copy, fault.tests, dsn, SECONDS)
    except subprocess.TimeoutExpired:
        return True, ""
    finally:
        path.write_text(right)
        _date(path, at)
    return code == FAILED, "" if code in (0, FAILED) else output


_LATER = count(2)


def _date(path: Path, at: float) -> None:
    """Dates a file: by its time and size Python knows whether what it compiled is still right."""
    os.utime(path, (at, at))


def _run(copy: Path, tests: Sequence[str], dsn: str, seconds: float) -> tuple[int, str]:
    """The exit code of pytest and what it prints; the copy's own sources are imported."""
    options = ["-x", "-p", "pytest_asyncio.plugin", "-o", f"addopts={OPTIONS}"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy / "src"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # they take longer to import than most tests run
        "ESTAFETTE_TEST_DATABASE_URL": dsn,
    }
    done = subprocess.run(
        command,
        cwd=copy,
        env=environment,
        timeout=seconds,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout + done.stderr


@contextmanager
def _copies(many: int) -> Generator[list[Path]]:
    """So many copies of the tree, for a while."""
    with tempfile.TemporaryDirectory(prefix="estafette-faults-") as folder:
        copies = [Path(folder) / str(number) for number in range(many)]
        for copy in copies:
            copy.mkdir()
            for path in ROOT.iterdir():
                if path.is_file():
                    shutil.copy2(path, copy)
            for name in COPIED:
                left_out = shutil.ignore_patterns("node_modules", ".out")
                shutil.copytree(ROOT / name, copy / name, ignore=left_out)
        yield copies


@contextmanager
def database() -> Generator[str]:
    """A PostgreSQL for all runs, so that each need not start its own."""
    with tempfile.TemporaryDirectory(prefix="estafette-faults-db-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        dsn = server.start()
        try:
            grant = f"ALTER ROLE {ROLE} CREATEDB"
            psql = [server.bin_dir / "psql", "-Xqc", grant, server.admin_dsn]
            subprocess.run(psql, check=True, stdin=subprocess.DEVNULL)
            yield dsn
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())

"""Lets mutmut change the code a little, function by function, and says which changes no test saw.

Works in a copy of the tree with the modules that are named, each with the tests that exercise it.
See docs/testing.md.
"""

import argparse
import ast
import json
import math
import os
import random
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from put_faults import COPIED, ROOT, database

WORK = ROOT / ".mutants"
PARTS = {
    "core": ("tests/core", "tests/dialects", "tests/usecases"),
    "usecases": ("tests/usecases", "tests/store", "tests/webhooks"),
    "webhooks": ("tests/webhooks",),
    "store": ("tests/store", "tests/usecases", "tests/webhooks"),
    "dialects": ("tests/dialects",),
}
"""The parts that are mutated; its own folder of tests, and the others whose tests may notice it."""

READS_SOURCES = ("tests/core/test_imports.py",)
"""Tests of the sources' text, which fail where mutmut has written the mutants into it."""

WANTED = 0.9

_CAUGHT = (1, 3)  # pytest's exit codes for a test that failed, and for its own trouble
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_UNTESTED = (5, 33)
_TIMES_OUT = (-24, 24, 36, 152, 255)  # what mutmut calls a timeout: SIGXCPU, most of all


@dataclass(frozen=True)
class Score:
    """What became of the mutants of a module or part."""

    module: str
    every: int
    tried: int
    caught: int
    timed_out: int
    untested: int
    survivors: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share of those tried that was caught, 1 where nothing can be mutated."""
        return self.caught / self.tried if self.tried else 1.0

    @property
    def error(self) -> float:
        """How far the share of all may be from that of the sample, in 19 of 20 samples."""
        if self.tried in (0, self.every):
            return 0.0
        share = (self.caught + 2) / (self.tried + 4)  # else a sample without survivors had no error
        left = (self.every - self.tried) / (self.every - 1)
        return 1.96 * math.sqrt(share * (1 - share) / (self.tried + 4) * left)

    def __str__(self) -> str:
        error = f" ± {self.error:.1%}" if self.error else ""
        return (
            f"{self.module}: {self.every} mutants, {self.tried} tried, {self.caught} caught"
            f" ({self.timed_out} by the clock), {len(self.survivors)} survived"
            f" ({self.untested} run by no test): {self.share:.1%}{error}"
        )


def main() -> int:
    """Mutates what is asked for; returns 0 when nine of ten mutants are caught in each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(PARTS), help="core, or core/ids …")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int, help="how many mutants of each, chosen at random")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--tests", nargs="+", help="files or folders in place of those found")
    asked = parser.parse_args()
    if asked.sample:
        print(f"sample of {asked.sample}, seed {asked.seed}", flush=True)
    scores: list[Score] = []
    with database() as dsn:
        for module in asked.modules:
            rounds = [asked.tests] if asked.tests else _rounds(module)
            chance = random.Random(f"{asked.seed} {module}")
            scores.append(_Run(module, rounds, asked.jobs, dsn).score(asked.sample, chance))
            print(scores[-1], flush=True)
    if len(scores) > 1:
        print(*scores, sep="\n")
    return 0 if all(score.share >= WANTED for score in scores) else 1


class _Run:
    """A copy of the tree in which one module, or part, is mutated."""

    def __init__(self, module: str, rounds: Sequence[Sequence[str]], jobs: int, dsn: str) -> None:
        self._module = module
        self._rounds = rounds
        self._jobs = jobs
        self._environment = {
            **os.environ,
            "ESTAFETTE_TEST_DATABASE_URL": dsn,
            "ESTAFETTE_TEST_DATABASE_RUN": "mutants",  # one migrated template for all of them
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    def score(self, sample: int | None, chance: random.Random) -> Score:
        """Mutates, all or a sample; what the first round does not catch goes into the next."""
        began = time.monotonic()
        every = self._make(self._rounds[0])
        if not every:
            return Score(self._module, 0, 0, 0, 0, 0, ())
        chosen = sorted(chance.sample(every, min(sample or len(every), len(every))))
        codes = self._try(chosen, every)
        for tests in self._rounds[1:]:
            if left := [name for name in chosen if _survived(codes[name])]:
                codes |= self._try(left, self._make(tests))
        survivors = [name for name in chosen if _survived(codes[name])]
        for name in survivors:
            print(self._mutmut("show", name), flush=True)
        seconds = time.monotonic() - began
        print(f"{seconds:.0f} s, {seconds / len(chosen):.2f} s a mutant", flush=True)
        return Score(
            self._module,
            len(every),
            len(chosen),
            caught=len(chosen) - len(survivors),
            timed_out=sum(code in _TIMES_OUT for code in codes.values()),
            untested=sum(code in _UNTESTED for code in codes.values()),
            survivors=tuple(survivors),
        )

    def _make(self, tests: Sequence[str]) -> list[str]:
        """The names of the mutants, which are made, and the tests measured that run them."""
        began = time.monotonic()
        _prepare(self._module, tests)
        # mutmut has no word for making the mutants and no more. It makes them, and sees which
        # tests run which function, before it says that there is none of this name.
        output = self._mutmut("run", "none-of-them")
        names = sorted(_codes())
        if names and not (WORK / "mutants" / "mutmut-stats.json").exists():
            said = "\n".join(line for line in output.splitlines() if line[:1] not in _SPINNER)
            raise SystemExit(f"{said}\n{self._module}: its tests do not pass: {' '.join(tests)}")
        seconds = time.monotonic() - began
        print(f"{self._module}: {len(names)} mutants, measured in {seconds:.0f} s", flush=True)
        print(f"by {' '.join(tests)}", flush=True)
        return names

    def _try(self, chosen: Sequence[str], every: Sequence[str]) -> dict[str, int | None]:
        """The exit codes of the tests of the mutants that are chosen."""
        self._mutmut("run", *(() if len(chosen) == len(every) else chosen), is_shown=True)
        codes = _codes()
        return {name: codes[name] for name in chosen}

    def _mutmut(self, *words: str, is_shown: bool = False) -> str:
        """What mutmut prints; its progress is shown as it comes, to a person at a terminal."""
        shown = is_shown and sys.stdout.isatty()
        many = ["--max-children", str(self._jobs)] if words[0] == "run" else []
        done = subprocess.run(
            [sys.executable, "-m", "mutmut", words[0], *many, *words[1:]],
            cwd=WORK,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=None if shown else subprocess.PIPE,
            stderr=None if shown else subprocess.STDOUT,
            text=True,
        )
        return done.stdout or ""


def _codes() -> dict[str, int | None]:
    """The mutants that were made, with the exit code of each one's tests once it was tried."""
    codes: dict[str, int | None] = {}
    for path in (WORK / "mutants" / "src").rglob("*.meta"):
        codes |= json.loads(path.read_text())["exit_code_by_key"]
    return codes


def _survived(code: int | None) -> bool:
    return code not in _CAUGHT + _TIMES_OUT


def _prepare(module: str, tests: Sequence[str]) -> None:
    """A copy of the tree that says what is to be mutated, and which tests are to notice it."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    for name in COPIED:
        left_out = shutil.ignore_patterns("__pycache__", "node_modules", ".out")
        shutil.copytree(ROOT / name, WORK / name, ignore=left_out)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy2(path, WORK)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [str(path.relative_to(ROOT)) for path in _files(module)],
        "pytest_add_cli_args_test_selection": list(tests),
        "pytest_add_cli_args": [
            "-p",
            "pytest_asyncio.plugin",
            *(f"--deselect={path}" for path in READS_SOURCES),
        ],
        "also_copy": [name for name in COPIED if name not in ("src", "tests")] + ["README.md"],
        "timeout_constant": 4.0,  # seconds: fixtures are not in what a test is said to take
        "timeout_multiplier": 5.0,
        "track_dependencies": False,
        "use_git_change_detection": False,
    }
    with (WORK / "pyproject.toml").open("a") as project:
        project.write("\n[tool.mutmut]\n")
        project.writelines(f"{name} = {_toml(value)}\n" for name, value in settings.items())


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _files(module: str) -> list[Path]:
    path = ROOT / "src" / "estafette" / module
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def _rounds(module: str) -> list[list[str]]:
    """The tests of a module that are its part's own, then those of other folders: most are caught
    by the first, which are quick.

    Its tests are those that import it; of a whole part all of its own folder; and of a module that
    none imports all that there are.
    """
    own, *others = PARTS[module.partition("/")[0]]
    sources = [path.relative_to(ROOT / "src").with_suffix("") for path in _files(module)]
    names = {".".join(source.parts) for source in sources}
    near = [own] if module in PARTS else _importing(names, own)
    far = [path for folder in others for path in _importing(names, folder)]
    if not near and not far:
        return [[own], others] if others else [[own]]
    return [tests for tests in (near, far) if tests]


def _importing(names: set[str], folder: str) -> list[str]:
    """The files of tests in a folder that import one of the modules with these names."""
    paths = sorted((ROOT / folder).rglob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in paths if names & set(_imported(path))]


def _imported(path: Path) -> Iterator[str]:
    """The modules, and names of modules, that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


if __name__ == "__main__":
    sys.exit(main())

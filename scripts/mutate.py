"""Lets mutmut change the code a little, function by function, and says which changes no test saw.

Works in a copy of the tree with the modules that are named, each with the tests that exercise it.
See docs/testing.md.
"""

import argparse
import ast
import contextlib
import io
import json
import math
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
import tokenize
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

READS_SOURCES = ("tests/core/test_imports.py", "tests/store/test_ownership.py")
"""Tests of the sources' text, which fail where mutmut has written the mutants into it."""

FOR_TYPES = (r'\bcast\("',)
"""Lines, by pattern, of whose expressions some are for the type checker alone."""

STORE = ROOT / "src" / "estafette" / "store"
_SQL = re.compile(r"\b(select|insert into|update|delete from|truncate|set local|where) ")

WANTED = 0.9

_CAUGHT = (1, 3)  # pytest's exit codes for a test that failed, and for its own trouble
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_NOTHING_RUN = "could not find any test case for any mutant"
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
    parser.add_argument(
        "modules", nargs="*", default=list(PARTS), help="core, core/ids, dialects/*/mapping …"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int, help="how many mutants of each, chosen at random")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--tests", nargs="+", help="files or folders in place of those found")
    parser.add_argument("--minutes", type=float, default=math.inf, help="how long at most")
    parser.add_argument("--resume", action="store_true", help="go on with what was not tried yet")
    asked = parser.parse_args()
    for module in asked.modules:
        if module.partition("/")[0] not in PARTS or not _files(module):
            parser.error(f"no such part or module: {module}")
    if asked.sample:
        print(f"sample of {asked.sample}, seed {asked.seed}", flush=True)
    until = time.monotonic() + 60 * asked.minutes
    scores: list[Score] = []
    with database() as dsn:
        for module in asked.modules:
            rounds = [asked.tests] if asked.tests else _rounds(module)
            copies = [
                _Copy(
                    WORK / re.sub(r"\W+", "-", module) / str(number), module, tests, asked.jobs, dsn
                )
                for number, tests in enumerate(rounds, 1)
            ]
            if not asked.resume:
                shutil.rmtree(copies[0].folder.parent, ignore_errors=True)
            chance = random.Random(f"{asked.seed} {module}")
            scores.append(_score(module, copies, asked.sample, chance, until))
            print(scores[-1], flush=True)
    if len(scores) > 1:
        print(*scores, sep="\n")
    return 0 if all(score.share >= WANTED for score in scores) else 1


def _score(
    module: str, copies: Sequence["_Copy"], sample: int | None, chance: random.Random, until: float
) -> Score:
    """Tries the mutants, all or a sample; what one copy's tests do not catch the next one's may."""
    began = time.monotonic()
    every = copies[0].make(until)
    if not every:  # a module of types and constants
        return Score(module, 0, 0, 0, 0, 0, ())
    chosen = sorted(chance.sample(every, min(sample or len(every), len(every))))
    codes = copies[0].try_all(chosen, until)
    for copy in copies[1:]:
        if left := [name for name in chosen if _survived(codes[name])]:
            copy.make(until)
            codes |= copy.try_all(left, until)
    survivors = [name for name in chosen if _survived(codes[name])]
    for name in survivors:
        print(copies[0].show(name), flush=True)
    seconds = time.monotonic() - began
    print(f"{seconds:.0f} s, {seconds / len(chosen):.2f} s a mutant", flush=True)
    return Score(
        module,
        len(every),
        len(chosen),
        caught=len(chosen) - len(survivors),
        timed_out=sum(code in _TIMES_OUT for code in codes.values()),
        untested=sum(code in _UNTESTED for code in codes.values()),
        survivors=tuple(survivors),
    )


def _survived(code: int | None) -> bool:
    return code not in _CAUGHT + _TIMES_OUT


class _Copy:
    """A copy of the tree in which one module, or part, is mutated, and some tests are to notice."""

    def __init__(
        self, folder: Path, module: str, tests: Sequence[str], jobs: int, dsn: str
    ) -> None:
        self.folder = folder
        self._module = module
        self._tests = tests
        self._jobs = jobs
        self._environment = {
            **os.environ,
            "ESTAFETTE_TEST_DATABASE_URL": dsn,
            "ESTAFETTE_TEST_DATABASE_RUN": "mutants",  # one migrated template for all of them
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    @property
    def _measured(self) -> Path:
        return self.folder / "mutants" / "mutmut-stats.json"

    def make(self, until: float) -> list[str]:
        """The names of the mutants, which are made, and the tests measured that run them.

        A copy that is there, of a run that was stopped, is as good.
        """
        if not self._measured.exists():
            began = time.monotonic()
            self._write()
            # mutmut has no word for making the mutants and no more. It makes them, and sees which
            # tests run which function, before it says that there is none of this name.
            said = self._mutmut("run", "none-of-them", until=until)
            if _NOTHING_RUN in said:
                self._measured.write_text("{}")
            elif self._codes() and not self._measured.exists():
                lines = [line for line in said.splitlines() if line[:1] not in _SPINNER]
                raise SystemExit("\n".join([*lines, f"{self._module}: its tests do not pass"]))
            seconds = time.monotonic() - began
            print(f"{self._module}: measured in {seconds:.0f} s by {' '.join(self._tests)}")
        names = sorted(self._codes())
        print(f"{self._module}: {len(names)} mutants", flush=True)
        return names

    def try_all(self, chosen: Sequence[str], until: float) -> dict[str, int | None]:
        """The exit codes of the tests of the mutants that are chosen."""
        if self._measured.read_text() == "{}":
            return dict.fromkeys(chosen, _UNTESTED[0])
        codes = self._codes()
        if left := [name for name in chosen if codes[name] is None]:
            # mutmut tries by itself whatever was not tried yet
            names = left if len(chosen) < len(codes) else ()
            said = self._mutmut("run", *names, until=until, is_shown=sys.stdout.isatty())
            codes = self._codes()
            if left := [name for name in chosen if codes[name] is None]:
                raise SystemExit(f"{said}\n{self._module}: {len(left)} were not tried; see RESUME")
        return {name: codes[name] for name in chosen}

    def show(self, name: str) -> str:
        """What the mutant changes."""
        return self._mutmut("show", name)

    def _codes(self) -> dict[str, int | None]:
        """The mutants that were made, with the exit code of each one's tests once it was tried."""
        codes: dict[str, int | None] = {}
        for path in (self.folder / "mutants" / "src").rglob("*.meta"):
            codes |= json.loads(path.read_text())["exit_code_by_key"]
        return codes

    def _mutmut(self, *words: str, until: float = math.inf, is_shown: bool = False) -> str:
        """What mutmut prints, unless it is shown as it comes."""
        many = ["--max-children", str(self._jobs)] if words[0] == "run" else []
        with subprocess.Popen(
            [sys.executable, "-m", "mutmut", words[0], *many, *words[1:]],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=None if is_shown else subprocess.PIPE,
            stderr=None if is_shown else subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            left = None if until == math.inf else max(1.0, until - time.monotonic())
            try:
                return process.communicate(timeout=left)[0] or ""
            except subprocess.TimeoutExpired:
                return "The time is up."
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # it and all who try mutants for it

    def _write(self) -> None:
        """Writes the copy, which says what is to be mutated, and which tests are to notice it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name in COPIED:
            left_out = shutil.ignore_patterns("__pycache__", "node_modules", ".out")
            shutil.copytree(ROOT / name, self.folder / name, ignore=left_out)
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy2(path, self.folder)
        for path in _files(self._module):
            if STORE in path.parents:
                copied = self.folder / path.relative_to(ROOT)
                copied.write_text(_with_sql_left_alone(path.read_text()))
        settings = {
            "source_paths": ["src"],
            "only_mutate": [str(path.relative_to(ROOT)) for path in _files(self._module)],
            "pytest_add_cli_args_test_selection": list(self._tests),
            "pytest_add_cli_args": [
                "-p",
                "pytest_asyncio.plugin",
                "-o",
                "addopts=-q --import-mode=importlib",  # the project's are of more plugins
                *(f"--deselect={path}" for path in READS_SOURCES),
            ],
            "also_copy": [name for name in COPIED if name not in ("src", "tests")] + ["README.md"],
            "do_not_mutate_patterns": list(FOR_TYPES),
            # each mutant begins as the tests were collected, not with what other tests have cached
            "process_isolation": "forkserver",
            "timeout_constant": 4.0,  # seconds: fixtures are not in what a test is said to take
            "timeout_multiplier": 5.0,
            "track_dependencies": False,
            "use_git_change_detection": False,
        }
        with (self.folder / "pyproject.toml").open("a") as project:
            project.write("\n[tool.mutmut]\n")
            project.writelines(f"{name} = {_toml(value)}\n" for name, value in settings.items())


def _with_sql_left_alone(source: str) -> str:
    """The source with every text that is SQL as an f-string: those mutmut leaves as they are.

    Whether letters are large or small changes nothing of SQL; its faults have a list of their own.
    """
    of_sql = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _SQL.search(node.value)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = source.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        text = token.string
        if (
            token.type == tokenize.STRING
            and token.start[0] in of_sql
            and text[:1] == '"' != text[1]
        ):
            line, begin = token.start
            whole = "f" + text.replace("{", "{{").replace("}", "}}")
            lines[line - 1] = lines[line - 1][:begin] + whole + lines[line - 1][token.end[1] :]
    return "".join(lines)


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _files(module: str) -> list[Path]:
    """The files of a part, a folder, a module, or of all modules that a pattern matches."""
    sources = ROOT / "src" / "estafette"
    if (sources / module).is_dir():
        return sorted((sources / module).rglob("*.py"))
    return sorted(sources.glob(f"{module}.py"))


def _rounds(module: str) -> list[list[str]]:
    """The tests of a module that are its part's own, then those of other folders.

    Most mutants are caught by the first, which are quick. A module's tests are those that import
    it; of a whole part all of its own folder; and of a module that none imports all that there are.
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

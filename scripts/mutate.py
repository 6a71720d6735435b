"""Lets mutmut change the code a little, function by function, and says which changes no test saw.

Works in a copy of the tree with the modules that are named, each with the tests that are its own.
See docs/testing.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from put_faults import COPIED, ROOT, database

WORK = ROOT / ".mutants"
PARTS = {
    "core": ("tests/core",),
    "usecases": ("tests/usecases",),
    "webhooks": ("tests/webhooks",),
    "store": ("tests/store", "tests/usecases"),
    "dialects": ("tests/dialects",),
}
"""The parts that are mutated, and the tests that must notice it."""

WANTED = 0.9


def main() -> int:
    """Mutates what is asked for; returns 0 when nine of ten mutants are caught in each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(PARTS), help="core, or core/schedule …")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    with database() as dsn:
        scores = {module: _score(module, asked.jobs, dsn) for module in asked.modules}
    for module, score in scores.items():
        print(f"{score:6.1%}  {module}")
    return 0 if all(score >= WANTED for score in scores.values()) else 1


def _score(module: str, jobs: int, dsn: str) -> float:
    """The share of the mutants of a module, or part, that its tests notice."""
    _prepare(module)
    environment = {
        **os.environ,
        "ESTAFETTE_TEST_DATABASE_URL": dsn,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }

    def mutmut(*words: str) -> None:
        command = [sys.executable, "-m", "mutmut", *words]
        subprocess.run(command, cwd=WORK, env=environment, stdin=subprocess.DEVNULL)

    mutmut("run", "--max-children", str(jobs))
    mutmut("results")
    mutmut("export-cicd-stats")
    counted = json.loads((WORK / "mutants" / "mutmut-cicd-stats.json").read_text())
    caught = counted["killed"] + counted["timeout"]
    every = counted["total"] - counted["skipped"]
    print(f"{module}: {caught} of {every} caught, {counted['survived']} survived", flush=True)
    return caught / every if every else 0.0


def _prepare(module: str) -> None:
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
        "only_mutate": [_files(module)],
        "pytest_add_cli_args_test_selection": _tests(module),
        "pytest_add_cli_args": ["-p", "pytest_asyncio.plugin"],
        "also_copy": [name for name in COPIED if name not in ("src", "tests")] + ["README.md"],
        "track_dependencies": False,
        "use_git_change_detection": False,
    }
    with (WORK / "pyproject.toml").open("a") as project:
        project.write("\n[tool.mutmut]\n")
        project.writelines(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


def _files(module: str) -> str:
    path = ROOT / "src" / "estafette" / module
    return f"src/estafette/{module}/*" if path.is_dir() else f"src/estafette/{module}.py"


def _tests(module: str) -> list[str]:
    """The tests of a module's own file, else those of its part."""
    part, _, name = module.partition("/")
    own = Path("tests") / part / f"test_{name}.py"
    return [str(own)] if (ROOT / own).exists() else list(PARTS[part])


if __name__ == "__main__":
    sys.exit(main())

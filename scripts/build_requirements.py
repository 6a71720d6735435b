"""Print what building the package needs, as `pyproject.toml` names it, for `make lock`."""

import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
hook = project["tool"]["hatch"]["build"]["hooks"]["custom"]
print(*project["build-system"]["requires"], hook["node"], *hook["typeface"], sep="\n")  # noqa: T201 - its purpose

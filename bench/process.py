"""Processes that a measurement starts, and ends by their ids whatever happens."""

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

_END_SECONDS = 30.0
_SHOWN_LINES = 10


class BenchError(Exception):
    """The bench cannot go on; the message says why and what to do next."""


@asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> AsyncGenerator[int]:
    """A process in the background, as its id; ended in order when the block ends.

    Its output is appended to `log`. Its standard input stays open as long as we live: Estafette's
    own processes then do not outlive us even when we are killed.
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=log.parent,
            start_new_session=True,  # the terminal's Ctrl-C is for us; we end it in order
        )
    try:
        yield process.pid
        if process.returncode is not None:
            raise BenchError(f"{_shown(command)} ended by itself:\n{tail(log)}")
    finally:
        await _end(process)


async def output_of(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float
) -> str:
    """What a program prints. Raises BenchError when it fails or takes longer than `seconds`."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment, cwd=folder
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        raise BenchError(f"{_shown(command)} took longer than {seconds:.0f} s") from None
    finally:
        await _end(process)
    if process.returncode != 0:
        said = "\n".join((err or out).decode(errors="replace").splitlines()[-_SHOWN_LINES:])
        raise BenchError(f"{_shown(command)} failed with code {process.returncode}:\n{said}")
    return out.decode()


async def json_of(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float
) -> dict[str, Any]:
    """The JSON object on the last line that a program prints. Raises BenchError."""
    lines = (await output_of(command, environment, folder, seconds)).splitlines()
    return json.loads(lines[-1])


def plain_environment() -> dict[str, str]:
    """Our environment without what would steer Estafette or PostgreSQL's programs."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ESTAFETTE_", "PG")) and name != "DATABASE_URL"
    }


def tail(log: Path) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:])


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _END_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    except BaseException:  # cancelled while it was ending: it must not stay behind
        with suppress(ProcessLookupError):
            process.kill()
        raise


def _shown(command: Sequence[str]) -> str:
    return " ".join(
        Path(word).name if number == 0 else word for number, word in enumerate(command)
    )[:120]

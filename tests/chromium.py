"""One Chromium for a worker's tests: a start of its own would cost each of them two seconds."""

import json
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

# `python -m playwright` would start the same as a child of a process that passes no signal on.
from playwright._impl._driver import (  # pyright: ignore[reportPrivateImportUsage]
    compute_driver_executable,
)

EXECUTABLE = os.environ.get("ESTAFETTE_TEST_CHROMIUM", "/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
_END_SECONDS = 60


@contextmanager
def chromium_server(folder: Path) -> Generator[str]:
    """Runs Chromium without a window; gives the address at which tests connect to it.

    Each test makes contexts of its own, which share nothing, and closes them. `folder` is for the
    options of the start.
    """
    options = folder / "chromium.json"
    options.write_text(json.dumps({"executablePath": EXECUTABLE, "args": _ARGUMENTS}))
    command = ["launch-server", "--browser", "chromium", "--config", str(options)]
    process = subprocess.Popen(
        [*compute_driver_executable(), *command],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("ws://"), f"Chromium does not start: {address}"
        yield address
    finally:
        process.terminate()
        process.wait(_END_SECONDS)
        process.stdout.close()

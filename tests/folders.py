"""Where the tests put databases: into memory, where the machine has room for them there.

A copy of the migrated template is hundreds of files, which on a busy disk take a second and more.
"""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM = 4 * 1024**3
"""Bytes that must be free in memory: a container has 64 MiB there, unless it is given more."""


def parent() -> Path:
    """Returns the folder in which to make others."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM:
        return _MEMORY
    return Path(tempfile.gettempdir())


def parents() -> list[Path]:
    """Returns the folders in which runs have made others, whatever room there is now."""
    return [folder for folder in (_MEMORY, Path(tempfile.gettempdir())) if folder.is_dir()]


@contextmanager
def own_folder(prefix: str = "estafette-tests-") -> Generator[Path]:
    """A new folder that PostgreSQL's user may pass, where that is another (we are root).

    Not one of pytest's: each run of pytest shuts the folder above all of those to other users.
    """
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent()) as folder:
        yield Path(folder)

"""The files of a running `up` in its data folder, which only its user may read.

`run.json` is for our own commands, `demo.json` for the developer's programs: both exist while
everything is ready, and go when `up` ends. `demo-keys.json` and `secret.key` stay.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, cast

_RUN = "run.json"
_LOCK = "up.lock"
_DEMO = "demo.json"
_DEMO_KEYS = "demo-keys.json"
_SECRET_KEY = "secret.key"  # noqa: S105 - a file's name


@dataclass(frozen=True)
class Running:
    """A running `up`: its process, its database, and the settings it runs with, as texts."""

    pid: int
    dsn: str
    base_url: str
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


def write_private(path: Path, text: str) -> None:
    """Writes a file with mode 0600 atomically: a reader sees the old one or the new one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(unfinished, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def write_running(data_dir: Path, running: Running) -> None:
    """Writes for our commands how to reach the running processes."""
    write_private(data_dir / _RUN, json.dumps(asdict(running), indent=2) + "\n")


def read_running(data_dir: Path) -> Running | None:
    """Returns the `up` that runs over this folder, or None; a killed one's file is ignored."""
    found = _read(data_dir / _RUN)
    try:
        running = Running(**found)
    except TypeError:
        return None
    return running if _is_held(data_dir) else None


def hold(data_dir: Path) -> IO[str] | None:
    """Locks the folder for as long as the returned file is open; None when another `up` has it.

    The kernel releases the lock when this process ends, however it ends. A process id would not
    show that, since it may belong to another program by then.
    """
    lock = os.fdopen(os.open(data_dir / _LOCK, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _is_held(data_dir: Path) -> bool:
    try:
        lock = (data_dir / _LOCK).open("r")
    except FileNotFoundError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def write_demo(
    data_dir: Path,
    base_url: str,
    accounts: Mapping[str, Mapping[str, str]],
    people: Mapping[str, str],
) -> None:
    """Writes for a developer's programs where the API is, its keys, and where people sign in."""
    signing_in = {name: {"url": url} for name, url in people.items()}
    found = {"base_url": base_url, "accounts": accounts, "people": signing_in}
    text = json.dumps(found, indent=2)
    write_private(data_dir / _DEMO, text + "\n")


def remove(data_dir: Path) -> None:
    """Removes the files that exist only while `up` runs."""
    for name in (_RUN, _DEMO):
        (data_dir / name).unlink(missing_ok=True)


def read_demo_keys(data_dir: Path) -> dict[str, dict[str, str]]:
    """Returns the demo accounts' API keys by account and name: the database has only hashes."""
    found = _read(data_dir / _DEMO_KEYS)
    return {name: keys for name, keys in found.items() if isinstance(keys, dict)}


def write_demo_keys(data_dir: Path, keys: Mapping[str, Mapping[str, str]]) -> None:
    """Remembers the API keys of the demo accounts."""
    write_private(data_dir / _DEMO_KEYS, json.dumps(keys, indent=2) + "\n")


def read_secret_keys(data_dir: Path) -> list[str]:
    """Returns the key that encrypts secrets, if `up` made one here, and the older keys after it.

    There are others while the key is changed: one a line.
    """
    try:
        return (data_dir / _SECRET_KEY).read_text("ascii").split()
    except FileNotFoundError:
        return []


def write_secret_key(data_dir: Path, key: str) -> None:
    """Keeps the key that encrypts webhook secrets."""
    write_private(data_dir / _SECRET_KEY, key + "\n")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

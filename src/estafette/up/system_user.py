"""Which system user runs the embedded PostgreSQL.

PostgreSQL refuses to run as root. Where root starts Estafette (in a container, on a fresh server),
PostgreSQL's processes run as a user of their own, else as the user who starts it.
"""

import os
import pwd
import shutil
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

NAME = "estafette"

_ATTEMPTS = 20
_PAUSE_SECONDS = 0.25


class SystemUserError(Exception):
    """No user can run the server here; the message says why and what to do next."""


@dataclass(frozen=True)
class SystemUser:
    """The user that owns the server's files and runs its processes."""

    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Returns whether processes must change to this user when they start."""
        return self.uid != os.geteuid()


# Where programs, their libraries and temporary files are.
_NEEDED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


def plain_environment() -> dict[str, str]:
    """Returns the environment of another program: without settings and secrets, in English.

    PostgreSQL's processes may run as another user, who can read their environment, and many
    variables change what PostgreSQL's programs do.
    """
    return {name: os.environ[name] for name in _NEEDED if name in os.environ} | {"LC_ALL": "C"}


def choose(files: Path) -> SystemUser:
    """Returns the user for the server whose files are, or will be, the folder `files`.

    Root takes the owner of existing files, else the system user `estafette`, which is created when
    it is missing. Raises `SystemUserError` when the files belong to somebody whom this process
    cannot act as, or when no user can be created.
    """
    owner = files.stat() if files.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            message = (
                f"{files} belongs to {_name(owner.st_uid)}, and this runs as"
                f" {_name(os.geteuid())}: run it as before, or choose another DATA_DIR"
            )
            raise SystemUserError(message)
        return SystemUser(os.geteuid(), os.getegid())
    if owner is not None and owner.st_uid != 0:
        return SystemUser(owner.st_uid, owner.st_gid)
    return _find_or_create()


def let_own(user: SystemUser, files: Path) -> None:
    """Give `user` the folder `files` with all in it when root has them, who restored a backup."""
    if user.is_other and files.stat().st_uid == 0:
        for path in (*files.rglob("*"), files):  # the folder last: half done, it is done anew
            os.chown(path, user.uid, user.gid, follow_symlinks=False)


def let_pass(user: SystemUser, folder: Path) -> list[Path]:
    """Let `user` reach `folder` when it is another user: add the right to pass, not to list.

    A home folder of root, where a checkout may well be, admits nobody else. Returns the folders
    whose rights were changed.
    """
    if not user.is_other:
        return []
    opened: list[Path] = []
    for parent in (folder, *folder.parents):
        status = parent.stat()
        owned = status.st_uid == user.uid and status.st_mode & stat.S_IXUSR
        if not owned and not status.st_mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
            opened.append(parent)
    return opened


def let_read(user: SystemUser, folder: Path) -> None:
    """Let `user` read and run what lies in `folder` when it is another user.

    A strict umask at the time of the installation hides the programs from everybody else.
    """
    if not user.is_other:
        return
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)


def _find_or_create() -> SystemUser:
    """Returns the user of our own name; several processes may want to create it at once."""
    reason = "the program useradd is missing"
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    for _ in range(_ATTEMPTS):
        try:
            entry = pwd.getpwnam(NAME)
        except KeyError:
            if program is None:
                break
        else:
            return SystemUser(entry.pw_uid, entry.pw_gid)
        command = [program, "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", NAME]
        created = subprocess.run(
            command,
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if created.returncode != 0:
            reason = created.stderr.strip()
            time.sleep(_PAUSE_SECONDS)
    message = (
        f"PostgreSQL does not run as root, and the user {NAME!r} cannot be created ({reason}):"
        " run this as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own"
    )
    raise SystemUserError(message)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"

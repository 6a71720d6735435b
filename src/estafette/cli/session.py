"""What a command works on: the settings, and the platform they lead to."""

import asyncio
import os
import pwd
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from estafette.cli.output import CommandError, note, styled
from estafette.core.audit import By
from estafette.settings import Settings
from estafette.settings.problems import load, unknown_variables
from estafette.terminal import plain
from estafette.up import runfile
from estafette.up.postgres import find_running

if TYPE_CHECKING:
    from estafette.usecases.platform import Platform

T = TypeVar("T")


def system_user() -> str:
    """Who runs this command, by the operating system; behind `sudo` also who called it."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number that has no name
        name = f"user {uid}"
    caller = os.environ.get("SUDO_USER", "") if uid == 0 else ""
    return f"{name} ({plain(caller)})" if caller else name


def settings(**options: object) -> Settings:
    """The settings of this process; variables that look like misspelt ones are remarked on.

    Raises SettingsError.
    """
    for problem in unknown_variables(os.environ):
        note(f"{styled('warning:', 'yellow', sys.stderr)} {problem}")
    return load(**options)


def beside(found: Settings) -> Settings:
    """The settings with which to reach a database: the one of the settings, or of a running `up`.

    Raises CommandError when there is neither, or no key to read its secrets with.
    """
    if found.database_url is None:
        found = _of_running(found)
    if found.secret_key is None:
        keys = runfile.read_secret_keys(found.data_dir)
        if not keys:
            raise no_secret_key()
        others = (*found.other_secret_keys, *keys[1:])
        found = replace(found, secret_key=keys[0], other_secret_keys=others)
    return found


def database(found: Settings) -> str:
    """The database of the settings, or of a running `up`. Raises CommandError."""
    return found.database_url or _of_running(found).database_url or ""


def _of_running(found: Settings) -> Settings:
    running = runfile.read_running(found.data_dir)
    if running is not None:
        return load(**running.settings, data_dir=found.data_dir, database_url=running.dsn)
    dsn = find_running(found.data_dir)
    if dsn is None:
        raise CommandError(
            f"no Estafette runs over {found.data_dir}: start one with `estafette up`,"
            " or set ESTAFETTE_DATA_DIR or DATABASE_URL",
            code="not_running",
        )
    return replace(found, database_url=dsn)


def no_secret_key() -> CommandError:
    """Why nothing goes without the key that encrypts webhook secrets."""
    return CommandError(
        "ESTAFETTE_SECRET_KEY is not set: webhook secrets are encrypted with it."
        " `estafette secret-key` prints a new one; keep it, and give every process the same",
        code="settings",
        exit_code=2,
    )


def on_platform(work: "Callable[[Platform], Awaitable[T]]") -> T:
    """Does the work on the platform that the settings lead to, and returns its result."""
    return run(settings(), work)


def run(found: Settings, work: "Callable[[Platform], Awaitable[T]]", *, fit: bool = True) -> T:
    """Does the work on the platform of these settings, and returns its result.

    Unless told otherwise, its database must be of this version, and its secrets be readable.
    """
    from estafette.app import open_platform  # loads every dialect
    from estafette.usecases.ready import must_be_fit

    async def opened() -> T:
        async with open_platform(beside(found), By.command(system_user())) as platform:
            if fit:
                await must_be_fit(platform)
            return await work(platform)

    return asyncio.run(opened())

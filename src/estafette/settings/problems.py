"""The settings of this process as they are loaded: a wrong one says which and why."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from estafette.settings import CONFIG, PREFIX, SETTINGS, Settings, config_file

_TESTS = PREFIX + "TEST_"  # a variable for tests is not a setting
_MAY_BE_EMPTY = "webhook_allowed_networks"  # an empty variable means none; others count as unset


class SettingProblem(NamedTuple):
    """One wrong setting: its name as it was written, its value where that is no secret, and why."""

    name: str
    value: str | None
    reason: str

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value}"
        return f"{self.name}{shown}: {self.reason}"


class SettingsError(Exception):
    """The settings are wrong; `problems` names each wrong one."""

    def __init__(self, problems: tuple[SettingProblem, ...]) -> None:
        """Keeps the problems; the text has one a line."""
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


class _Written(NamedTuple):
    """What a person wrote, and the name by which they wrote it."""

    name: str
    value: object


def load(**options: object) -> Settings:
    """Returns the settings of this process; `options` that are not None replace all others.

    Raises SettingsError.
    """
    found: dict[str, Any] = {}
    problems: list[SettingProblem] = []
    for name, written in _written(options, os.environ).items():
        if name not in SETTINGS:
            reason = f"there is no such setting{_did_you_mean(name, list(SETTINGS))}"
            problems.append(SettingProblem(written.name, None, reason))
            continue
        facts = SETTINGS[name].metadata
        try:
            found[name] = facts["read"](written.value)
        except ValueError as error:
            # A password has many places in an address of a database, and a wrong one is as likely
            # in the wrong place: of a secret nothing is shown.
            shown = None if facts["is_secret"] else repr(_without_password(written.value))
            problems.append(SettingProblem(written.name, shown, str(error)))
    if problems:
        raise SettingsError(tuple(problems))
    return Settings(**found, named=frozenset(found))


def _written(options: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, _Written]:
    """Returns what is written of each setting where it counts most: the last of these."""
    file = config_file(environ)
    found = {
        name: _Written(f"{name} in {file}", value)
        for name, value in (_read(file) if file else {}).items()
    }
    if url := environ.get("DATABASE_URL"):
        found["database_url"] = _Written("DATABASE_URL", url)
    for variable, value in environ.items():
        name = variable.upper().removeprefix(PREFIX).lower()
        is_ours = variable.upper() == PREFIX + name.upper() and name in SETTINGS
        if is_ours and (value or name == _MAY_BE_EMPTY):
            found[name] = _Written(variable, value)
    for name, value in options.items():
        if value is not None:
            found[name] = _Written("--" + name.replace("_", "-"), value)
    return found


def unknown_variables(environ: Mapping[str, str]) -> Iterator[SettingProblem]:
    """The variables with our prefix that are no setting: probably misspelt."""
    known = [PREFIX + name.upper() for name in SETTINGS] + [CONFIG]
    for name in sorted(environ):
        if name.startswith(PREFIX) and not name.startswith(_TESTS) and name not in known:
            yield SettingProblem(
                name, None, f"there is no such setting{_did_you_mean(name, known)}"
            )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        problem = SettingProblem(CONFIG, str(file), "there is no such file")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problem = SettingProblem(str(file), None, f"cannot be read: {error}")
    raise SettingsError((problem,))


def _without_password(value: object) -> object:
    """Returns the value as it may be shown: of a URL without user, password and query."""
    if not isinstance(value, str):
        return value
    scheme, separator, rest = value.rpartition("://")
    user, at, place = rest.rpartition("@")
    shown, query, _ = place.partition("?")
    if not at and not query:
        return value
    hidden = "…@" if user or at else ""
    return f"{scheme}{separator}{hidden}{shown}{'?…' if query else ''}"


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.75)
    return f"; did you mean {close[0]}?" if close else ""

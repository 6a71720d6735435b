"""The settings of this process as they are loaded: a wrong one says which and why."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError

from estafette.settings import CONFIG, PREFIX, Settings, config_file, unprefixed

_TESTS = PREFIX + "TEST_"  # what steers the tests is no setting

# Their values are never shown: a password has many places in an address of a database, and a wrong
# one is as likely in the wrong place.
_SECRET = frozenset({"secret_key", "other_secret_keys", "database_url", "metrics_token"})


class Problem(NamedTuple):
    """One wrong setting: its name as it was written, its value where that is no secret, and why."""

    name: str
    value: str | None
    reason: str

    def __str__(self) -> str:
        shown = "" if self.value is None else f" = {self.value}"
        return f"{self.name}{shown}: {self.reason}"


class SettingsError(Exception):
    """The settings are wrong; `problems` names each wrong one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keeps the problems; the text has one a line."""
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


def load(**options: Any) -> Settings:
    """The settings of this process; `options` (those that are not None) win over everything.

    Raises SettingsError.
    """
    given = {name: value for name, value in options.items() if value is not None}
    file = config_file(os.environ)
    written = _read(file) if file else {}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = (
            _problem(detail["loc"], detail["msg"], detail["type"], given, file, written)
            for detail in error.errors()
        )
        # a union of types reports each of them; one line for a setting is enough
        raise SettingsError(
            tuple({problem.name: problem for problem in problems}.values())
        ) from None


def unknown_variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    """The variables with our prefix that are no setting: probably misspelt."""
    known = [PREFIX + name.upper() for name in Settings.model_fields] + [CONFIG]
    for name in sorted(environ):
        if name.startswith(PREFIX) and not name.startswith(_TESTS) and name not in known:
            yield Problem(name, None, f"there is no such setting{_did_you_mean(name, known)}")


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        problem = Problem(CONFIG, str(file), "there is no such file")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problem = Problem(str(file), None, f"cannot be read: {error}")
    raise SettingsError((problem,))


def _problem(
    location: tuple[int | str, ...],
    message: str,
    kind: str,
    given: Mapping[str, object],
    file: Path | None,
    written: Mapping[str, object],
) -> Problem:
    field = str(location[0])
    if kind == "extra_forbidden":
        reason = f"there is no such setting{_did_you_mean(field, list(Settings.model_fields))}"
        return Problem(f"{field} in {file}", None, reason)
    name, value = _origin(field, given, file, written)
    shown = None if field in _SECRET else repr(_without_password(value))
    return Problem(name, shown, _allowed(field) or message.removeprefix("Value error, "))


def _origin(
    field: str, given: Mapping[str, object], file: Path | None, written: Mapping[str, object]
) -> tuple[str, object]:
    """What the person wrote, under the name by which they wrote it."""
    if field in given:
        return "--" + field.replace("_", "-"), given[field]
    variables = {name.upper(): (name, value) for name, value in os.environ.items() if value}
    if found := variables.get(PREFIX + field.upper()):
        return found
    if value := unprefixed(os.environ).get(field):
        return field.upper(), value
    return f"{field} in {file}", written.get(field)


def _without_password(value: object) -> object:
    """The value as it may be shown: of what looks like a URL no user, password and query."""
    if not isinstance(value, str):
        return value
    scheme, separator, rest = value.rpartition("://")
    user, at, place = rest.rpartition("@")
    shown, query, _ = place.partition("?")
    if not at and not query:
        return value
    hidden = "…@" if user or at else ""
    return f"{scheme}{separator}{hidden}{shown}{'?…' if query else ''}"


def _allowed(field: str) -> str | None:
    """What a number may be, or which words there are; None where the validator says it better."""
    info = Settings.model_fields[field]
    kind: Any = info.annotation
    if words := [word for word in get_args(kind) if isinstance(word, str)]:
        return f"must be one of {', '.join(words)}"
    if kind is bool:
        return "must be true or false"
    least = next((item.ge for item in info.metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in info.metadata if hasattr(item, "le")), None)
    if least is None or most is None:
        return None
    number = "number" if kind is float else "whole number"
    return f"must be a {number} from {least} to {most}"


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.75)
    return f"; did you mean {close[0]}?" if close else ""

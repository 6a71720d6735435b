"""Reading what people write on the command line: durations, times, ids."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from cyclopts import Parameter

from estafette.cli.output import misused
from estafette.core.accounts.account import MARKETS, Mode
from estafette.core.deliveries.event import NOTE_LIMIT
from estafette.core.ids import from_base32

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]
"""The option that every command has."""

AccountName = Annotated[str, Parameter(name="--account", help="The account's name.")]
ModeOption = Annotated[Mode, Parameter(name="--mode", help="sandbox or live.")]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"(\d{1,8})([smhd])")
_LONGEST = timedelta(days=3650)
_PREFIX = re.compile(r"^(?:[a-z]+_)+")
_PUBLIC_ID = re.compile(r"(?:[a-z]+_)*([a-z2-7]{26})\d*")


def check_note(text: str | None) -> None:
    """Refuses a note that is longer than the history keeps."""
    if text is not None and len(text) > NOTE_LIMIT:
        raise misused(f"--note must be at most {NOTE_LIMIT} characters long")


def duration(text: str) -> timedelta:
    """What `90s`, `30m`, `24h` or `7d` means."""
    found = _DURATION.fullmatch(text.strip().lower())
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if length is None or length > _LONGEST:
        raise misused(f"{text!r} is not a duration such as 30m, 24h or 7d, of at most 10 years")
    return length


def moment(text: str) -> datetime:
    """A time, written as RFC 3339 (UTC unless it says otherwise) or as a duration ago."""
    if _DURATION.fullmatch(text.strip().lower()):
        return datetime.now(UTC) - duration(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise misused(
            f"{text!r} is neither a time such as 2026-03-01T12:00:00Z nor a duration such as 2h"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def moment_to_come(text: str) -> datetime:
    """A time to come, written as RFC 3339 (UTC unless it says otherwise) or as a duration."""
    if _DURATION.fullmatch(text.strip().lower()):
        return datetime.now(UTC) + duration(text)
    return moment(text)


def known_market(text: str) -> str:
    """The code of a market, in whatever case. Raises CommandError for what is none."""
    code = text.upper()
    if code not in MARKETS:
        raise misused(f"there is no market {text!r}; there are {', '.join(sorted(MARKETS))}")
    return code


def identifier(text: str, what: str) -> UUID:
    """The id that a UUID names, or what some dialect shows of it (`dlv_…`, `wh_…`, `evt_…`).

    The dialects are asked only about what has none of the usual forms: they take time to load.
    """
    text = text.strip()
    try:
        return UUID(_PREFIX.sub("", text))
    except ValueError:
        pass
    shown = _PUBLIC_ID.fullmatch(text)
    id = from_base32(shown[1]) if shown else None
    if id is None:
        from estafette.app import public_id

        id = public_id(text)
    if id is None:
        raise misused(f"{text!r} is not the id of {what}")
    return id

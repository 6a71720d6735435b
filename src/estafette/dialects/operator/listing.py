"""The query strings of lists: the number of rows, the cursor, the mode."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from estafette.core.accounts.account import MARKETS, Mode
from estafette.http.parameters import Query, Unreadable, moment, single, whole_number

DEFAULT_LIMIT = 50
MOST = 200


def limit_of(query: Query) -> int:
    """Returns how many rows are asked for."""
    return query.read("limit", whole_number(1, MOST)) or DEFAULT_LIMIT


def mode_of(query: Query) -> Mode:
    """Returns the mode that is asked for; live if none is given."""
    return query.read("mode", _mode) or Mode.LIVE


def _mode(values: list[str]) -> Mode:
    try:
        return Mode(single(values))
    except ValueError:
        raise Unreadable("must be live or sandbox") from None


def market(values: list[str]) -> str:
    """Returns a market's code."""
    code = single(values)
    if code not in MARKETS:
        raise Unreadable(f"must be one of {', '.join(MARKETS)}")
    return code


def an_id(values: list[str]) -> UUID:
    """Returns an id."""
    try:
        return UUID(single(values))
    except ValueError:
        raise Unreadable("must be an id") from None


def flag(values: list[str]) -> bool:
    """Returns true or false."""
    value = single(values)
    if value not in ("true", "false"):
        raise Unreadable("must be true or false")
    return value == "true"


def time(values: list[str]) -> datetime:
    """Returns a time."""
    return moment(values).at


def write_cursor(text: str) -> str:
    """Returns the place where a list continues, as a cursor that callers see."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def cursor(values: list[str]) -> str:
    """Returns what `write_cursor` wrote."""
    written = single(values)
    try:
        text = base64.b64decode(written + "=" * (-len(written) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Unreadable("was not given out by this list") from None
    if "\0" in text:
        raise Unreadable("was not given out by this list")
    return text


def id_cursor(values: list[str]) -> UUID:
    """Returns the id after which a list continues."""
    try:
        return UUID(cursor(values))
    except ValueError:
        raise Unreadable("was not given out by this list") from None

"""The list's query string: its filters and its cursor."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from estafette.core.delivery import Status
from estafette.dialects.kaspi.errors import Detail, InvalidRequest
from estafette.dialects.kaspi.schemas import TEXT_LIMIT
from estafette.dialects.kaspi.words import STATUSES, milestones_of
from estafette.usecases.find import Filter, Position

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

# A "+" that was not encoded arrives as a space.
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?"
    r"([Zz]|[+ -][0-9]{2}:[0-9]{2})"
)
_NUMBER = re.compile(r"[0-9]{1,9}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


class ListRequest(NamedTuple):
    """What `GET /v1/deliveries` is asked for."""

    filter: Filter
    after: Position | None
    limit: int


class _Unreadable(Exception):  # noqa: N818 - a reason on its way into the details
    """Why a parameter cannot be read."""


Value = TypeVar("Value")
Parameters = dict[str, list[str]]


def parameters(query: bytes) -> Parameters:
    """The values of each parameter of a query string, in order."""
    found: Parameters = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def read_list(query: bytes) -> ListRequest:
    """The request in a query string. Raises InvalidRequest with all bad parameters."""
    values = parameters(query)
    details: list[Detail] = []

    def read(name: str, reader: Callable[[list[str]], Value]) -> Value | None:
        try:
            return reader(values[name]) if name in values else None
        except _Unreadable as problem:
            details.append(Detail(name, str(problem)))
            return None

    request = ListRequest(
        Filter(
            milestones=read("status", _statuses),
            external_ref=read("externalOrderId", _text),
            created_from=read("createdFrom", _from),
            created_to=read("createdTo", _to),
        ),
        after=read("cursor", _cursor),
        limit=read("limit", _limit) or DEFAULT_LIMIT,
    )
    if details:
        raise InvalidRequest(tuple(details))
    return request


def _single(values: list[str]) -> str:
    if len(values) > 1:
        raise _Unreadable("must be given once")
    return values[0]


def _statuses(values: list[str]) -> list[Status]:
    """One status, several with commas between, or the parameter several times."""
    wanted = ",".join(values).split(",")
    if not set(wanted) <= set(STATUSES):
        raise _Unreadable(f"must be one or more of {', '.join(STATUSES)}, separated by commas")
    return milestones_of(wanted)


def _text(values: list[str]) -> str:
    text = _single(values)
    if "\0" in text:
        raise _Unreadable("contains the character NUL")
    if len(text) > TEXT_LIMIT:
        raise _Unreadable(f"must be at most {TEXT_LIMIT} characters long")
    return text


def _limit(values: list[str]) -> int:
    text = _single(values)
    if _NUMBER.fullmatch(text) is None or not 1 <= int(text) <= MAX_LIMIT:
        raise _Unreadable(f"must be an integer from 1 to {MAX_LIMIT}")
    return int(text)


def _time(values: list[str]) -> tuple[datetime, bool]:
    """The time, and whether it names a whole second."""
    found = _DATE_TIME.fullmatch(_single(values))
    try:
        if found is None:
            raise ValueError
        date, time, fraction, zone = found.groups()
        zone = zone.upper().replace(" ", "+")
        text = f"{date}T{time}{(fraction or '')[:7]}{zone}"
        return datetime.fromisoformat(text).astimezone(UTC), fraction is None
    except (ValueError, OverflowError):
        raise _Unreadable("must be a time of RFC 3339, such as 2024-06-12T08:20:54Z") from None


def _from(values: list[str]) -> datetime:
    return _time(values)[0]


def _to(values: list[str]) -> datetime:
    """Inclusive: a whole second, as times are shown, includes all of that second."""
    time, whole = _time(values)
    return time + (_SECOND - _MICROSECOND) if whole else time


def write_cursor(position: Position) -> str:
    """A position as an opaque text."""
    microseconds = (position.created_at - _EPOCH) // _MICROSECOND
    raw = microseconds.to_bytes(8, "big", signed=True) + position.id.bytes
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _cursor(values: list[str]) -> Position:
    text = _single(values)
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        if len(raw) != 24:
            raise ValueError
        microseconds = int.from_bytes(raw[:8], "big", signed=True)
        return Position(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=raw[8:]))
    except (ValueError, OverflowError, binascii.Error):
        raise _Unreadable("must be the nextCursor of an earlier page") from None

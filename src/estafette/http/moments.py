"""Times as the dialects write and read them: written by RFC 3339, read as ISO 8601 with a zone.

The formats of the libraries of common languages are read: RFC 3339; a space for the "T", as
Python's `str` writes it; a zone without its colon, as PHP's `DATE_ISO8601` writes it; no seconds.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(?:(:[0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(?:[Zz]|([+-](?:[01][0-9]|2[0-3]))(?::?([0-5][0-9]))?)"
)
_ALMOST_A_SECOND = timedelta(seconds=1) - timedelta(microseconds=1)


class Moment(NamedTuple):
    """A time in UTC that was read, and whether it was written in whole seconds."""

    at: datetime
    is_whole: bool

    @property
    def end(self) -> datetime:
        """The last moment that is written the same way: of whole seconds, the second's end."""
        return self.at + _ALMOST_A_SECOND if self.is_whole else self.at


def timestamp(time: datetime) -> str:
    """Returns a time by RFC 3339 in UTC, in whole seconds, with `Z`."""
    there = time if time.tzinfo is UTC else time.astimezone(UTC)
    return there.isoformat()[:19] + "Z"


def read_moment(text: str) -> Moment | None:
    """Returns the time of an ISO 8601 text with a zone, or None when it is not such a text."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    date, minutes, seconds, fraction, hours_off, minutes_off = found.groups()
    zone = f"{hours_off or '+00'}:{minutes_off or '00'}"
    try:
        written = f"{date}T{minutes}{seconds or ':00'}.{(fraction or '0')[:6]:0<6}{zone}"
        at = datetime.fromisoformat(written).astimezone(UTC)
        moment = Moment(at, fraction is None)
        _ = moment.end
    except (ValueError, OverflowError):
        return None
    return moment

"""Times as the dialects write and read them: RFC 3339, which is ISO 8601 with a zone."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_ALMOST_A_SECOND = timedelta(seconds=1) - timedelta(microseconds=1)


class Moment(NamedTuple):
    """A time in UTC that was read, and whether it was written in whole seconds."""

    at: datetime
    is_whole: bool

    @property
    def end(self) -> datetime:
        """The last moment that is shown as this one: a whole second includes all of itself."""
        return self.at + _ALMOST_A_SECOND if self.is_whole else self.at


def timestamp(time: datetime) -> str:
    """RFC 3339 in UTC, whole seconds, with `Z`."""
    there = time if time.tzinfo is UTC else time.astimezone(UTC)
    return there.isoformat()[:19] + "Z"


def read_moment(text: str) -> Moment | None:
    """The time of an RFC 3339 text; None when it is none."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    date, time, fraction, zone = found.groups()
    try:
        written = f"{date}T{time}{(fraction or '')[:7]}{zone.upper()}"
        at = datetime.fromisoformat(written).astimezone(UTC)
        moment = Moment(at, fraction is None)
        _ = moment.end
    except (ValueError, OverflowError):
        return None
    return moment

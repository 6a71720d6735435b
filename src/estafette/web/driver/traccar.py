"""The protocol of Traccar Client: one position as parameters, or as JSON (its versions from 9 on).

As Traccar's own server reads it under the name OsmAnd: `id`, `lat`, `lon`, `timestamp` (seconds or
milliseconds since 1970, or ISO 8601), `speed` (knots), `bearing`, `accuracy`, `batt`, in the query
or as a form; or `{"device_id", "location": {"timestamp", "coords": {…}, "battery": {"level"}}}`,
where the speed is in metres a second and the level a part of one. What else is sent is passed over.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, cast

from estafette.core.fleet.position import MOST_AT_ONCE, Place
from estafette.http.parameters import parameters
from estafette.http.strict_json import decode

BODY_LIMIT: Final = 64 * 1024
_LONGEST_TOKEN: Final = 100
_KNOT: Final = 1.852  # kilometres an hour
_METRES_A_SECOND: Final = 3.6  # kilometres an hour
_SECONDS_END: Final = 2**31
"""A larger number counts milliseconds, as Traccar's server has it."""


class Report(NamedTuple):
    """What a device sent: its token, and where it was."""

    token: str
    places: Sequence[Place]


def read(query: bytes, body: bytes, media_type: str, now: datetime) -> Report | None:
    """Returns what a request tells; None where it is none of this protocol. Raises BadBody."""
    if media_type == "application/json":
        return _of_json(decode(body), now)
    given = parameters(query) or parameters(body)
    values = {name: found[-1] for name, found in given.items()}
    token = values.get("id") or values.get("deviceid") or ""
    place = _of_parameters(values, now)
    return _report(token, [] if place is None else [place])


def _report(token: str, places: Sequence[Place]) -> Report | None:
    is_one = 0 < len(token) <= _LONGEST_TOKEN and token.isascii() and bool(places)
    return Report(token, places) if is_one else None


def _of_parameters(values: Mapping[str, str], now: datetime) -> Place | None:
    latitude, longitude = values.get("lat", ""), values.get("lon", "")
    if "location" in values:
        latitude, _, longitude = values["location"].partition(",")
    north, east = _number(latitude), _number(longitude)
    at = _moment(values.get("timestamp"), now)
    if north is None or east is None or at is None:
        return None
    speed = _number(values.get("speed"))
    return Place(
        at,
        north,
        east,
        _number(values.get("accuracy")),
        None if speed is None else speed * _KNOT,
        _number(values.get("bearing", values.get("heading"))),
        _number(values.get("batt")),
    )


def _of_json(value: Any, now: datetime) -> Report | None:
    if not isinstance(value, dict):
        return None
    given = cast("dict[str, Any]", value)
    told = given.get("location")
    many = cast("list[Any]", told) if isinstance(told, list) else [told]
    found = [_of_location(each, now) for each in many[:MOST_AT_ONCE]]
    places = [place for place in found if place is not None]
    token = given.get("device_id")
    return _report(token if isinstance(token, str) else "", places)


def _of_location(value: Any, now: datetime) -> Place | None:
    location = _object(value)
    coords = _object(location.get("coords"))
    north, east = _number(coords.get("latitude")), _number(coords.get("longitude"))
    at = _moment(location.get("timestamp"), now)
    if north is None or east is None or at is None:
        return None
    speed, level = (
        _number(coords.get("speed")),
        _number(_object(location.get("battery")).get("level")),
    )
    return Place(
        at,
        north,
        east,
        _number(coords.get("accuracy")),
        None if speed is None else speed * _METRES_A_SECOND,
        _number(coords.get("heading")),
        None if level is None else level * 100,
    )


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    """Returns a finite number; None for anything else, such as what a device does not know."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and not (value.isascii() and len(value) <= 40):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _moment(value: Any, now: datetime) -> datetime | None:
    """Returns a time; now where none is told, None where it cannot be read."""
    if value is None or value == "":
        return now
    number = _number(value)
    try:
        if number is not None:
            seconds = number if number < _SECONDS_END else number / 1000
            return datetime.fromtimestamp(seconds, UTC)
        if not isinstance(value, str) or len(value) > 40:
            return None
        read = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)

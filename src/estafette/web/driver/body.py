"""What the page's scripts send: JSON with the driver, the phone's time, and a bounded list."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from starlette.exceptions import HTTPException

from estafette.http.refusals import BadBody
from estafette.http.strict_json import decode
from estafette.web.driver.visit import Code, DriverVisit

_LATEST_MOMENT: Final = 1e13
"""In milliseconds since 1970, in the year 2286: what any two such times differ by can be added to
a third, and is a time still."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A list of the page: whose it is, what the phone's clock showed when it was sent."""

    driver: UUID
    now: datetime
    items: list[dict[str, Any]]
    rest: dict[str, Any]


def batch_of(body: bytes, name: str, most: int) -> Batch:
    """Returns the list called `name`, of `most` objects at most. Raises BadBody."""
    value = decode(body)
    if not isinstance(value, dict):
        raise BadBody("is no object")
    given = cast("dict[str, Any]", value)
    items = given.get(name)
    if not isinstance(items, list):
        raise BadBody(f"has no list of {name}")
    listed = cast("list[Any]", items)
    if len(listed) > most or not all(isinstance(each, dict) for each in listed):
        raise BadBody(f"has no list of at most {most} {name}")
    return Batch(uuid_of(given.get("driver")), moment_of(given.get("now")), listed, given)


def must_be_of(visit: DriverVisit, batch: Batch) -> None:
    """Refuses what another driver did on the same phone. Raises HTTPException 409."""
    if batch.driver != visit.driver.id:
        raise HTTPException(409, Code.OTHER_DRIVER)


def uuid_of(value: Any) -> UUID:
    """Returns an id. Raises BadBody."""
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadBody("has something else where an id is expected") from None


def moment_of(value: Any) -> datetime:
    """Returns a time that is written in milliseconds since 1970. Raises BadBody."""
    moment = told_moment(value)
    if moment is None:
        raise BadBody("has something else where a time is expected")
    return moment


def told_moment(value: Any) -> datetime | None:
    """Returns the same; None for anything else."""
    number = number_of(value)
    if number is None or not 0 <= number < _LATEST_MOMENT:
        return None
    return datetime.fromtimestamp(number / 1000, UTC)


def number_of(value: Any) -> float | None:
    """Returns a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None

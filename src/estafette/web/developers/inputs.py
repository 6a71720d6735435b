"""What people type into the forms and filters of these pages, and what lists are given of it."""

from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException

from estafette.web.visit import Visit

PAGE = 50
"""How many lines a page of a list has."""


def id_in(text: str) -> UUID:
    """Returns the id in hex that a part of a path is. Raises HTTPException (404)."""
    try:
        return UUID(hex=text)
    except ValueError:
        raise HTTPException(404) from None


def zone_of(visit: Visit) -> ZoneInfo:
    """Returns the clock of the account."""
    return ZoneInfo(visit.account.market.time_zone)


def moment_in(text: str, zone: ZoneInfo) -> datetime | None:
    """Returns the moment that a field of a date and a time holds; None for none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 2000 <= moment.year <= 9000:
        return None
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def day_in(text: str) -> date | None:
    """Returns the day that a field holds; None for none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 9000 else None


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Returns when a day is over."""
    return datetime.combine(day + timedelta(days=1), time(), zone)


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """Returns when a day begins."""
    return datetime.combine(day, time(), zone)

"""What people type into the forms and filters of these pages."""

from datetime import datetime
from zoneinfo import ZoneInfo

from estafette.web.visit import Visit


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

"""Windows of hours in which a parcel is brought: which ones a courier company offers, and when.

After a failed attempt the delivery comes up again in a window; its recipient may choose another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, NamedTuple, Protocol

MOST_HOURS: Final = 12
MOST_DAYS: Final = 14
MOST_CHANGES: Final = 10
MOST_OFFERED: Final = 40
"""How many windows are offered at most, the next ones."""

AHEAD: Final = timedelta(hours=1)
"""A window begins so long from now at the earliest: the driver has to come from somewhere."""

_SEARCHED_DAYS: Final = 8
"""How far ahead the next window is looked for, in days: a week has all hours of a company."""

_SHORTEST: Final = timedelta(hours=1)
_FIRST, _LAST = time(8), time(20)
"""Between these a company that works always comes to a door."""


class Window(NamedTuple):
    """From when to when a parcel is brought."""

    start: datetime
    end: datetime

    def is_ahead(self, now: datetime) -> bool:
        """Whether it has not begun yet."""
        return now < self.start


class _Hours(Protocol):
    """When a company works; see `core.couriers.company.Hours`."""

    @property
    def days(self) -> Mapping[str, tuple[tuple[time, time], ...]]:
        """For each day of the week its spans."""
        ...


@dataclass(frozen=True, slots=True)
class WindowRules:
    """Which windows a company offers. Raises ValueError for what is out of bounds.

    Attributes:
        hours: how long a window is.
        days: within how many days a recipient may choose one, today counted.
        changes: how often the recipient of a delivery may; 0: not at all.
    """

    hours: int = 4
    days: int = 3
    changes: int = 2

    def __post_init__(self) -> None:
        """Checks the values."""
        for name, (least, most) in BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name} is {value}, and has to be from {least} to {most}")


BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "hours": (1, MOST_HOURS),
    "days": (1, MOST_DAYS),
    "changes": (0, MOST_CHANGES),
}
"""From where to where the numbers of `WindowRules` go."""

AS_USUAL: Final = WindowRules()
"""What a company offers that has said nothing."""

_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def offered(
    rules: WindowRules,
    hours: _Hours | None,
    zone: tzinfo,
    now: datetime,
    days: int | None = None,
) -> list[Window]:
    """Returns the windows that a recipient may choose at a moment, the next first.

    Those within the company's working `hours`, by the clocks of its `zone`: each span of a day is
    cut into windows from its beginning on. One over midnight is of the day on which it begins: the
    rest of yesterday's is offered too. `days` other than those of the rules are looked at where
    they are given.
    """
    today, found = now.astimezone(zone).date(), list[Window]()
    for number in range(-1, rules.days if days is None else days):
        day = today + timedelta(days=number)
        for begins, ends in _spans(hours, day):
            found += _cut(day, begins, ends, rules.hours, zone)
    ahead = [window for window in found if window.start >= now + AHEAD]
    return sorted(ahead)[:MOST_OFFERED]


def next_window(
    rules: WindowRules, hours: _Hours | None, zone: tzinfo, now: datetime
) -> Window | None:
    """Returns the next window in which it is tried again; None where the company never works."""
    found = offered(rules, hours, zone, now, max(rules.days, _SEARCHED_DAYS))
    return found[0] if found else None


def _spans(hours: _Hours | None, day: date) -> tuple[tuple[time, time], ...]:
    if hours is None:
        return ((_FIRST, _LAST),)
    return hours.days.get(_WEEKDAYS[day.weekday()], ())


def _cut(day: date, begins: time, ends: time, hours: int, zone: tzinfo) -> list[Window]:
    """Returns the windows of a span, which ends on the next day where it ends at its beginning."""
    last = datetime.combine(day if ends > begins else day + timedelta(days=1), ends)
    start, windows = datetime.combine(day, begins), list[Window]()
    while last - start >= _SHORTEST:
        end = min(start + timedelta(hours=hours), last)
        windows.append(Window(start.replace(tzinfo=zone), end.replace(tzinfo=zone)))
        start = end
    return windows

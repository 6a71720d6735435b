"""The form by which a recipient chooses another time, which then is what is promised."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.deliveries.rescheduling import WhyNot
from estafette.core.deliveries.windows import Window
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.tracking import dates
from estafette.web.tracking.texts import Texts, WhenWords
from estafette.web.tracking.where import Choice

LIMIT: Final = 1024
"""How long the form may be, in bytes."""


class Reschedule(Protocol):
    """Brings a delivery at another time: see `usecases.deliveries.reschedule.reschedule`."""

    async def __call__(
        self, delivery_id: UUID, start: datetime, visitor: str | None = None
    ) -> object:
        """Raises RescheduleRefused, DeliveryNotFound, Busy."""
        ...


@dataclass(frozen=True, slots=True)
class WhenView:
    """What the page of the form shows, in words; `fault` is what is wrong."""

    choices: tuple[Choice, ...]
    holds: str | None
    said: str | None
    fault: str | None


def view(
    of: TrackedDelivery, texts: Texts, now: datetime, *, fault: str | None = None, said: bool
) -> WhenView:
    """Returns the page for a delivery; `said`: its recipient has just chosen."""
    zone = ZoneInfo(of.time_zone)

    def worded(window: Window) -> str:
        return dates.window(*window, now, zone, texts)

    choices = tuple(
        Choice(written(window), worded(window)[:1].upper() + worded(window)[1:])
        for window in of.times
    )
    holds, thanks = None, None
    if of.window is not None and now < of.window.end:
        holds = texts.when.holds.format(window=worded(of.window))
        thanks = texts.when.thanks.format(window=worded(of.window)) if said else None
    if fault is None and not choices and thanks is None:
        fault = fault_of(of.why_not or WhyNot.GONE, texts.when)
    return WhenView(choices, holds, thanks, fault)


def fault_of(why: WhyNot, words: WhenWords) -> str:
    """Returns why another time cannot be chosen, in the words of a language."""
    return {
        WhyNot.GONE: words.late,
        WhyNot.OFTEN: words.often,
        WhyNot.AT_THE_DOOR: words.at_the_door,
    }.get(why, words.none)


def written(window: Window) -> str:
    """Returns by what a form names a window."""
    return window.start.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def chosen(value: str) -> datetime | None:
    """Returns when the window begins that a form names; None: it names none."""
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None

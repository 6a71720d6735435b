"""The form by which a recipient chooses another time, which then is what is promised."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.deliveries.places import DeliveryOver
from estafette.core.deliveries.rescheduling import RescheduleRefused, WhyNot
from estafette.core.deliveries.windows import Window
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.forms import Form
from estafette.web.tracking import dates, render
from estafette.web.tracking.forms import Asked
from estafette.web.tracking.texts import Texts, WhenWords
from estafette.web.tracking.where import Choice


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


@dataclass(frozen=True, slots=True)
class WhenForm:
    """The form for another time; `reschedule` brings the parcel at the one that is chosen."""

    reschedule: Reschedule
    name: str = "when"
    limit: int = 1024

    def unread(self, texts: Texts) -> str:
        """Returns what is said where it cannot be read."""
        return texts.when.late

    async def do(self, asked: Asked, form: Form) -> str | None:
        """Promises the time that was chosen; returns why not. Raises DeliveryOver, Busy."""
        start = _chosen(form.value("when")[:20])
        if start is None:
            return _fault_of(WhyNot.GONE, asked.texts.when)
        try:
            await self.reschedule(asked.delivery.id, start, asked.visitor)
        except RescheduleRefused as refusal:
            if refusal.why is WhyNot.OVER:
                raise DeliveryOver from None
            return _fault_of(refusal.why, asked.texts.when)
        return None

    def html(self, asked: Asked, form: Form, fault: str | None, *, is_done: bool) -> str:
        """Returns its page."""
        view = _view(asked.delivery, asked.texts, asked.now, fault=fault, said=is_done)
        return render.form(self.name, view, asked.texts, asked.links)


def _view(
    of: TrackedDelivery, texts: Texts, now: datetime, *, fault: str | None = None, said: bool
) -> WhenView:
    """Returns the page for a delivery; `said`: its recipient has just chosen."""
    zone = ZoneInfo(of.time_zone)

    def worded(window: Window) -> str:
        return dates.window(*window, now, zone, texts)

    choices = tuple(
        Choice(_written(window), worded(window)[:1].upper() + worded(window)[1:])
        for window in of.times
    )
    holds, thanks = None, None
    if of.window is not None and now < of.window.end:
        holds = texts.when.holds.format(window=worded(of.window))
        thanks = texts.when.thanks.format(window=worded(of.window)) if said else None
    if fault is None and not choices and thanks is None:
        fault = _fault_of(of.why_not or WhyNot.GONE, texts.when)
    return WhenView(choices, holds, thanks, fault)


def _fault_of(why: WhyNot, words: WhenWords) -> str:
    """Returns why another time cannot be chosen, in the words of a language."""
    return {
        WhyNot.GONE: words.late,
        WhyNot.OFTEN: words.often,
        WhyNot.AT_THE_DOOR: words.at_the_door,
    }.get(why, words.none)


def _written(window: Window) -> str:
    """Returns by what a form names a window."""
    return window.start.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _chosen(value: str) -> datetime | None:
    """Returns when the window begins that a form names; None: it names none."""
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        return None

"""The form by which a recipient says where exactly, and when, a parcel shall come.

What is said is kept and never shown again here: whoever has the link could read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from estafette.core.deliveries.places import (
    LONGEST_LANDMARK,
    LONGEST_NOTE,
    LONGEST_POINT,
    DeliveryOver,
    PlaceRefusal,
    said_text,
)
from estafette.web.forms import Form
from estafette.web.tracking import dates, render
from estafette.web.tracking.forms import Asked
from estafette.web.tracking.texts import Texts, WhereWords

_DAYS = 3
_PARTS: Final[tuple[Literal["morning", "afternoon", "evening"], ...]] = (
    "morning",
    "afternoon",
    "evening",
)
_HOURS: Final[Mapping[str, tuple[int, int]]] = {
    "morning": (8, 12),
    "afternoon": (12, 17),
    "evening": (17, 21),
}

Window = tuple[datetime, datetime]


class Say(Protocol):
    """Keeps what the recipient of a delivery says: see `usecases.deliveries.places.say_where`."""

    async def __call__(
        self,
        delivery_id: UUID,
        now: datetime,
        *,
        point: str,
        landmark: str | None,
        note: str | None,
        wanted: Window | None,
        visitor: str | None,
    ) -> None:
        """Raises PlaceRefusal, DeliveryNotFound, Busy."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A better time that may be chosen: its value, and in words."""

    value: str
    name: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the form, bounded."""

    point: str = ""
    landmark: str = ""
    note: str = ""
    when: str = ""

    @classmethod
    def of(cls, form: Form) -> "Typed":
        """Returns what a form holds."""
        return cls(
            form.value("point")[:LONGEST_POINT],
            said_text(form.value("landmark"), LONGEST_LANDMARK) or "",
            said_text(form.value("note"), LONGEST_NOTE) or "",
            form.value("when")[:20],
        )


@dataclass(frozen=True, slots=True)
class WhereView:
    """What the page of the form shows; `fault` is what is wrong, in words."""

    choices: tuple[Choice, ...]
    typed: Typed
    fault: str | None
    is_said: bool
    longest_landmark: int = LONGEST_LANDMARK
    longest_note: int = LONGEST_NOTE
    longest_point: int = LONGEST_POINT


@dataclass(frozen=True, slots=True)
class WhereForm:
    """The form for where exactly; `say` keeps what is filled in."""

    say: Say
    name: str = "where"
    limit: int = 16 * 1024

    def unread(self, texts: Texts) -> str:
        """Returns what is said where it cannot be read."""
        return texts.where.too_long

    async def do(self, asked: Asked, form: Form) -> str | None:
        """Keeps what was filled in; returns what is wrong with it. Raises DeliveryOver, Busy."""
        typed, words = Typed.of(form), asked.texts.where
        wanted = window(typed.when, asked.now, ZoneInfo(asked.delivery.time_zone))
        if typed.when and wanted is None:
            return words.late
        try:
            await self.say(
                asked.delivery.id,
                asked.now,
                point=typed.point,
                landmark=typed.landmark or None,
                note=typed.note or None,
                wanted=wanted,
                visitor=asked.visitor,
            )
        except DeliveryOver:
            raise
        except PlaceRefusal as refusal:
            return _fault_of(refusal, words)
        return None

    def html(self, asked: Asked, form: Form, fault: str | None, *, is_done: bool) -> str:
        """Returns its page."""
        zone, texts = ZoneInfo(asked.delivery.time_zone), asked.texts
        is_chosen = asked.delivery.times  # a time can be chosen: none need be wished for
        wishes = () if is_chosen else choices(asked.now, zone, texts)
        view = WhereView(wishes, Typed.of(form), fault, is_done)
        return render.form(self.name, view, texts, asked.links)


def _fault_of(refusal: PlaceRefusal, words: WhereWords) -> str:
    """Returns what is wrong with what was typed, in the words of a language."""
    return {"point": words.unreadable, "far": words.far, "often": words.often}.get(
        refusal.code, words.empty
    )


def choices(now: datetime, zone: tzinfo, texts: Texts) -> tuple[Choice, ...]:
    """Returns the times that may be chosen at a moment: parts of the next days, by local clocks."""
    here = now.astimezone(zone)
    found: list[Choice] = []
    for days in range(_DAYS):
        day = here.date() + timedelta(days=days)
        for part in _PARTS:
            begin, _ = _window(day, part, zone)
            if begin > here:
                words = texts.calendar
                pattern = words.part_far if days > 1 else words.part_near
                name = pattern.format(date=dates.day(begin, here, texts), part=words.parts[part])
                found.append(Choice(f"{day.isoformat()}/{part}", name[:1].upper() + name[1:]))
    return tuple(found)


def window(value: str, now: datetime, zone: tzinfo) -> Window | None:
    """Returns from when to when a choice is; None for what cannot be chosen any more."""
    written, _, part = value.partition("/")
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    if part not in _HOURS or not 0 <= (day - now.astimezone(zone).date()).days < _DAYS:
        return None
    chosen = _window(day, part, zone)
    return chosen if chosen[1] > now else None


def _window(day: date, part: str, zone: tzinfo) -> Window:
    begin, end = _HOURS[part]
    return datetime.combine(day, time(begin), zone), datetime.combine(day, time(end), zone)

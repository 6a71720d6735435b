"""The page's words: `texts/<language>.toml`, read into types and checked for gaps at start."""

import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.failing import AttemptReason
from estafette.core.fleet.reasons import DriverReason

_FOLDER = Path(__file__).parent / "texts"


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StatusWords(_Words):
    """The texts of a status: in the list of steps, as the page's sentence, and in detail."""

    step: str
    headline: str
    detail: str


class StepWords(_Words):
    """The text of a step of the list that is not a status of its own."""

    step: str


class PageWords(_Words):
    """Everything on the page that is not about a status."""

    title: str
    from_: str = Field(alias="from")
    to: str
    delivery: str
    pickup: str
    planned: str
    delivered: str
    late: str
    note: str
    history: str
    live: str
    reconnecting: str
    updates: str
    reload: str
    privacy: str
    local_time: str
    number: str
    language: str
    missing_title: str
    missing_detail: str
    crowded_title: str
    crowded_detail: str
    trouble_title: str
    trouble_detail: str
    preview: str
    sender: str
    carrier: str
    call: str
    cash: str
    cash_detail: str
    pin: str
    pin_detail: str
    offline: str
    missing_steps: tuple[str, ...]
    expired_title: str
    expired_detail: str
    expired_steps: tuple[str, ...]


class WhereWords(_Words):
    """The page on which a recipient says where exactly; `found` knows `{metres}`."""

    title: str
    link: str
    about: str
    point: str
    point_hint: str
    here: str
    asking: str
    found: str
    denied: str
    landmark: str
    note: str
    when: str
    any_time: str
    wish: str
    send: str
    thanks: str
    privacy: str
    empty: str
    unreadable: str
    far: str
    often: str
    late: str
    too_long: str


class WhenWords(_Words):
    """The page on which a recipient chooses another time; `holds` and `thanks` know `{window}`."""

    title: str
    link: str
    about: str
    holds: str
    choose: str
    send: str
    thanks: str
    late: str
    often: str
    at_the_door: str
    none: str


class AttemptWords(_Words):
    """An attempt to deliver that failed; `again` knows the `{window}` of the next one."""

    step: str
    headline: str
    again: str
    asks: str
    reasons: dict[AttemptReason, str]


class HandedBackWords(StatusWords):
    """A delivery that a driver has given back, with what drivers choose as the reason."""

    reasons: dict[DriverReason, str]


class NearWords(_Words):
    """The courier on the way to the recipient; `far` knows `{n}`, whole kilometres."""

    under_way: str
    close: str
    far: str
    map: str
    about: str


class CalendarWords(_Words):
    """Names and patterns of dates and times; `dates.py` fills the patterns.

    `date` knows `{weekday}`, `{day}`, `{month}`; `date_with_year` also `{year}`; `by` (a
    deadline) and `at` (a moment) know `{date}` and `{time}`, `{time_to}`, `{time_at}`: the clock
    bare, and as the language inclines it towards and at a moment. `span` knows `{date}` and two
    times of day, `part_near` and `part_far` a `{date}` and a `{part}` of the day.
    """

    months: Annotated[tuple[str, ...], Field(min_length=12, max_length=12)]
    weekdays: Annotated[tuple[str, ...], Field(min_length=7, max_length=7)]
    today: str
    yesterday: str
    tomorrow: str
    date: str
    date_with_year: str
    by: str
    at: str
    span: str
    part_near: str
    part_far: str
    parts: dict[Literal["morning", "afternoon", "evening", "night"], str]
    in_minutes: str
    few_minutes: str


class Texts(_Words):
    """All words of one language. `code` is its BCP 47 tag.

    `cities` are the names of cities in its script, by the gazetteer's names; others stay as they
    are.
    """

    code: str
    name: str
    direction: Literal["ltr", "rtl"]
    page: PageWords
    where: WhereWords
    when: WhenWords
    near: NearWords
    calendar: CalendarWords
    statuses: dict[Status, StatusWords]
    attempt: AttemptWords
    left: StatusWords
    rescheduled: StepWords
    held: StatusWords
    handed_back: HandedBackWords
    resumed: StepWords
    cities: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _tells_every_status(self) -> "Texts":
        silent = set(Status) - set(self.statuses)
        if silent:
            raise ValueError(f"{self.code}: no words for {', '.join(sorted(silent))}")
        unsaid = set(AttemptReason) - set(self.attempt.reasons)
        unsaid |= set(DriverReason) - {DriverReason.OTHER} - set(self.handed_back.reasons)
        if unsaid:
            raise ValueError(f"{self.code}: no words for {', '.join(sorted(unsaid))}")
        return self


def _load() -> dict[str, Texts]:
    loaded = [
        Texts.model_validate(tomllib.loads(path.read_text("utf-8")))
        for path in sorted(_FOLDER.glob("*.toml"))
    ]
    return {texts.code: texts for texts in loaded}


LANGUAGES = MappingProxyType(_load())
"""Every language the page speaks, by its tag."""

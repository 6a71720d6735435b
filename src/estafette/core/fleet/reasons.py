"""Why drivers do not carry what they were offered or given, and why somebody took it from them.

Both are kept in English, as the note of an event or the reason of an assignment, which programs of
merchants and companies read. Pages find here again what was meant, and say it in their language.
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple

SILENT: Final = "nothing was heard of the driver for {minutes} minutes"
_SILENT: Final = re.compile(r"nothing was heard of the driver for (\d{1,9}) minutes", re.ASCII)


class Noted(StrEnum):
    """Sentences of ours about an assignment, as they are kept."""

    TAKEN_BACK = "the dispatcher has taken it back"
    GIVEN_AWAY = "the dispatcher has given it to somebody"
    HANDED_BACK = "the driver has handed it back"
    FASTER = "another driver was faster"
    PAUSED = "the driver is paused"
    REMOVED = "the driver was removed"
    SHIFT_ENDED = "the driver's shift has ended"
    SIMULATED_GIVEN = "Simulated: given without a question, to the nearest with the fewest parcels"
    SIMULATED_REFUSED = "Simulated: the driver does not want it"
    SIMULATED_OTHERWISE = "the simulated courier was assigned without it"


class DriverReason(StrEnum):
    """Why a driver refuses an offer, or hands back what was accepted, as drivers choose it."""

    VEHICLE = "vehicle"
    """Something is wrong with it."""
    TOO_LARGE = "too_large"
    TOO_FAR = "too_far"
    PICKUP_CLOSED = "pickup_closed"
    NOT_READY = "not_ready"
    OTHER = "other"
    """The driver says in a few words what it is."""


_ENGLISH: Final = {
    DriverReason.VEHICLE: "something is wrong with the vehicle",
    DriverReason.TOO_LARGE: "the parcel does not fit",
    DriverReason.TOO_FAR: "it is too far",
    DriverReason.PICKUP_CLOSED: "the pickup is closed",
    DriverReason.NOT_READY: "the parcel is not ready",
    DriverReason.OTHER: "the driver has another reason",
}


class Said(NamedTuple):
    """What a driver chose, and has written besides."""

    reason: DriverReason
    words: str | None


def driver_reason(code: str) -> DriverReason:
    """Returns the reason that a driver's page names; one that is not known is another one."""
    return DriverReason(code) if code in set(DriverReason) else DriverReason.OTHER


def in_english(reason: DriverReason, words: str | None = None) -> str:
    """Returns a reason as it is kept, with what the driver has written."""
    return f"{_ENGLISH[reason]}: {words}" if words else _ENGLISH[reason]


def said_in(note: str | None) -> Said | None:
    """Returns what `in_english` wrote into a note; None: somebody else wrote it."""
    for reason, sentence in _ENGLISH.items():
        if note == sentence:
            return Said(reason, None)
        if note is not None and note.startswith(f"{sentence}: "):
            return Said(reason, note.removeprefix(f"{sentence}: "))
    return None


def silent_minutes(note: str) -> int | None:
    """Returns for how many minutes nothing was heard, by a note that SILENT wrote."""
    found = _SILENT.fullmatch(note)
    return found and int(found[1])


def is_ours(note: str | None) -> bool:
    """Whether a note is a sentence of ours, and nobody's own words."""
    return note is not None and (note in set(Noted) or silent_minutes(note) is not None)

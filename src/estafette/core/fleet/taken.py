"""Why a driver has a delivery no more that somebody else has ended or taken from them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.rescheduling import NOTE
from estafette.core.fleet.reasons import Noted, silent_minutes


class Taken(StrEnum):
    """Why it was taken, as the message to its driver keeps it."""

    CANCELLED = "cancelled"
    """By its merchant."""
    CALLED_OFF = "called_off"
    """Cancelled by somebody else."""
    TAKEN_BACK = "taken_back"
    GIVEN_AWAY = "given_away"
    CHANGED_HANDS = "changed_hands"
    """The dispatcher has written down that another driver has the parcel."""
    SILENT = "silent"
    SHIFT_ENDED = "shift_ended"
    DELIVERED = "delivered"
    """Somebody else has said so."""
    FAILED = "failed"


IN_ENGLISH: Final[Mapping[Taken, str]] = {
    Taken.CANCELLED: "cancelled by the merchant",
    Taken.CALLED_OFF: "cancelled",
    Taken.TAKEN_BACK: "taken back by the dispatcher",
    Taken.GIVEN_AWAY: "given to another driver by the dispatcher",
    Taken.CHANGED_HANDS: "another driver has the parcel, as the dispatcher has noted",
    Taken.SILENT: "taken back: nothing was heard of the phone for too long",
    Taken.SHIFT_ENDED: "taken back: the company has ended the shift",
    Taken.DELIVERED: "closed by the company as handed over",
    Taken.FAILED: "closed by the company as not handed over",
}
"""What programs read, and pages of a version before."""

LONGEST_NUMBER: Final = 100
"""How much of a merchant's own number a message to a driver has, in characters."""

_LONGEST_NUMBERS: Final = 380
_MORE: Final = ", …"


def why_taken(status: Status, actor: Actor, note: str | None) -> Taken | None:
    """Returns why a driver has a delivery no more that came to a status; `note` is the event's.

    None: the driver has done it, or is told otherwise, as where a recipient chose another time.
    """
    is_rescheduled = actor is Actor.SYSTEM and (note or "").startswith(NOTE)
    if actor is Actor.DRIVER or is_rescheduled:
        return None
    if status is Status.CANCELLED:
        return Taken.CANCELLED if actor is Actor.MERCHANT else Taken.CALLED_OFF
    if status is Status.DELIVERED:
        return Taken.DELIVERED
    if status is Status.FAILED:
        return Taken.FAILED
    if note == Noted.SHIFT_ENDED:
        return Taken.SHIFT_ENDED
    return Taken.SILENT if note and silent_minutes(note) is not None else Taken.TAKEN_BACK


def told_of(why: Taken, numbers: Sequence[str], before: str | None = None) -> str:
    """Returns the message to a driver: the numbers of deliveries, and why they were taken.

    `before` is a message of the same reason that the driver has not read: its numbers come first.
    """
    sentence = f": {IN_ENGLISH[why]}"
    head = [before.removesuffix(sentence)] if before else []
    listed = ", ".join([*head, *(number[:LONGEST_NUMBER] for number in numbers)])
    if len(listed) > _LONGEST_NUMBERS:
        listed = listed[:_LONGEST_NUMBERS].rpartition(",")[0].removesuffix(_MORE) + _MORE
    return listed + sentence


def numbers_in(why: Taken, text: str) -> str:
    """Returns the numbers that `told_of` has written into a message."""
    return text.removesuffix(f": {IN_ENGLISH[why]}")

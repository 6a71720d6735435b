"""What happened to a delivery, and what drivers were told of it, in the reader's language."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from estafette.core.audit import ByKind
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor, Event
from estafette.core.deliveries.failing import words_in
from estafette.core.deliveries.rescheduling import NOTE
from estafette.core.fleet.message import DriverMessage
from estafette.core.fleet.taken import Taken, numbers_in
from estafette.http.texts import N_, gettext
from estafette.web.failing import reason_text
from estafette.web.noted import noted
from estafette.web.words import actor_name, status_name

_CHOSEN: Final = f"{NOTE}: "
"""What the note of an event begins with by which a recipient has chosen another time."""


_TAKEN: Final[Mapping[Taken, str]] = {
    Taken.CANCELLED: N_("Cancelled by the merchant"),
    Taken.CALLED_OFF: N_("Cancelled"),
    Taken.TAKEN_BACK: N_("Taken back by the dispatcher"),
    Taken.GIVEN_AWAY: N_("Given to another driver by the dispatcher"),
    Taken.CHANGED_HANDS: N_("Another driver has the parcel, as the dispatcher has noted"),
    Taken.SILENT: N_("Taken back: nothing was heard of the phone for too long"),
    Taken.SHIFT_ENDED: N_("Taken back: the company has ended the shift"),
    Taken.DELIVERED: N_("Closed by the company as handed over"),
    Taken.FAILED: N_("Closed by the company as not handed over"),
}
"""Of one delivery or of several."""


class Happened(NamedTuple):
    """One event as a page shows it; `note` is free text, or None."""

    at: datetime
    title: str
    note: str | None
    by: str


def happened(delivery: Delivery, events: Sequence[Event]) -> list[Happened]:
    """Returns the events of a delivery as pages show them, newest first; they come oldest first."""
    return [
        Happened(one.occurred_at, status_name(one.status), _note_of(delivery, one), _by_whom(one))
        for one in reversed(events)
    ]


def message_text(message: DriverMessage) -> str:
    """Returns a message to a driver; one that is ours in the reader's language."""
    if message.cause is not None:
        numbers = numbers_in(message.cause, message.text)
        return f"{numbers}: {taken_text(message.cause)}"
    number, _, when = message.text.partition(_CHOSEN)
    if message.by.kind is not ByKind.PROCESS or not when:
        return message.text
    return f"{number}{_chosen(when)}"


def taken_text(why: Taken) -> str:
    """Returns why a driver has something no more, in the reader's language."""
    return gettext(_TAKEN[why])


def _note_of(delivery: Delivery, event: Event) -> str | None:
    """Returns the note of an event, as far as it is ours in the reader's language."""
    attempt = next((one for one in delivery.attempts if one.seq == event.seq), None)
    if attempt is not None and event.status is Status.STALLED:
        reason, said = reason_text(attempt.reason), words_in(event.note, attempt.reason)
        return f"{reason}: {said}" if said else reason
    if event.note is not None and event.note.startswith(_CHOSEN):
        return _chosen(event.note.removeprefix(_CHOSEN))
    return noted(event.note)


def _chosen(when: str) -> str:
    return gettext("The recipient chose another time: %(when)s", when=when)


def _by_whom(event: Event) -> str:
    """Returns who caused an event: also the recipient, who is nobody to the core."""
    is_chosen = event.actor is Actor.SYSTEM and (event.note or "").startswith(_CHOSEN)
    return gettext("By the recipient") if is_chosen else actor_name(event.actor)

"""What Estafette itself has noted in English, of events and assignments, in the reader's language.

What people have written stays as it is.
"""

import re
from collections.abc import Mapping
from typing import Final

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.failing import LEFT, AfterAttempts
from estafette.core.fleet.reasons import DriverReason, Noted, said_in, silent_minutes
from estafette.core.fleet.setting_out import NEAR, NEXT
from estafette.http.formats import number
from estafette.http.texts import N_, gettext, ngettext
from estafette.usecases.couriers.dispatch import NOT_KNOWN, NOT_TAKEN
from estafette.usecases.deliveries.confirm import CONFIRMED
from estafette.web.failing import ended_text
from estafette.web.words import status_name

_SENTENCES: Final[Mapping[str, str]] = {
    LEFT: N_("Left at the door"),
    NEAR: N_("The driver is near"),
    NEXT: N_("It is the driver's next stop"),
    NOT_TAKEN: N_("The courier company could not take the delivery"),
    NOT_KNOWN: N_("The courier company does not know the delivery any more"),
    CONFIRMED: N_("The delivery was confirmed"),
    Noted.TAKEN_BACK: N_("The dispatcher has taken it back"),
    Noted.GIVEN_AWAY: N_("The dispatcher has given it to somebody"),
    Noted.HANDED_BACK: N_("The driver has handed it back"),
    Noted.FASTER: N_("Another driver was faster"),
    Noted.PAUSED: N_("The driver is paused"),
    Noted.REMOVED: N_("The driver was removed"),
    Noted.SHIFT_ENDED: N_("The driver's shift has ended"),
    Noted.SIMULATED_GIVEN: N_("Simulated: given to the nearest with the fewest parcels"),
    Noted.SIMULATED_REFUSED: N_("Simulated: the driver does not want it"),
    Noted.SIMULATED_OTHERWISE: N_("Simulated: assigned without this offer"),
}
_REASONS: Final[Mapping[DriverReason, str]] = {
    DriverReason.VEHICLE: N_("Something is wrong with the vehicle"),
    DriverReason.TOO_LARGE: N_("The parcel does not fit"),
    DriverReason.TOO_FAR: N_("It is too far"),
    DriverReason.PICKUP_CLOSED: N_("The pickup is closed"),
    DriverReason.NOT_READY: N_("The parcel is not ready"),
    DriverReason.OTHER: N_("Something else"),
}

_END: Final = re.compile(
    r"(?P<count>\d{1,3}) attempts?: (?P<how>discarded|returned)(?: as (?P<number>.+))?", re.ASCII
)
"""The end of a delivery's attempts."""
_STATUS: Final = re.compile(r"the delivery is (?P<status>[a-z_]+)")
"""The end of an assignment whose delivery was moved, and nothing was noted of that."""
_ASKED: Final = re.compile(
    r"(?P<asked>\d{1,4}) drivers? (?:was|were) asked: (?P<refused>\d{1,4}) refused,"
    r" (?P<silent>\d{1,4}) did not answer",
    re.ASCII,
)
_OFFERED: Final = re.compile(
    r"the (?P<how>nearest|best for all that waits): (?P<km>\d{1,6}\.\d) km from the pickup,"
    r" there in (?P<minutes>\d{1,6}) min",
    re.ASCII,
)
"""Why dispatching has chosen a driver."""


def noted(text: str | None) -> str | None:
    """Returns a note of an event, or the reason of an assignment; ours in the reader's language."""
    if text is None:
        return None
    if sentence := _SENTENCES.get(text):
        return gettext(sentence)
    if said := said_in(text):
        reason = gettext(_REASONS[said.reason])
        return f"{reason}: {said.words}" if said.words else reason
    return _with_figures(text) or text


def asked_text(count: int, refused: int, silent: int) -> str:
    """Returns what so many drivers who were asked have answered."""
    return ngettext(
        "%(count)s driver was asked: %(refused)s refused, %(silent)s did not answer.",
        "%(count)s drivers were asked: %(refused)s refused, %(silent)s did not answer.",
        count,
        refused=number(refused),
        silent=number(silent),
    )


def _with_figures(text: str) -> str | None:
    if (minutes := silent_minutes(text)) is not None:
        return ngettext(
            "Nothing was heard of the driver for %(count)s minute",
            "Nothing was heard of the driver for %(count)s minutes",
            minutes,
        )
    if end := _END.fullmatch(text):
        then = AfterAttempts.DISCARD if end["how"] == "discarded" else AfterAttempts.RETURN
        said = ended_text(int(end["count"]), then)
        return f"{said}: {end['number']}" if end["number"] else said
    if (moved := _STATUS.fullmatch(text)) and moved["status"] in set(Status):
        return status_name(Status(moved["status"]))
    if asked := _ASKED.fullmatch(text):
        return asked_text(int(asked["asked"]), int(asked["refused"]), int(asked["silent"]))
    if offered := _OFFERED.fullmatch(text):
        facts = {"km": number(float(offered["km"])), "minutes": number(int(offered["minutes"]))}
        if offered["how"] == "nearest":
            return gettext(
                "The nearest: %(km)s km from the pickup, there in %(minutes)s min", **facts
            )
        return gettext(
            "The best for all that waits: %(km)s km from the pickup, there in %(minutes)s min",
            **facts,
        )
    return None

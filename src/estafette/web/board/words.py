"""How refusals of the fleet are said to dispatchers, in the reader's language."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.refusals import (
    FleetFull,
    FleetRefusal,
    NotNow,
    ParcelsOnBoard,
    SkillsLacking,
    VehicleFull,
)
from estafette.http.formats import number
from estafette.http.texts import N_, gettext, ngettext
from estafette.terminal import plain

_MOST_NAMED: Final = 5

_SAID: Final[Mapping[str, str]] = {
    "driver_not_found": N_("There is no such driver."),
    "assignment_not_found": N_("There is no such offer."),
    "delivery_not_of_company": N_("The company carries no such delivery."),
    "company_without_fleet": N_("The drivers of this company are not in Estafette."),
    "phone_taken": N_("Another driver of the company has this phone."),
    "driver_away": N_("This driver is paused or was removed, and is given nothing."),
    "not_on_shift": N_("This driver is not on a shift."),
    "parcel_on_board": N_("The driver has already picked this parcel up."),
    "parcel_not_on_board": N_("This parcel has not been picked up yet."),
    "offer_over": N_("The time to answer this offer is over, or it was taken back."),
    "given_to_another": N_("It is with somebody else by now: look again."),
    "delivery_taken": N_("Another driver carries this delivery already: look again."),
    "offered_already": N_("This driver has this delivery already, or was just offered it."),
    "nothing_assigned": N_("No driver has this delivery."),
    "other_mode": N_("Live drivers carry live deliveries, simulated ones those of the sandbox."),
}
_NOT_NOW: Final[Mapping[Status, str]] = {
    Status.AWAITING_PAYMENT: N_("It still awaits its payment or confirmation."),
    Status.CANCELLED: N_("It was cancelled."),
    Status.DELIVERED: N_("It is delivered already."),
    Status.FAILED: N_("It has failed already."),
}
_STATES: Final[Mapping[AssignmentState, str]] = {
    AssignmentState.OFFERED: N_("Offered"),
    AssignmentState.ACCEPTED: N_("Accepted"),
    AssignmentState.DONE: N_("Done"),
    AssignmentState.REFUSED: N_("Refused"),
    AssignmentState.EXPIRED: N_("Not answered"),
    AssignmentState.RELEASED: N_("Taken back"),
}


def said_of(refusal: FleetRefusal) -> str:
    """Returns why something was refused, as a sentence; one that has no words here in English."""
    if isinstance(refusal, NotNow):
        text = _NOT_NOW.get(refusal.status)
        return gettext(text) if text else gettext("This cannot be done in its present status.")
    if isinstance(refusal, VehicleFull):
        return gettext(
            "It does not fit into the vehicle: %(parcels)s parcels and %(kg)s kg are left.",
            parcels=number(refusal.parcels_left),
            kg=number(refusal.grams_left / 1000),
        )
    if isinstance(refusal, SkillsLacking):
        return gettext(
            "This driver lacks a skill that it demands: %(skills)s.",
            skills=names_of(refusal.skills),
        )
    if isinstance(refusal, ParcelsOnBoard):
        return ngettext(
            "The driver still has %(count)s parcel: it has to be handed over first.",
            "The driver still has %(count)s parcels: they have to be handed over first.",
            refusal.count,
        )
    if isinstance(refusal, FleetFull):
        return gettext(
            "There are %(limit)s already, which is the most.", limit=number(refusal.limit)
        )
    text = _SAID.get(refusal.code)
    return gettext(text) if text else f"{str(refusal).capitalize()}."


def names_of(skills: Sequence[str]) -> str:
    """Returns the names of some skills for a sentence: the first, each in its own direction."""
    named = ", ".join(f"\u2068{plain(name)}\u2069" for name in skills[:_MOST_NAMED])
    return named if len(skills) <= _MOST_NAMED else f"{named}, …"


def with_lacking(driver: str, skills: Sequence[str]) -> str:
    """Returns a driver's name for a list, with the skills that the driver lacks."""
    if not skills:
        return driver
    return gettext("%(driver)s, lacks %(skills)s", driver=driver, skills=names_of(skills))


def state_name(state: AssignmentState) -> str:
    """Returns what became of an assignment, in one or two words."""
    return gettext(_STATES[state])


def seconds_left(offer: Assignment, now: datetime) -> int:
    """Returns in how many seconds an offer is over; 0: it is, or it is none."""
    if offer.answer_by is None:
        return 0
    return max(round((offer.answer_by - now).total_seconds()), 0)

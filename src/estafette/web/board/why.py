"""Why deliveries were offered to whom, in the reader's language: decisions of dispatching."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.dispatching import Decision, Outcome, Reason
from estafette.core.fleet.refusals import (
    CashLimitReached,
    DriverAway,
    NotOnShift,
    SkillsLacking,
    VehicleFull,
)
from estafette.http.formats import number
from estafette.http.texts import N_, gettext, ngettext
from estafette.usecases.fleet.explanations import Explanations
from estafette.web.board.words import state_name
from estafette.web.noted import asked_text

_REASONS: Final[Mapping[str, str]] = {
    Reason.REFUSED: N_("was asked before"),
    Reason.SKILLS: N_("lacks a skill"),
    Reason.CAPACITY: N_("has no room"),
    Reason.ZONE: N_("does not serve the zone"),
    Reason.BUSY: N_("has enough already"),
    Reason.TOO_LATE: N_("would come too late"),
    Reason.SHIFT_ENDS: N_("ends the shift before"),
    Reason.TAKES_NOTHING_NEW: N_("takes nothing new"),
    Reason.PLANNED: N_("is not the one it was planned for"),
    Reason.CASH: N_("would have too much cash"),
    Reason.BETTER_PLACED: N_("is better placed for something else"),
    # What an offer was refused for a moment ago, by the code of the refusal:
    SkillsLacking.code: N_("lacks a skill"),
    VehicleFull.code: N_("has no room"),
    CashLimitReached.code: N_("would have too much cash"),
    NotOnShift.code: N_("is not on shift"),
    DriverAway.code: N_("is paused"),
}
_OTHERWISE: Final = N_("cannot be given it now")
_NOBODY: Final[Mapping[str, str]] = {
    Reason.NO_DRIVER: N_("No driver is on shift."),
    Reason.SKILLS: N_("No driver on shift has every skill that it demands."),
    Reason.NO_PLACE: N_("It is not known where the address is: give it by hand."),
    Reason.LATER: N_("It is planned for later, and not offered yet."),
    Reason.BUSY: N_("Everybody who could has enough already."),
}
_TITLES: Final[Mapping[Outcome, str]] = {
    Outcome.OFFERED: N_("Offered to %(name)s"),
    Outcome.NOBODY: N_("Offered to nobody"),
    Outcome.GIVEN_UP: N_("Given up: it stalls"),
    Outcome.TAKEN_BACK: N_("Taken back from %(name)s, of whom nothing was heard"),
    Outcome.LOST_SIGHT: N_("Nothing is heard of %(name)s, who has the parcel"),
}


class Why(NamedTuple):
    """A decision as it is shown: what, why in a sentence, and of other drivers why not they."""

    at: datetime
    title: str
    text: str
    others: Sequence[tuple[str, str]]


def whys(found: Explanations) -> list[Why]:
    """Returns the decisions about a delivery, the latest first."""
    return [_why(one, found.names) for one in found.decisions]


def _why(one: Decision, names: Mapping[UUID, str]) -> Why:
    name = names.get(one.driver_id, "–") if one.driver_id else "–"
    asked = [
        (_named(each, names), state_name(AssignmentState(each["state"])))
        for each in one.facts.get("asked", ())
    ]
    others = [(_named(each, names), _not_asked(each)) for each in one.facts.get("others", ())]
    title = gettext(_TITLES[one.outcome], name=name)
    return Why(one.at, title, _text(one), [*asked, *others])


def _text(one: Decision) -> str:
    facts = one.facts
    if one.outcome is Outcome.OFFERED:
        text = ngettext(
            "%(km)s km from the pickup, there in %(minutes)s min, after %(count)s stop.",
            "%(km)s km from the pickup, there in %(minutes)s min, after %(count)s stops.",
            facts["stops_before"],
            km=number(round(facts["metres"] / 1000, 1)),
            minutes=number(round(facts["seconds"] / 60)),
        )
        return f"{text} {_engine(facts)}".rstrip()
    if one.outcome is Outcome.NOBODY:
        text = _NOBODY.get(facts["why"])
        return gettext(text) if text else gettext("Nobody of those on shift can take it now.")
    if one.outcome is Outcome.GIVEN_UP:
        return asked_text(len(facts["asked"]), facts["refused"], facts["silent"])
    return ""


def _engine(facts: Mapping[str, Any]) -> str:
    return gettext("The nearest, because no plan was made.") if "no_solver" in facts else ""


def _named(each: Mapping[str, Any], names: Mapping[UUID, str]) -> str:
    return names.get(UUID(each["driver"]), "–")


def _not_asked(each: Mapping[str, Any]) -> str:
    reason = gettext(_REASONS.get(each["why"], _OTHERWISE))
    km = number(round(each["metres"] / 1000, 1))
    return gettext("%(km)s km away: %(reason)s", km=km, reason=reason)

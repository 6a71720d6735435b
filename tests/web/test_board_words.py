"""What a board says in words of decisions of dispatching."""

from datetime import UTC, datetime

import pytest

from estafette.core.fleet.dispatching import Decision, Outcome, Reason
from estafette.core.fleet.refusals import (
    CashLimitReached,
    DriverAway,
    FleetFull,
    NotOnShift,
    SkillsLacking,
    VehicleFull,
)
from estafette.core.ids import new_id
from estafette.http.texts import LANGUAGES, Reader, read_by
from estafette.usecases.fleet.explanations import Explanations
from estafette.web.board.why import whys


@pytest.mark.parametrize(
    ("language", "count", "said"),
    [
        ("en", 0, "after 0 stops."),
        ("en", 1, "after 1 stop."),
        ("en", 2, "after 2 stops."),
        ("pt", 1, "após 1 paragem."),
        ("pt", 2, "após 2 paragens."),
        ("ru", 1, "остановок до этого: 1."),
        ("kk", 2, "оған дейінгі аялдама: 2."),
    ],
)
def test_the_stops_before_a_pickup_are_counted_in_words(
    language: str, count: int, said: str
) -> None:
    assert language in LANGUAGES
    driver, at = new_id(), datetime(2026, 11, 24, tzinfo=UTC)
    facts = {"metres": 900, "seconds": 200, "stops_before": count}
    decision = Decision(new_id(), new_id(), new_id(), Outcome.OFFERED, at, driver, facts)
    with read_by(Reader(language)):
        [why] = whys(Explanations([decision], {driver: "Zé"}))
    assert why.text.endswith(said)


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Reason.SKILLS, "lacks a skill"),
        (Reason.CASH, "would have too much cash"),
        (SkillsLacking.code, "lacks a skill"),
        (VehicleFull.code, "has no room"),
        (CashLimitReached.code, "would have too much cash"),
        (NotOnShift.code, "is not on shift"),
        (DriverAway.code, "is paused"),
        (FleetFull.code, "cannot be given it now"),
    ],
)
def test_why_a_driver_was_not_asked_is_said_also_where_an_offer_was_refused_a_moment_ago(
    why: str, said: str
) -> None:
    driver, at = new_id(), datetime(2026, 11, 24, tzinfo=UTC)
    other = {"driver": str(driver), "metres": 900, "seconds": 60, "why": why}
    facts = {"why": Reason.ZONE, "others": [other]}
    decision = Decision(new_id(), new_id(), new_id(), Outcome.NOBODY, at, None, facts)
    with read_by(Reader("en")):
        [told] = whys(Explanations([decision], {driver: "Zé"}))
    assert told.others == [("Zé", f"0.9 km away: {said}")]
    assert told.text == "Nobody of those on shift can take it now."


def test_that_nobody_has_the_skills_is_a_reason_of_its_own() -> None:
    at, facts = datetime(2026, 11, 24, tzinfo=UTC), {"why": Reason.SKILLS}
    decision = Decision(new_id(), new_id(), new_id(), Outcome.NOBODY, at, None, facts)
    with read_by(Reader("en")):
        [told] = whys(Explanations([decision], {}))
    assert told.text == "No driver on shift has every skill that it demands."


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_outcome_and_every_reason_has_words_of_its_own(language: str) -> None:
    """Of drivers, of deliveries, or of both; what has none reads as any other."""
    driver, at = new_id(), datetime(2026, 11, 24, tzinfo=UTC)
    alike: list[str] = []

    def told(outcome: Outcome, why: str) -> tuple[str, str, str]:
        """The title, why nobody, and why not that driver."""
        other = {"driver": str(driver), "metres": 900, "seconds": 60, "why": why}
        facts = {"why": why, "others": [other], "asked": [], "refused": 1, "silent": 1}
        facts |= {"metres": 900, "seconds": 200, "stops_before": 1}
        made = Decision(new_id(), new_id(), new_id(), outcome, at, driver, facts)
        with read_by(Reader(language)):
            [why_it_is] = whys(Explanations([made], {driver: "Zé"}))
        return why_it_is.title, why_it_is.text, why_it_is.others[-1][1]

    _, nobody, otherwise = told(Outcome.NOBODY, "a code that is not known")
    for reason in Reason:
        _, text, other = told(Outcome.NOBODY, reason)
        if text == nobody and other == otherwise:
            alike.append(reason)
    assert alike == []
    titles = {outcome: told(outcome, Reason.BUSY)[0] for outcome in Outcome}
    assert len(set(titles.values())) == len(Outcome)
    assert all(titles.values())

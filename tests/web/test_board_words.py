"""What a board says in words of decisions of dispatching."""

from datetime import UTC, datetime

import pytest

from estafette.core.fleet.dispatching import Decision, Outcome
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

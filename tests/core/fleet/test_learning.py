"""Speeds are learned from legs, and neither a late tap nor a forger spoils them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from estafette.core.fleet.learning import Visit, learn, legs_of

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE, TWO, FORGER = UUID(int=1), UUID(int=2), UUID(int=3)


def visit(
    at: float, *, accepted: float = -60, arrived: float | None = None, service: float = 4
) -> Visit:
    """A visit so many minutes after noon."""
    arrived_at = None if arrived is None else NOON + arrived * MINUTE
    accepted_at = NOON + accepted * MINUTE
    place = (43.2, 76.9)
    return Visit(ONE, accepted_at, arrived_at, NOON + at * MINUTE, *place, service * MINUTE, None)


def test_a_leg_is_between_two_stops_of_which_the_second_was_known_when_the_first_was_done() -> None:
    visits = [visit(0), visit(20), visit(50, accepted=25), visit(300)]
    assert [(leg.start, leg.end) for leg in legs_of(visits[::-1])] == [(visits[0], visits[1])]


def test_a_leg_ends_when_the_driver_was_there_first_by_whatever_says_so() -> None:
    (told,) = legs_of([visit(0), visit(20, arrived=12)])
    (untold,) = legs_of([visit(0), visit(20)])
    assert told.took(None) == 12 * MINUTE
    assert told.took(NOON + 9 * MINUTE) == 9 * MINUTE
    assert untold.took(None) == 16 * MINUTE
    assert untold.took(NOON + 9 * MINUTE) == 9 * MINUTE  # the tap came late


def test_what_drivers_take_is_learned_the_surer_the_more_legs_there_are() -> None:
    few = learn([(driver, 1.5) for driver in (ONE, TWO) for _ in range(15)])
    many = learn([(UUID(int=driver), 1.5) for driver in range(20) for _ in range(60)])
    assert few is not None
    assert many is not None
    assert few.legs == 30
    assert 1.2 < few.ratio < 1.25 < 1.45 < many.ratio < 1.5


def test_too_few_legs_or_one_driver_alone_say_nothing() -> None:
    assert learn([(driver, 1.5) for driver in (ONE, TWO) for _ in range(14)]) is None
    assert learn([(ONE, 1.5) for _ in range(500)]) is None


def test_late_taps_and_a_forger_do_not_spoil_it() -> None:
    honest = [(driver, 1.2) for driver in (ONE, TWO) for _ in range(60)]
    usual = learn(honest)
    late = [(driver, 9.0) for driver in (ONE, TWO) for _ in range(40)]
    forged = [(FORGER, 0.01) for _ in range(5_000)]
    assert learn([*late, *forged, *honest]) == usual
    plausible = [(FORGER, 0.35) for _ in range(5_000)]
    spoilt = learn([*plausible, *honest])
    assert usual is not None
    assert spoilt is not None
    assert spoilt.ratio > 0.95 * usual.ratio


def test_no_crowd_makes_drivers_faster_or_slower_than_is_believed() -> None:
    crowd = [UUID(int=number) for number in range(100)]
    slow, fast = (learn([(one, ratio) for one in crowd for _ in range(60)]) for ratio in (3.9, 0.3))
    assert slow is not None
    assert fast is not None
    assert (slow.ratio, fast.ratio) == (2.0, 0.5)

"""Why something was taken from a driver, and the message of it."""

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.rescheduling import NOTE
from estafette.core.fleet.message import LONGEST_MESSAGE
from estafette.core.fleet.taken import IN_ENGLISH, Taken, numbers_in, told_of, why_taken


@pytest.mark.parametrize("status", [Status.PENDING, Status.DELIVERED, Status.FAILED])
def test_what_drivers_do_and_what_recipients_choose_is_not_taken(status: Status) -> None:
    assert why_taken(status, Actor.DRIVER, None) is None
    assert why_taken(Status.PENDING, Actor.SYSTEM, f"{NOTE}: tomorrow") is None
    assert why_taken(status, Actor.OPERATOR, None) is not None


def test_a_driver_is_told_whatever_words_somebody_gives_as_the_reason() -> None:
    for actor in (Actor.MERCHANT, Actor.COURIER, Actor.OPERATOR):
        assert why_taken(Status.CANCELLED, actor, f"{NOTE}: not with us") is not None
        assert why_taken(Status.PENDING, actor, NOTE) is Taken.TAKEN_BACK


@pytest.mark.parametrize("why", list(Taken))
def test_a_message_of_any_number_of_deliveries_is_bounded_and_names_the_first(why: Taken) -> None:
    text = told_of(why, ["E-1", "E-2"])
    assert text == f"E-1, E-2: {IN_ENGLISH[why]}"
    for number in range(3, 300):
        text = told_of(why, [f"E-{number}"], text)
        assert len(text) <= LONGEST_MESSAGE
        assert numbers_in(why, text).startswith("E-1, E-2, E-3")
    assert numbers_in(why, text).endswith(", …")
    assert numbers_in(why, text).count("…") == 1
    assert len(told_of(why, ["x" * 5_000] * 300)) <= LONGEST_MESSAGE

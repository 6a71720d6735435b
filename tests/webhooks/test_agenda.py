"""When a worker looks at the outbox, and what it knows of it between."""

from uuid import UUID

from estafette.store.webhooks.survey import Waiting
from estafette.webhooks.agenda import Agenda

A, B = UUID(int=1), UUID(int=2)


def waiting(endpoint: UUID, due_in_seconds: float) -> Waiting:
    return Waiting(endpoint, UUID(int=9), due_in_seconds, 0)


def surveyed(*found: Waiting, began: float = 99.75, now: float = 100.0) -> Agenda:
    agenda = Agenda(every_seconds=5.0)
    agenda.surveying()
    agenda.surveyed(found, began, now)
    return agenda


def test_the_first_survey_is_wanted_at_once() -> None:
    assert Agenda(every_seconds=5.0).survey_in(0.0) <= 0


def test_a_slow_survey_is_made_more_rarely_and_sooner_when_somebody_calls() -> None:
    agenda = surveyed()  # it took a quarter of a second: a fiftieth of the time is 12.5 s
    assert agenda.survey_in(100.0) == 12.5
    assert agenda.survey_in(104.0) == 8.5
    agenda.call()
    assert agenda.survey_in(100.0) == 2.5
    assert agenda.survey_in(103.0) == -0.5


def test_a_quick_survey_is_made_as_often_as_is_set_and_at_once_when_somebody_calls() -> None:
    agenda = surveyed(began=100.0)
    assert agenda.survey_in(100.0) == 5.0
    agenda.call()
    assert agenda.survey_in(100.0) == 0.0


def test_a_call_during_a_survey_asks_for_another_and_one_before_it_does_not() -> None:
    agenda = surveyed(began=100.0)
    agenda.call()
    agenda.surveying()
    agenda.surveyed([], 101.0, 101.0)
    assert agenda.survey_in(101.0) == 5.0
    agenda.surveying()
    agenda.call()
    agenda.surveyed([], 102.0, 102.0)
    assert agenda.survey_in(102.0) == 0.0


def test_an_endpoint_is_due_from_its_moment_on_counted_from_the_surveys_beginning() -> None:
    first, second = waiting(A, 1.0), waiting(B, 3.0)
    agenda = surveyed(first, second)
    assert agenda.due(100.5) == []
    assert agenda.next_in(100.5) == 0.25
    assert agenda.due(100.75) == [first]
    assert agenda.next_in(100.75) == 2.0
    assert agenda.due(102.75) == [first, second]
    assert agenda.next_in(102.75) is None


def test_an_endpoint_without_more_messages_is_forgotten_until_the_next_survey() -> None:
    agenda = surveyed(waiting(A, 0.0), waiting(B, 0.0))
    agenda.emptied(A)
    agenda.emptied(A)
    assert [each.endpoint_id for each in agenda.due(101.0)] == [B]
    agenda.surveyed([waiting(A, 0.0)], 102.0, 102.0)
    assert [each.endpoint_id for each in agenda.due(102.0)] == [A]

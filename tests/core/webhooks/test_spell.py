"""When people are told that an endpoint fails: once a spell, before, at and after the end."""

from datetime import UTC, datetime, timedelta

import pytest

from estafette.core.webhooks.spell import APART, FOR, Notice, Spell, Standing, Verdict, judge

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FAILS = Standing(NOW, 5, NOW - FOR, answered=False, given_up=False, is_sent=True)
TOLD = Spell(NOW - FOR, NOW)


def test_it_is_told_once_that_an_endpoint_has_failed_often_and_for_long() -> None:
    assert judge(None, FAILS) == Verdict(Notice.FAILING, TOLD)
    assert judge(TOLD, FAILS) == Verdict(None, TOLD)


@pytest.mark.parametrize(
    "standing",
    [
        FAILS._replace(failures=4),
        FAILS._replace(failing_since=NOW - FOR + MINUTE),
        FAILS._replace(failures=0, failing_since=None),
        FAILS._replace(is_sent=False),
    ],
)
def test_nobody_is_told_of_a_few_failures_a_short_spell_or_an_endpoint_at_rest(
    standing: Standing,
) -> None:
    assert judge(None, standing) == Verdict(None, None)


def test_it_is_told_once_that_webhooks_are_given_up_and_not_before_that_they_fail() -> None:
    given_up = FAILS._replace(given_up=True)
    assert judge(None, given_up).notice is Notice.FAILING
    told = judge(TOLD, given_up)
    assert told == Verdict(Notice.GIVEN_UP, TOLD._replace(given_up_told_at=NOW))
    assert judge(told.spell, given_up) == Verdict(None, told.spell)


def test_it_is_told_that_it_works_again_only_when_it_has_answered() -> None:
    forgiven = FAILS._replace(failures=0, failing_since=None)
    assert judge(TOLD, forgiven) == Verdict(None, TOLD)
    works = judge(TOLD, forgiven._replace(answered=True))
    assert works == Verdict(Notice.WORKS_AGAIN, TOLD._replace(recovered_at=NOW))


def test_a_spell_soon_after_another_is_not_told_of_and_one_after_an_hour_is() -> None:
    recovered = TOLD._replace(recovered_at=NOW - APART + MINUTE)
    assert judge(recovered, FAILS) == Verdict(None, recovered)
    assert judge(recovered, FAILS._replace(now=NOW + MINUTE)).notice is Notice.FAILING
    calm = FAILS._replace(now=NOW + MINUTE, failures=0, failing_since=None)
    assert judge(recovered, calm) == Verdict(None, None)


def test_what_somebody_has_taken_out_of_use_is_forgotten_without_a_word() -> None:
    assert judge(TOLD, FAILS._replace(is_sent=False)) == Verdict(None, None)


def test_it_is_told_once_that_an_endpoint_is_gone_and_that_it_works_again() -> None:
    gone = FAILS._replace(failures=0, failing_since=None, is_sent=False, is_gone=True)
    told = judge(TOLD, gone)
    assert told == Verdict(Notice.GIVEN_UP, TOLD._replace(given_up_told_at=NOW))
    assert judge(told.spell, gone) == Verdict(None, told.spell)
    enabled = gone._replace(is_sent=True, is_gone=False, answered=True)
    assert judge(told.spell, enabled).notice is Notice.WORKS_AGAIN

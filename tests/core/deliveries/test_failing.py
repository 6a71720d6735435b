"""What becomes of a parcel that could not be handed over: who says it, and what follows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from estafette.core.deliveries.failing import (
    AfterAttempts,
    AttemptReason,
    FailedAttempt,
    FailurePolicy,
    HeldPolicy,
    Settled,
    as_words,
    combined,
    fault_of,
    from_words,
    in_english,
    reason_of,
    words_in,
)

RETURN, DISCARD, LEAVE = AfterAttempts.RETURN, AfterAttempts.DISCARD, AfterAttempts.LEAVE
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def of(attempts: int, then: AfterAttempts) -> FailurePolicy:
    return FailurePolicy(attempts, then)


def tried(*reasons: AttemptReason) -> list[FailedAttempt]:
    return [FailedAttempt(number, reason, NOW) for number, reason in enumerate(reasons, 5)]


ABSENT = AttemptReason.NOBODY_THERE


@pytest.mark.parametrize(
    ("own", "account", "company", "held"),
    [
        (None, None, None, None),
        (None, None, of(2, DISCARD), (of(2, DISCARD), Settled.COMPANY, False)),
        (None, of(3, RETURN), None, (of(3, RETURN), Settled.ACCOUNT, False)),
        (of(1, LEAVE), of(3, RETURN), None, (of(1, LEAVE), Settled.DELIVERY, False)),
        (None, of(3, RETURN), of(2, DISCARD), (of(2, RETURN), Settled.ACCOUNT, True)),
        (of(1, RETURN), None, of(2, DISCARD), (of(1, RETURN), Settled.DELIVERY, False)),
        (of(2, RETURN), None, of(2, DISCARD), (of(2, RETURN), Settled.DELIVERY, False)),
    ],
)
def test_the_merchant_says_what_follows_and_the_company_how_often_at_most(
    own: FailurePolicy | None,
    account: FailurePolicy | None,
    company: FailurePolicy | None,
    held: Any,
) -> None:
    assert combined(own, account, company, needs_recipient=False) == held


@pytest.mark.parametrize("then", AfterAttempts)
def test_what_somebody_has_to_take_is_brought_back_instead_of_being_left(
    then: AfterAttempts,
) -> None:
    held = combined(None, None, of(2, then), needs_recipient=True)
    assert held is not None
    assert held.policy.then is (RETURN if then is LEAVE else then)


def test_a_parcel_may_be_left_at_the_last_attempt_and_not_before() -> None:
    held = HeldPolicy(of(2, LEAVE), Settled.DELIVERY)
    assert [held.may_leave(count) for count in (0, 1, 2)] == [False, True, True]
    assert not HeldPolicy(of(1, RETURN), Settled.DELIVERY).may_leave(1)


@pytest.mark.parametrize(
    ("policy", "reasons", "follows"),
    [
        (of(2, RETURN), [ABSENT], None),
        (of(2, RETURN), [ABSENT, ABSENT], RETURN),
        (of(2, DISCARD), [ABSENT, AttemptReason.OTHER], DISCARD),
        (of(2, LEAVE), [ABSENT, ABSENT], RETURN),  # it could not be left
        (of(3, RETURN), [AttemptReason.REFUSED_BY_RECIPIENT], RETURN),
        (of(3, DISCARD), [AttemptReason.DAMAGED], DISCARD),
        (of(3, RETURN), [AttemptReason.WRONG_ADDRESS], None),
    ],
)
def test_what_follows_comes_after_the_last_attempt_or_where_none_is_worth_making(
    policy: FailurePolicy, reasons: list[AttemptReason], follows: AfterAttempts | None
) -> None:
    held = HeldPolicy(policy, Settled.COMPANY)
    assert held.follows(tried(*reasons)) is follows
    assert held.follows([]) is None


@pytest.mark.parametrize("reason", AttemptReason)
def test_a_reason_is_written_in_english_and_the_drivers_words_are_found_in_it(
    reason: AttemptReason,
) -> None:
    assert reason_of(reason.value) is reason
    assert words_in(in_english(reason), reason) is None
    assert words_in(in_english(reason, "a dog: large"), reason) == "a dog: large"


def test_a_reason_of_another_version_of_the_page_is_another_one() -> None:
    assert reason_of("dragon") is AttemptReason.OTHER


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], ""),
        ({"attempts": 2}, ""),
        ({"attempts": 2, "then": "return", "more": 1}, ""),
        ({"attempts": 0, "then": "return"}, "attempts"),
        ({"attempts": 6, "then": "return"}, "attempts"),
        ({"attempts": True, "then": "return"}, "attempts"),
        ({"attempts": "2", "then": "return"}, "attempts"),
        ({"attempts": 2, "then": "burn"}, "then"),
        ({"attempts": 2, "then": ["return"]}, "then"),
    ],
)
def test_a_policy_that_is_none_says_which_field_is_wrong(value: Any, field: str) -> None:
    fault = fault_of(value)
    assert fault is not None
    assert fault[0] == field
    with pytest.raises(ValueError, match="must"):
        from_words(value)


@pytest.mark.parametrize("then", AfterAttempts)
def test_a_policy_is_read_as_it_is_shown(then: AfterAttempts) -> None:
    assert from_words(as_words(of(5, then))) == of(5, then)


@pytest.mark.parametrize("attempts", [0, 6, -1])
def test_it_is_tried_once_to_five_times(attempts: int) -> None:
    with pytest.raises(ValueError, match="1 to 5 times"):
        FailurePolicy(attempts, RETURN)

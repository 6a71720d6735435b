"""What is done when a merchant asks to cancel."""

import pytest

from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.cancelling import Decision, decide
from estafette.core.deliveries.delivery import FINAL, Progress, Status

PENDING = Progress(Status.PENDING, Status.PENDING)


@pytest.mark.parametrize("may_cancel", [True, False])
def test_the_dialect_decides_before_any_platform_is_asked(may_cancel: bool) -> None:
    decision = Decision.ASK_PLATFORM if may_cancel else Decision.REFUSE
    assert decide(PENDING, None, may_cancel=may_cancel) is decision


@pytest.mark.parametrize("may_cancel", [True, False])
def test_what_the_platform_has_cancelled_is_cancelled_whatever_the_dialect_allows(
    may_cancel: bool,
) -> None:
    assert decide(PENDING, Recalled.CANCELLED, may_cancel=may_cancel) is Decision.CANCEL


def test_what_the_platform_refuses_to_cancel_is_refused() -> None:
    assert decide(PENDING, Recalled.REFUSED, may_cancel=True) is Decision.REFUSE


@pytest.mark.parametrize("status", sorted(FINAL))
def test_what_has_ended_is_not_cancelled_again(status: Status) -> None:
    ended = Progress(status, status)
    assert decide(ended, None, may_cancel=True) is Decision.REFUSE
    follower_was_first = status is Status.CANCELLED
    expected = Decision.IS_CANCELLED if follower_was_first else Decision.REFUSE
    assert decide(ended, Recalled.CANCELLED, may_cancel=True) is expected

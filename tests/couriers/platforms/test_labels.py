"""Under which label each verdict of an errand is counted."""

import pytest

from estafette.core.couriers.upstream import Report
from estafette.core.deliveries.delivery import Status
from estafette.couriers.platforms.errands import (
    DeliverySeen,
    Lost,
    Never,
    NotNow,
    Placed,
    Unseen,
    Verdict,
)
from estafette.couriers.platforms.worker import label_of
from estafette.usecases.couriers.dispatch import Placement


@pytest.mark.parametrize(
    ("verdict", "label"),
    [
        (Placed(Placement("d1"), found=False), "placed"),
        (Placed(Placement("d1"), found=True), "found"),
        (NotNow("down", doubtful=False, looked_up=True), "postponed"),
        (NotNow("late", doubtful=True, looked_up=False), "doubtful"),
        (Never("too heavy"), "refused"),
        (DeliverySeen(Report(Status.ASSIGNED)), "followed"),
        (Unseen("down"), "unseen"),
        (Lost("unknown"), "lost"),
    ],
)
def test_each_verdict_has_a_label_of_its_own(verdict: Verdict, label: str) -> None:
    assert label_of(verdict) == label

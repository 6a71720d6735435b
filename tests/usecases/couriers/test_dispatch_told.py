"""What the log and the metrics tell of dispatches, for whoever has to put them right."""

from datetime import timedelta
from typing import Any

from structlog.testing import capture_logs

from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.usecases.couriers.dispatch import (
    Placement,
    followed,
    lost,
    note_webhook,
    placed,
    refused,
)
from tests.usecases.far import LATER, Far, told


def named(far: Far, delivery: Delivery, upstream: str | None) -> dict[str, Any]:
    """How a line of the log names a dispatch."""
    return {
        "company": "far",
        "account": str(far.shop.account.id),
        "delivery": str(delivery.id),
        "upstream": upstream,
    }


async def test_a_refusal_is_told_with_its_reason(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand()
    with capture_logs() as logs:
        assert await refused(far.shop.platform, errand, "never")
    assert logs == [
        {"event": "dispatch_refused", "log_level": "warning", "reason": "never"}
        | named(far, delivery, None)
    ]


async def test_a_fee_above_the_quoted_one_is_told(far: Far) -> None:
    dearer, fair = [await far.create() for _ in range(2)]
    errands = {errand.delivery.id: errand for errand in (await far.claim()).errands}
    quoted = dearer.company_fee
    assert quoted is not None
    with capture_logs() as logs:
        for delivery, fee in ((fair, quoted), (dearer, quoted + 1)):
            errand = errands[delivery.id]
            await placed(far.shop.platform, errand, Placement(str(fee), None, fee), timedelta())
    assert logs == [
        {"event": "dispatch_dearer_than_quoted", "log_level": "warning", "fee": quoted + 1}
        | named(far, dearer, None)
    ]
    assert far.outcomes == [("far", "placed")] * 2


async def test_a_dispute_is_told_with_what_each_side_says(far: Far) -> None:
    ended = await far.create()
    errand = await far.errand()
    await far.by_hand(ended.id, Status.CANCELLED)
    with capture_logs() as logs:
        assert await placed(far.shop.platform, errand, Placement("up-1"), timedelta())
        errand = await far.errand()
        assert await followed(far.shop.platform, errand, told(Status.PENDING), LATER)
        gone = await far.create()
        lost_one = await far.errand_placed("up-2")
        assert await lost(far.shop.platform, lost_one, "they do not know it")
    disputed = {"event": "dispatch_disputed", "log_level": "error"}
    assert logs == [
        disputed | {"reason": "pending there, cancelled here"} | named(far, ended, "up-1"),
        disputed | {"reason": "they do not know it"} | named(far, gone, "up-2"),
    ]
    assert far.outcomes == [("far", "placed"), ("far", "disputed")] * 2


async def test_a_second_id_there_is_told_with_both(far: Far) -> None:
    delivery = await far.create()
    await far.errand_placed("up-1")
    with capture_logs() as logs:
        assert await note_webhook(far.shop.platform, far.company.id, "up-2", delivery.id)
    assert logs == [
        {
            "event": "dispatch_unknown_upstream",
            "log_level": "error",
            "company": str(far.company.id),
            "delivery": str(delivery.id),
            "known_as": "up-1",
            "upstream_id": "up-2",
        }
    ]


async def test_what_was_called_off_there_and_has_ended_here_otherwise_is_told(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand_placed()

    async def meanwhile(*_: object) -> Recalled:
        report = told(Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)
        await followed(far.shop.platform, errand, report, LATER)
        await far.by_hand(delivery.id, Status.DELIVERED)
        return Recalled.CANCELLED

    far.shop.change(recall=meanwhile)
    with capture_logs() as logs:
        await far.cancel(delivery.id)
    assert logs == [
        {
            "event": "dispatch_disputed",
            "log_level": "error",
            "delivery": str(delivery.id),
            "reason": "cancelled there, delivered here",
        }
    ]
    assert far.outcomes == [("far", "placed"), ("far", "disputed")]
    assert (await far.row(delivery.id))["state"] == "disputed"

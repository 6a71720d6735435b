"""What platforms of other companies tell by webhook."""

from datetime import timedelta

from estafette.core.deliveries.delivery import Status
from estafette.core.ids import new_id
from estafette.usecases.couriers.dispatch import (
    Placement,
    followed,
    note_webhook,
    placed,
    refused,
    unplaced,
)
from tests.usecases.angola import BY_TRANSFER
from tests.usecases.far import LATER, Far, told

P, A, S = Status.PENDING, Status.ASSIGNED, Status.STALLED


async def test_a_webhook_lets_it_be_looked_at_now(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await placed(platform, await far.errand(), Placement("up-1"), LATER)
    assert (await far.claim()).errands == []
    assert await note_webhook(platform, far.company.id, "up-1", None)
    assert (await far.errand()).delivery.id == delivery.id


async def test_a_webhook_during_a_look_lets_it_be_looked_at_again(far: Far) -> None:
    await far.create()
    platform = far.shop.platform
    errand = await far.errand_placed()
    assert await note_webhook(platform, far.company.id, "up-1", None)
    assert (await far.claim()).errands == []
    await followed(platform, errand, told(P), LATER)
    assert (await far.errand()).polls == 0


async def test_what_a_webhook_told_is_news_for_one_look(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await placed(platform, await far.errand(), Placement("up-1"), LATER)
    assert await note_webhook(platform, far.company.id, "up-1", None)
    await followed(platform, await far.errand(), told(P), LATER)
    assert 50 < (await far.row(delivery.id))["due_in"] <= 60
    assert (await far.claim()).errands == []


async def test_webhooks_of_other_companies_and_of_unknown_deliveries_are_not_heard(
    far: Far,
) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await placed(platform, await far.errand(), Placement("up-1"), LATER)
    assert not await note_webhook(platform, new_id(), "up-1", delivery.id)
    assert not await note_webhook(platform, far.company.id, "up-2", None)
    assert not await note_webhook(platform, far.company.id, "up-2", new_id())
    assert (await far.claim()).errands == []


async def test_a_webhook_before_anything_was_sent_is_not_heard(far: Far) -> None:
    delivery = await far.create(payment=BY_TRANSFER)
    assert not await note_webhook(far.shop.platform, far.company.id, "up-1", delivery.id)
    assert (await far.claim()).errands == []


async def test_a_webhook_that_outruns_the_placing_brings_it_into_doubt(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    errand = await far.errand()
    assert await note_webhook(platform, far.company.id, "up-1", delivery.id)
    assert await unplaced(platform, errand, "connection lost", LATER, looked_up=True)
    assert (await far.errand()).doubtful


async def test_a_webhook_of_what_was_refused_lets_it_be_looked_up(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    assert await refused(platform, await far.errand(), "given up")
    assert await note_webhook(platform, far.company.id, "up-1", delivery.id)
    errand = await far.errand()
    assert errand.doubtful
    assert await placed(platform, errand, Placement("up-1"), timedelta())
    await followed(platform, await far.errand(), told(P, A), LATER)
    assert await far.statuses(delivery.id) == [P, S, P, A]


async def test_a_refusal_is_not_believed_when_the_platform_has_spoken_of_it(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    errand = await far.errand()
    assert await note_webhook(platform, far.company.id, "up-1", delivery.id)
    assert not await refused(platform, errand, "given up")
    assert (await far.errand()).doubtful
    assert await far.statuses(delivery.id) == [P]


async def test_a_webhook_of_what_was_closed_unplaced_is_disputed(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await unplaced(platform, await far.errand(), "connection refused", LATER)
    await far.cancel(delivery.id)
    assert await note_webhook(platform, far.company.id, "up-1", delivery.id)
    assert (await far.row(delivery.id))["state"] == "disputed"
    assert far.outcomes == [("far", "disputed")]


async def test_a_second_delivery_there_changes_nothing_but_is_counted(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await placed(platform, await far.errand(), Placement("up-1"), LATER)
    assert await note_webhook(platform, far.company.id, "up-2", delivery.id)
    row = await far.row(delivery.id)
    assert (row["state"], row["upstream_id"], row["heard"]) == ("placed", "up-1", False)
    assert far.outcomes == [("far", "placed"), ("far", "disputed")]

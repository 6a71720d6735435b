"""Following deliveries at the platforms of other companies."""

from datetime import timedelta

import pytest

from estafette.core.couriers.upstream import Report, UpstreamStep
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.usecases.couriers.dispatch import (
    NOT_KNOWN,
    Placement,
    followed,
    lost,
    placed,
    unplaced,
)
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.deliveries.pins import open_pin
from tests.rows import tables
from tests.usecases.far import LATER, Far, told

P, A, R = Status.PENDING, Status.ASSIGNED, Status.PICKUP_READY
T, O, D = Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED  # noqa: E741 - a course
S, C, F = Status.STALLED, Status.CANCELLED, Status.FAILED


async def test_every_step_there_is_made_here(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand_placed()
    assert await followed(far.shop.platform, errand, told(P, A, R), LATER)
    events = await far.shop.events(delivery.id)
    assert [(event.status, event.note) for event in events[1:]] == [(A, "n2"), (R, "n3")]
    assert {event.actor for event in events[1:]} == {Actor.COURIER}
    await far.make_due()
    errand = await far.errand()
    assert (errand.seen, errand.polls) == ("e3", 0)
    assert await followed(far.shop.platform, errand, told(P, A, R, T, O, D), LATER)
    assert await far.statuses(delivery.id) == [P, A, R, T, O, D]
    row = await far.row(delivery.id)
    assert (row["state"], row["next_at"], row["leased"]) == ("closed", None, False)


async def test_skipped_steps_are_made_up_for(far: Far) -> None:
    delivery = await far.create()
    await followed(far.shop.platform, await far.errand_placed(), Report(D), LATER)
    assert await far.statuses(delivery.id) == [P, A, R, T, O, D]
    assert await far.shop.count("ledger_entries") > 0


async def test_a_report_that_is_told_again_counts_as_a_look_without_news(far: Far) -> None:
    delivery = await far.create()
    await followed(far.shop.platform, await far.errand_placed(), told(P, A), timedelta())
    for polls in (0, 1, 2):
        errand = await far.errand()
        assert errand.polls == polls
        await followed(far.shop.platform, errand, told(P, A), timedelta())
    assert await far.statuses(delivery.id) == [P, A]


async def test_a_stale_report_takes_nothing_back(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await followed(platform, await far.errand_placed(), told(P, A, P, A, T), timedelta())
    await followed(platform, await far.errand(), told(P, A, P), timedelta())
    assert await far.statuses(delivery.id) == [P, A, P, A, T]


async def test_a_stale_look_records_nothing(far: Far) -> None:
    delivery = await far.create()
    stale = await far.errand_placed()
    await far.die()
    errand = await far.errand()
    assert not errand.doubtful
    assert not await followed(far.shop.platform, stale, told(P, A), LATER)
    assert not await unplaced(far.shop.platform, stale, "x", LATER)
    assert not await lost(far.shop.platform, stale, "x")
    assert await far.statuses(delivery.id) == [P]


async def test_what_stalled_here_meanwhile_goes_on(far: Far) -> None:
    delivery = await far.create()
    pool, two_hours_ago = far.shop.platform.pool, timedelta(hours=-2)
    await tables.change(pool, "deliveries", watch_at=timedelta(), updated_at=two_hours_ago)
    await look_after(far.shop.platform)
    assert (await far.shop.delivery(delivery.id)).status is S
    await followed(far.shop.platform, await far.errand_placed(), told(P, A), LATER)
    assert await far.statuses(delivery.id) == [P, S, P, A]


async def test_a_stall_and_a_return_there_are_made_here(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await followed(platform, await far.errand_placed(), told(P, A, T, S), timedelta())
    assert (await far.shop.delivery(delivery.id)).status is S
    await followed(platform, await far.errand(), told(P, A, T, S, T, O), timedelta())
    assert await far.statuses(delivery.id) == [P, A, T, S, T, O]


@pytest.mark.parametrize(("by_our_hand", "there"), [([A, T], C), ([A, T, F], D), ([C], D)])
async def test_an_end_that_cannot_come_to_be_here_is_disputed(
    far: Far, by_our_hand: list[Status], there: Status
) -> None:
    delivery = await far.create()
    await placed(far.shop.platform, await far.errand(), Placement("up-1"), LATER)
    await far.by_hand(delivery.id, *by_our_hand)
    await far.make_due()
    assert await followed(far.shop.platform, await far.errand(), Report(there), LATER)
    row = await far.row(delivery.id)
    assert (row["state"], row["next_at"]) == ("disputed", None)
    assert row["last_error"] == f"{there} there, {by_our_hand[-1]} here"
    assert await far.statuses(delivery.id) == [P, *by_our_hand]
    assert ("far", "disputed") in far.outcomes


async def test_the_pin_that_the_platform_tells_later_is_shown(far: Far) -> None:
    delivery = await far.create()
    await followed(far.shop.platform, await far.errand_placed(), told(P, pin="99"), LATER)
    found = await far.shop.delivery(delivery.id)
    assert open_pin(far.shop.platform.cipher, found) == "99"


async def test_a_hand_over_there_needs_no_pin_here(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await followed(platform, await far.errand_placed(), told(P, pin="99"), timedelta())
    await followed(platform, await far.errand(), told(P, A, T, O, D), timedelta())
    assert (await far.shop.delivery(delivery.id)).status is D


async def test_what_could_not_be_looked_at_is_looked_at_later(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand_placed()
    assert await unplaced(far.shop.platform, errand, "down", LATER, doubtful=True)
    row = await far.row(delivery.id)
    assert (row["state"], row["doubted_at"], row["last_error"]) == ("placed", None, "down")
    assert 50 < row["due_in"] <= 60


async def test_what_the_platform_lost_stalls_and_is_disputed(far: Far) -> None:
    delivery = await far.create()
    assert await lost(far.shop.platform, await far.errand_placed(), "Not known there any more")
    assert (await far.shop.events(delivery.id))[-1].note == NOT_KNOWN
    assert (await far.row(delivery.id))["last_error"] == "Not known there any more"
    assert (await far.row(delivery.id))["state"] == "disputed"
    assert ("far", "disputed") in far.outcomes


async def test_two_steps_of_one_webhook_event_are_one(far: Far) -> None:
    delivery = await far.create()
    report = Report(A, [UpstreamStep("e1", P), UpstreamStep("e2", A), UpstreamStep("e3", A)])
    await followed(far.shop.platform, await far.errand_placed(), report, LATER)
    assert await far.statuses(delivery.id) == [P, A]

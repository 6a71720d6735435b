"""Cancelling what another platform carries: it is called off there first, or never got there."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.upstream import Recalled, Report
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import CourierUnavailable
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.store.signals import DISPATCHES, listen
from estafette.usecases.couriers.dispatch import Placement, followed, placed, unplaced
from estafette.usecases.deliveries.idempotency import Answer
from tests.rows import dispatches
from tests.usecases.far import LATER, Far, told
from tests.usecases.stage import refused_in

P, A, T, C = Status.PENDING, Status.ASSIGNED, Status.IN_TRANSIT, Status.CANCELLED


def cancelled(answer: Answer) -> bool:
    return orjson.loads(answer.reply.body).get("status") == "cancelled"


async def test_what_was_never_tried_is_cancelled_and_never_placed(far: Far) -> None:
    delivery = await far.create()
    assert cancelled(await far.cancel(delivery.id))
    assert (await far.row(delivery.id))["state"] == "closed"
    assert (await far.claim()).errands == []
    assert far.recalls == []


async def test_what_awaits_its_payment_is_cancelled_without_asking(far: Far) -> None:
    delivery = await far.create(payment=Payment(PaymentMethod.BANK_TRANSFER))
    assert cancelled(await far.cancel(delivery.id))
    assert (await far.row(delivery.id))["state"] == "closed"


async def test_what_certainly_never_arrived_is_cancelled_without_asking(far: Far) -> None:
    delivery = await far.create()
    await unplaced(far.shop.platform, await far.errand(), "connection refused", timedelta())
    assert cancelled(await far.cancel(delivery.id))
    assert (await far.claim()).errands == []


async def test_what_is_in_doubt_cannot_be_cancelled_now(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await unplaced(platform, await far.errand(), "timeout", timedelta(), doubtful=True)
    for _ in range(2):
        with pytest.raises(CourierUnavailable):
            await far.cancel(delivery.id, idempotency=far.shop.key("c"))
    assert (await far.shop.delivery(delivery.id)) == delivery
    await far.land()
    await unplaced(platform, await far.errand(), "not there", LATER, looked_up=True)
    assert cancelled(await far.cancel(delivery.id, idempotency=far.shop.key("c")))


async def test_what_a_dead_worker_may_have_placed_is_in_doubt(far: Far) -> None:
    delivery = await far.create()
    await far.errand()
    await far.die()
    with pytest.raises(CourierUnavailable):
        await far.cancel(delivery.id)


async def test_an_attempt_under_way_is_waited_for_and_then_called_off(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand()
    far.answers = [Recalled.CANCELLED]
    cancelling = asyncio.create_task(far.cancel(delivery.id))
    await _until_it_waits(far)
    await placed(far.shop.platform, errand, Placement("up-1"))
    assert cancelled(await cancelling)
    assert far.recalls == [("far", Mode.LIVE, "up-1")]


async def test_an_attempt_under_way_that_fails_lets_it_be_cancelled(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand()
    cancelling = asyncio.create_task(far.cancel(delivery.id))
    await _until_it_waits(far)
    await unplaced(far.shop.platform, errand, "connection refused", timedelta())
    assert cancelled(await cancelling)
    assert far.recalls == []


async def _until_it_waits(far: Far) -> None:
    """Until the cancellation has locked the row that is leased, and so has seen the lease."""
    while not await dispatches.count_leased_and_locked(far.shop.platform.pool):
        continue


async def test_an_attempt_that_takes_too_long_is_not_waited_for(far: Far) -> None:
    delivery = await far.create()
    await far.errand()
    far.lose_patience()
    with pytest.raises(CourierUnavailable):
        await far.cancel(delivery.id)
    assert (await far.shop.delivery(delivery.id)) == delivery


async def test_what_is_placed_is_called_off_there_and_cancelled_here(far: Far) -> None:
    delivery = await far.create()
    await placed(far.shop.platform, await far.errand(), Placement("up-1"), LATER)
    far.answers = [Recalled.CANCELLED]
    assert cancelled(await far.cancel(delivery.id))
    last = (await far.shop.events(delivery.id))[-1]
    assert (last.status, last.actor, last.note) == (C, Actor.MERCHANT, "Changed my mind")
    row = await far.row(delivery.id)
    assert (row["state"], row["next_at"], row["leased"]) == ("closed", None, False)


async def test_a_cancellation_is_repeated_under_its_key_without_asking_again(far: Far) -> None:
    delivery = await far.create()
    await placed(far.shop.platform, await far.errand(), Placement("up-1"), LATER)
    far.answers = [Recalled.CANCELLED]
    answers = [await far.cancel(delivery.id, idempotency=far.shop.key("c")) for _ in range(2)]
    assert [answer.replayed for answer in answers] == [False, True]
    assert answers[0].reply == answers[1].reply
    assert refused_in(await far.cancel(delivery.id)) == "CancelRefused"
    assert len(far.recalls) == 1


async def test_a_refusal_there_is_a_refusal_here_and_lets_it_be_looked_at(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await placed(platform, await far.errand(), Placement("up-1"), LATER)
    far.answers = [Recalled.REFUSED]
    assert refused_in(await far.cancel(delivery.id)) == "CancelRefused"
    assert (await far.row(delivery.id))["recalled_at"] is None
    errand = await far.errand()
    assert not errand.recalled
    await followed(platform, errand, told(P, A, T), LATER)
    assert (await far.statuses(delivery.id))[-1] is T


async def test_no_answer_from_there_changes_nothing_here_and_may_be_tried_again(far: Far) -> None:
    delivery = await far.create()
    await placed(far.shop.platform, await far.errand(), Placement("up-1"), LATER)
    far.answers = [Recalled.UNKNOWN, Recalled.CANCELLED]
    with pytest.raises(CourierUnavailable):
        await far.cancel(delivery.id)
    assert (await far.shop.delivery(delivery.id)) == delivery
    assert (await far.row(delivery.id))["recalled_at"] is not None
    assert cancelled(await far.cancel(delivery.id))


async def test_the_follower_completes_a_cancellation_that_a_crash_cut_off(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await placed(platform, await far.errand(), Placement("up-1"), LATER)
    far.answers = [Recalled.UNKNOWN]
    with pytest.raises(CourierUnavailable):
        await far.cancel(delivery.id)
    errand = await far.errand()
    assert errand.recalled
    await followed(platform, errand, told(P, C), LATER)
    last = (await far.shop.events(delivery.id))[-1]
    assert (last.status, last.actor) == (C, Actor.MERCHANT)
    assert (await far.row(delivery.id))["state"] == "closed"


async def test_what_the_company_cancels_itself_is_the_couriers_doing(far: Far) -> None:
    delivery = await far.create()
    await followed(far.shop.platform, await far.errand_placed(), told(P, C), LATER)
    assert (await far.shop.events(delivery.id))[-1].actor is Actor.COURIER


async def test_a_follower_that_is_faster_leaves_the_cancellation_a_success(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    errand = await far.errand_placed()

    async def slowly(*_: object) -> Recalled:
        assert await followed(platform, errand, Report(C), LATER)
        return Recalled.CANCELLED

    far.shop.change(recall=slowly)
    assert cancelled(await far.cancel(delivery.id))
    events = await far.shop.events(delivery.id)
    assert [(event.status, event.actor) for event in events[1:]] == [(C, Actor.MERCHANT)]


async def test_a_follower_that_is_slower_records_nothing(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand_placed()
    far.answers = [Recalled.CANCELLED]
    assert cancelled(await far.cancel(delivery.id))
    assert not await followed(far.shop.platform, errand, told(P, A), LATER)
    assert (await far.row(delivery.id))["state"] == "closed"
    assert far.outcomes == [("far", "placed")]


async def test_what_was_called_off_is_cancelled_though_it_got_further_here(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    errand = await far.errand_placed()

    async def late(*_: object) -> Recalled:
        await followed(platform, errand, told(P, A, Status.PICKUP_READY), LATER)
        return Recalled.CANCELLED

    far.shop.change(recall=late)
    assert cancelled(await far.cancel(delivery.id))


async def test_what_was_called_off_there_and_carried_here_is_disputed(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await placed(platform, await far.errand(), Placement("up-1"), LATER)

    async def late(*_: object) -> Recalled:
        await far.by_hand(delivery.id, A, T)
        return Recalled.CANCELLED

    far.shop.change(recall=late)
    assert refused_in(await far.cancel(delivery.id)) == "CancelRefused"
    assert (await far.row(delivery.id))["state"] == "disputed"
    assert far.outcomes == [("far", "placed"), ("far", "disputed")]


async def test_what_the_dialect_does_not_let_the_merchant_cancel_is_not_asked_for(
    far: Far,
) -> None:
    delivery = await far.create()
    errand = await far.errand_placed()
    await followed(far.shop.platform, errand, told(P, A, Status.PICKUP_READY), LATER)
    assert refused_in(await far.cancel(delivery.id)) == "CancelRefused"
    assert far.recalls == []


async def test_a_hanging_platform_costs_the_merchant_seconds_and_nothing_else(far: Far) -> None:
    delivery = await far.create()
    await placed(far.shop.platform, await far.errand(), Placement("up-1"), LATER)

    async def never(*_: object) -> Recalled:
        await asyncio.Event().wait()
        raise AssertionError

    far.shop.change(recall=never)
    far.lose_patience()
    with pytest.raises(CourierUnavailable):
        await far.cancel(delivery.id)
    assert (await far.shop.delivery(delivery.id)) == delivery


async def test_claims_and_cancellations_in_parallel_agree(far: Far) -> None:
    """Whatever a cancellation meets, nothing is cancelled here that stays placed there."""
    platform = far.shop.platform
    there: dict[str, str] = {}

    async def recall(_: object, __: object, upstream_id: str) -> Recalled:
        there[upstream_id] = "cancelled"
        return Recalled.CANCELLED

    far.shop.change(recall=recall)
    deliveries = [await far.create() for _ in range(30)]

    async def work() -> None:
        for _ in range(12):
            for errand in (await far.claim(5)).errands:
                if errand.upstream_id is None:
                    there[str(errand.delivery.id)] = "pending"
                    await placed(platform, errand, Placement(str(errand.delivery.id)), timedelta())
                else:
                    status = Status(there[errand.upstream_id])
                    await followed(platform, errand, Report(status), timedelta())

    answers = await asyncio.gather(
        work(), work(), *(far.cancel(delivery.id) for delivery in deliveries)
    )
    assert all(cancelled(answer) for answer in answers[2:] if answer is not None)
    for delivery in deliveries:
        assert (await far.shop.delivery(delivery.id)).status is C
        assert await far.statuses(delivery.id) == [P, C]
        row = await far.row(delivery.id)
        assert row["state"] == "closed"
        assert there.get(str(delivery.id), "never there") in {"cancelled", "never there"}
        assert (row["upstream_id"] is None) is (str(delivery.id) not in there)


@pytest.fixture
async def signals(far: Far, clean_database: str) -> AsyncIterator[asyncio.Event]:
    """Set at each signal to whoever runs errands."""
    signal = asyncio.Event()
    listening = asyncio.create_task(listen(clean_database, {DISPATCHES: signal.set}))
    await signal.wait()  # the first says that it listens
    signal.clear()
    yield signal
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_creation_and_a_refused_recall_wake_the_follower(
    far: Far, signals: asyncio.Event
) -> None:
    delivery = await far.create()
    await signals.wait()
    await placed(far.shop.platform, await far.errand(), Placement("up-1"), LATER)
    signals.clear()
    far.answers = [Recalled.REFUSED]
    await far.cancel(delivery.id)
    await signals.wait()


async def test_what_is_cancelled_by_hand_is_called_off_at_once(
    far: Far, signals: asyncio.Event
) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await placed(platform, await far.errand(), Placement("up-1"), LATER)
    signals.clear()
    await far.by_hand(delivery.id, C)
    await signals.wait()
    errand = await far.errand()
    assert errand.delivery.status is C  # so whoever looks calls it off first
    assert await followed(platform, errand, told(P, C), LATER)
    assert (await far.row(delivery.id))["state"] == "closed"
    assert await far.statuses(delivery.id) == [P, C]


async def test_a_cancellation_by_hand_amid_a_look_is_disputed_only_if_the_next_look_says_so(
    far: Far,
) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    look = await far.errand_placed()
    await far.by_hand(delivery.id, C)
    assert await followed(platform, look, told(P, A), LATER)
    row = await far.row(delivery.id)
    assert (row["state"], row["due_in"] <= 0) == ("placed", True)
    assert await followed(platform, await far.errand(), told(P, A, T), LATER)
    assert (await far.row(delivery.id))["state"] == "disputed"
    assert far.outcomes == [("far", "placed"), ("far", "disputed")]

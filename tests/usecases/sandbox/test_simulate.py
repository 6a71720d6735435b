"""Simulated couriers through the database: by themselves, by hand, each scenario to its end."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.deliveries.failing import AfterAttempts, FailurePolicy
from estafette.core.errors import DeliveryNotFound, TransitionRefused
from estafette.core.ids import new_id
from estafette.core.sandbox.scenario import SCENARIOS
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.rehearse import rehearse
from estafette.usecases.sandbox.simulate import step_by_hand, tick
from tests.moving import advance
from tests.rows import tables
from tests.usecases.stage import DIALECT, Tenant, new_tenant, platform_over, render

STEP = 600
"""A step in seconds: so long that what a busy machine takes for a test is none of it."""

pytestmark = pytest.mark.usefixtures("no_other_runs")


@pytest.fixture
async def platform(postgres_dsn: str) -> AsyncGenerator[Platform]:
    """A platform whose couriers take their time."""
    async with platform_over(postgres_dsn, step=timedelta(seconds=STEP)) as platform:
        yield platform


@pytest.fixture
async def still(postgres_dsn: str) -> AsyncGenerator[Platform]:
    """A platform whose simulated couriers move only when told."""
    async with platform_over(postgres_dsn, step=timedelta()) as platform:
        yield platform


async def due_in(tenant: Tenant, id: UUID | None = None) -> float | None:
    """In how many steps the account's one delivery, or that one, moves by itself, rounded."""
    pool = tenant.platform.pool
    due: dict[str, object] = {"account_id": tenant.account.id, "due_at": tables.PRESENT}
    if id is not None:
        due["delivery_id"] = id  # its return moves too
    if not await tables.count(pool, "sandbox_runs", due):
        return None
    return round(await tables.seconds_until(pool, "sandbox_runs", "due_at", due) / STEP, 1)


async def run_to_the_end(tenant: Tenant, id: UUID) -> list[float]:
    """Makes every step at once; returns for how many steps the courier waited before each."""
    waits: list[float] = []
    while (wait := await due_in(tenant, id)) is not None:
        waits.append(wait)
        where, now = {"delivery_id": id}, timedelta()
        await tables.change(tenant.platform.pool, "sandbox_runs", where, due_at=now)
        await tick(tenant.platform)
    return waits


EXPECTED = {
    "delivered": "created accepted in_transit out_for_delivery delivered",
    "no_courier": "created cancelled",
    "courier_gives_back": "created accepted in_transit out_for_delivery delivered",
    "stalled_then_recovers": "created accepted in_transit out_for_delivery delivered",
    "recipient_unavailable": "created accepted in_transit out_for_delivery",
    "refused_by_all": "created",
    "driver_refuses": "created accepted in_transit out_for_delivery delivered",
    "driver_silent": "created accepted in_transit out_for_delivery delivered",
    "driver_vanishes": "created accepted in_transit out_for_delivery delivered",
    "driver_vanishes_with_parcel": "created accepted in_transit",
    "recipient_absent_twice": "created accepted in_transit out_for_delivery",
    "refused_at_the_door": "created accepted in_transit out_for_delivery",
    "wrong_pin": "created accepted in_transit out_for_delivery delivered",
    "slow": "created accepted in_transit out_for_delivery delivered",
    "real_pace": "created accepted in_transit out_for_delivery delivered",
    "webhook_duplicate": "created accepted in_transit out_for_delivery delivered",
    "webhook_late": "created accepted in_transit out_for_delivery delivered",
    "webhook_out_of_order": "created accepted in_transit out_for_delivery delivered",
}

ENDS = {
    "no_courier": Status.CANCELLED,
    "refused_by_all": Status.STALLED,
    "recipient_unavailable": Status.FAILED,
    "driver_vanishes_with_parcel": Status.FAILED,
    "recipient_absent_twice": Status.FAILED,
    "refused_at_the_door": Status.FAILED,
}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_each_scenario_runs_as_rehearsed(tenant: Tenant, name: str) -> None:
    await tenant.set_endpoint()
    id = await tenant.create(f"sandbox:{name}")
    waits = await run_to_the_end(tenant, id)
    happenings = rehearse(name, DIALECT)

    times = [happening.at for happening in happenings]
    expected_waits = [after - before for before, after in pairwise(times)]
    assert waits == expected_waits

    events = await tenant.events(id)
    seen = [(event.status, event.note, event.announced) for event in events]
    assert seen == [(one.status, one.note, one.announced) for one in happenings]

    messages = await tenant.messages(id)
    sent = [(message["type"], message["delay"]) for message in messages]
    assert sent == [
        (type, (one.announced_at - one.at) * STEP)
        for one in happenings
        for type in one.announced
        for _ in range(one.copies)
    ]
    assert " ".join(dict.fromkeys(type for type, _ in sent)) == EXPECTED[name]
    assert (await tenant.delivery(id)).status is ENDS.get(name, Status.DELIVERED)


@pytest.mark.parametrize(
    ("policy", "statuses", "end"),
    [
        (FailurePolicy(1, AfterAttempts.DISCARD), ["failed"], Status.FAILED),
        (
            FailurePolicy(3, AfterAttempts.RETURN),
            [*(["stalled", "out_for_delivery"] * 2), "failed"],
            Status.FAILED,
        ),
        (
            FailurePolicy(2, AfterAttempts.LEAVE),
            ["stalled", "out_for_delivery", "delivered"],
            Status.DELIVERED,
        ),
    ],
    ids=str,
)
async def test_what_follows_attempts_that_fail_is_what_was_said_of_the_delivery(
    tenant: Tenant, policy: FailurePolicy, statuses: list[str], end: Status
) -> None:
    id = await tenant.create("sandbox:recipient_absent_twice", failing=policy)
    runs = {"account_id": tenant.account.id, "due_at": tables.PRESENT}  # that of a return too
    while await tables.count(tenant.platform.pool, "sandbox_runs", runs):
        await tables.change(tenant.platform.pool, "sandbox_runs", runs, due_at=timedelta())
        await tick(tenant.platform)
    delivery = await tenant.delivery(id)
    events = await tenant.events(id)
    assert [event.status.value for event in events[4:]] == statuses
    tried = policy.attempts - (end is Status.DELIVERED)
    assert (len(delivery.attempts), delivery.status) == (tried, end)
    assert delivery.left_at_door is (policy.then is AfterAttempts.LEAVE)
    assert (delivery.return_id is not None) is (policy.then is AfterAttempts.RETURN)
    if delivery.return_id is not None:
        back = await tenant.delivery(delivery.return_id)
        assert (back.return_of, back.status) == (id, Status.DELIVERED)


async def test_a_duplicate_webhook_carries_the_same_event_id(tenant: Tenant) -> None:
    await tenant.set_endpoint()
    id = await tenant.create("sandbox:webhook_duplicate")
    await run_to_the_end(tenant, id)
    events = [message["event_id"] for message in await tenant.messages(id)]
    assert events[::2] == events[1::2]
    assert len(set(events)) == 5


def test_out_of_order_webhooks_change_places_in_pairs() -> None:
    told = [
        (one.announced_at, type)
        for one in rehearse("webhook_out_of_order", DIALECT)
        for type in one.announced
    ]
    order = [type for _, type in sorted(told)]
    assert order == ["created", "in_transit", "accepted", "delivered", "out_for_delivery"]


def test_late_webhooks_come_after_six_steps_in_order() -> None:
    happenings = [one for one in rehearse("webhook_late", DIALECT) if one.announced]
    assert [one.announced_at - one.at for one in happenings] == [6] * 5


async def test_a_step_is_made_once_however_many_couriers_look(tenant: Tenant) -> None:
    ids = await asyncio.gather(*(tenant.create() for _ in range(40)))
    for id in ids:
        await tenant.make_due(id)
    ticks = await asyncio.gather(*(tick(tenant.platform) for _ in range(6)))
    assert sum(each.done for each in ticks) >= 40
    assert await tenant.count("events") == 80
    for id in ids:
        assert [event.seq for event in await tenant.events(id)] == [1, 2]


async def test_nothing_moves_before_its_time(tenant: Tenant) -> None:
    id = await tenant.create()
    await tick(tenant.platform)
    assert (await tenant.delivery(id)).status is Status.PENDING
    assert await due_in(tenant) == 1


async def test_a_cancelled_delivery_moves_no_more(tenant: Tenant) -> None:
    id = await tenant.create()
    await cancel(tenant.platform, Cancellation(tenant.scope, DIALECT, id, render))
    await tenant.make_due(id)
    await tick(tenant.platform)
    assert (await tenant.delivery(id)).status is Status.CANCELLED
    assert await due_in(tenant) is None


async def test_a_delivery_of_an_unknown_dialect_keeps_nobody_waiting(tenant: Tenant) -> None:
    foreign = await new_tenant(tenant.platform)
    where = {"id": foreign.account.id}
    await tables.change(foreign.platform.pool, "accounts", where, dialect="unheard_of")
    unheard, id = await foreign.create(), await tenant.create()
    await foreign.make_due(unheard)
    await tenant.make_due(id)
    await tick(tenant.platform)
    assert (await tenant.delivery(id)).status is Status.ASSIGNED
    assert (await foreign.delivery(unheard)).status is Status.PENDING


async def test_with_a_step_of_zero_only_the_hand_moves(still: Platform) -> None:
    tenant = await new_tenant(still)
    id = await tenant.create("sandbox:stalled_then_recovers")
    assert await due_in(tenant) is None
    for happening in rehearse("stalled_then_recovers", DIALECT)[1:]:
        delivery = await step_by_hand(still, tenant.scope, DIALECT, id)
        assert delivery.status is happening.status
    with pytest.raises(TransitionRefused):
        await step_by_hand(still, tenant.scope, DIALECT, id)
    assert await due_in(tenant) is None


async def test_with_a_step_of_zero_late_webhooks_are_late_by_half_a_minute(still: Platform) -> None:
    tenant = await new_tenant(still)
    await tenant.set_endpoint()
    id = await tenant.create("sandbox:webhook_late")
    await step_by_hand(still, tenant.scope, DIALECT, id)
    await move_by_hand(still, tenant.scope, DIALECT, id, Status.IN_TRANSIT, None)
    assert [message["delay"] for message in await tenant.messages(id)] == [30, 30, 30]


async def test_a_step_by_hand_is_followed_by_the_next_at_its_full_wait(tenant: Tenant) -> None:
    id = await tenant.create("sandbox:slow")
    await tenant.make_due(id)
    delivery = await step_by_hand(tenant.platform, tenant.scope, DIALECT, id, "Hello")
    assert delivery.status is Status.ASSIGNED
    assert (await tenant.events(id))[-1].note == "Hello"
    assert await due_in(tenant) == 6


async def test_a_move_by_hand_goes_through_what_lies_between(tenant: Tenant) -> None:
    await tenant.set_endpoint()
    id = await tenant.create()
    delivery = await move_by_hand(
        tenant.platform, tenant.scope, DIALECT, id, Status.OUT_FOR_DELIVERY, "Near you"
    )
    assert delivery == await tenant.delivery(id)
    events = await tenant.events(id)
    assert [event.note for event in events if event.note] == ["Near you"]
    assert events[-1].actor is Actor.OPERATOR
    types = [message["type"] for message in await tenant.messages(id)]
    assert types == ["created", "accepted", "in_transit", "out_for_delivery"]


async def test_after_a_move_by_hand_the_scenario_goes_on_a_full_wait_later(tenant: Tenant) -> None:
    id = await tenant.create()
    await tenant.make_due(id)
    await move_by_hand(tenant.platform, tenant.scope, DIALECT, id, Status.IN_TRANSIT, None)
    assert await due_in(tenant) == 1
    await run_to_the_end(tenant, id)
    assert (await tenant.delivery(id)).status is Status.DELIVERED


async def test_a_delivery_given_back_by_hand_is_taken_again(tenant: Tenant) -> None:
    id = await tenant.create()
    for status in (Status.PICKUP_READY, Status.PENDING):
        await move_by_hand(tenant.platform, tenant.scope, DIALECT, id, status, None)
    await run_to_the_end(tenant, id)
    assert (await tenant.delivery(id)).status is Status.DELIVERED


async def test_a_delivery_stalled_by_hand_stays_until_it_is_moved(tenant: Tenant) -> None:
    id = await tenant.create()
    for status in (Status.IN_TRANSIT, Status.STALLED):
        await move_by_hand(tenant.platform, tenant.scope, DIALECT, id, status, None)
    assert await due_in(tenant) is None
    delivery = await step_by_hand(tenant.platform, tenant.scope, DIALECT, id)
    assert delivery.status is Status.IN_TRANSIT
    await run_to_the_end(tenant, id)
    assert (await tenant.delivery(id)).status is Status.DELIVERED


async def test_what_nobody_took_goes_on_once_somebody_has_it(tenant: Tenant) -> None:
    id = await tenant.create("sandbox:refused_by_all")
    await run_to_the_end(tenant, id)
    assert (await tenant.delivery(id)).status is Status.STALLED
    moves = [Move(status, Actor.COURIER) for status in (Status.PENDING, Status.ASSIGNED)]
    await advance(tenant.platform, tenant.scope, DIALECT, id, moves)  # as a dispatcher gives it
    await run_to_the_end(tenant, id)
    assert (await tenant.delivery(id)).status is Status.DELIVERED


async def test_a_faulty_scenario_is_as_faulty_by_hand(tenant: Tenant) -> None:
    await tenant.set_endpoint()
    id = await tenant.create("sandbox:webhook_duplicate")
    await move_by_hand(tenant.platform, tenant.scope, DIALECT, id, Status.DELIVERED, None)
    assert len(await tenant.messages(id)) == 10


@pytest.mark.parametrize("to", [Status.PENDING, Status.ASSIGNED, Status.CANCELLED])
async def test_no_way_leads_back_after_the_pickup(tenant: Tenant, to: Status) -> None:
    id = await tenant.create()
    await move_by_hand(tenant.platform, tenant.scope, DIALECT, id, Status.IN_TRANSIT, None)
    before = await tenant.events(id)
    with pytest.raises(TransitionRefused):
        await move_by_hand(tenant.platform, tenant.scope, DIALECT, id, to, None)
    assert await tenant.events(id) == before


async def test_a_pending_delivery_can_be_made_to_fail(tenant: Tenant) -> None:
    id = await tenant.create()
    await move_by_hand(tenant.platform, tenant.scope, DIALECT, id, Status.FAILED, "Lost")
    assert (await tenant.delivery(id)).status is Status.FAILED


async def test_a_foreign_delivery_is_not_moved_by_hand(tenant: Tenant) -> None:
    id = await tenant.create()
    for stranger in (tenant.live(), await new_tenant(tenant.platform)):
        with pytest.raises(DeliveryNotFound):
            await step_by_hand(tenant.platform, stranger.scope, DIALECT, id)
    with pytest.raises(DeliveryNotFound):
        await move_by_hand(tenant.platform, tenant.scope, DIALECT, new_id(), Status.ASSIGNED, None)


async def test_a_cancellation_is_told_as_faultily_as_the_scenario_wants(tenant: Tenant) -> None:
    await tenant.set_endpoint()
    late = await tenant.create("sandbox:webhook_late")
    twice = await tenant.create("sandbox:webhook_duplicate")
    for id in (late, twice):
        await cancel(tenant.platform, Cancellation(tenant.scope, DIALECT, id, render))
    assert [message["delay"] for message in await tenant.messages(late)] == [6 * STEP, 6 * STEP]
    types = [message["type"] for message in await tenant.messages(twice)]
    assert types == ["created", "created", "cancelled", "cancelled"]

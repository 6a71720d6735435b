"""Creating deliveries: alone, together, again, and in conflict."""

import asyncio
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status, Stop
from estafette.core.deliveries.event import Actor
from estafette.core.errors import IdempotencyMismatch, Refusal
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.idempotency import Reply
from estafette.usecases.platform import Platform
from tests.moving import advance
from tests.usecases.stage import DIALECT, Tenant, id_in, new_tenant, refused_in, render


async def test_a_created_delivery_is_stored_as_ordered(tenant: Tenant) -> None:
    id = await tenant.create("Entrance B", external_ref="order-1")
    delivery = await tenant.delivery(id)
    assert delivery.status is delivery.milestone is Status.PENDING
    assert delivery.external_ref == "order-1"
    assert delivery.dropoff.notes == "Entrance B"
    assert delivery.parcel.declared_value == 85_000
    assert delivery.created_at < delivery.pickup_by < delivery.deliver_by


async def test_a_created_delivery_has_one_event_and_a_message_for_each_endpoint(
    tenant: Tenant,
) -> None:
    await tenant.set_endpoint("first")
    await tenant.set_endpoint("second")
    id = await tenant.create()
    (event,) = await tenant.events(id)
    assert (event.seq, event.status, event.actor) == (1, Status.PENDING, Actor.MERCHANT)
    messages = await tenant.messages(id)
    assert [message["type"] for message in messages] == ["created", "created"]
    assert {message["event_id"] for message in messages} == {event.id}


async def test_a_live_delivery_is_no_business_of_simulated_couriers(tenant: Tenant) -> None:
    id = await tenant.live().create("sandbox:no_courier")
    assert (await tenant.live().delivery(id)).scenario is None
    assert await tenant.count("sandbox_runs") == 0


async def test_two_hundred_parallel_creates_make_as_many_deliveries(tenant: Tenant) -> None:
    ids = await asyncio.gather(
        *(tenant.create(external_ref=f"order-{number}") for number in range(200))
    )
    assert len(set(ids)) == 200
    assert await tenant.count("deliveries") == 200
    assert await tenant.count("events") == 200


async def test_parallel_creates_of_different_accounts_keep_to_their_accounts(
    platform: Platform, tenant: Tenant
) -> None:
    other = await new_tenant(platform)
    other.creator = tenant.creator  # so that they come in the same batches
    both = (tenant, other)
    await asyncio.gather(
        *(who.create(external_ref=f"order-{number}") for number in range(40) for who in both)
    )
    assert [await who.count("deliveries") for who in both] == [40, 40]


async def test_parallel_creates_under_one_key_make_one_delivery_and_equal_answers(
    tenant: Tenant,
) -> None:
    orders = [
        tenant.order(external_ref="order-1", idempotency=tenant.key("same")) for _ in range(200)
    ]
    answers = await asyncio.gather(*map(tenant.creator.create, orders))
    assert len({answer.reply for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert await tenant.count("deliveries") == 1
    assert await tenant.count("idempotency") == 1


async def test_parallel_creates_under_one_key_in_two_processes_make_one_delivery(
    platform: Platform, tenant: Tenant
) -> None:
    elsewhere = type(tenant.creator)(platform)
    order = tenant.order(idempotency=tenant.key("same"))
    answers = await asyncio.gather(
        *(creator.create(order) for _ in range(50) for creator in (tenant.creator, elsewhere))
    )
    assert len({answer.reply for answer in answers}) == 1
    assert await tenant.count("deliveries") == 1


async def test_a_replay_answers_as_at_first_although_the_delivery_moved_on(tenant: Tenant) -> None:
    order = tenant.order(idempotency=tenant.key("once"))
    first = await tenant.creator.create(order)
    assert not first.replayed
    await advance(
        tenant.platform,
        tenant.scope,
        DIALECT,
        id_in(first),
        [Move(Status.ASSIGNED, Actor.COURIER)],
    )
    again = await tenant.creator.create(order)
    assert again.replayed
    assert again.reply == first.reply


async def test_a_key_with_another_payload_is_refused_and_nothing_is_stored(tenant: Tenant) -> None:
    await tenant.create(idempotency=tenant.key("once", {"weight": 1}))
    with pytest.raises(IdempotencyMismatch):
        await tenant.create(idempotency=tenant.key("once", {"weight": 2}))
    assert await tenant.count("deliveries") == 1


async def test_different_payloads_under_one_key_at_once_leave_one_winner(tenant: Tenant) -> None:
    results = await asyncio.gather(
        *(tenant.create(idempotency=tenant.key("once", number)) for number in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, UUID) for result in results) == 1
    assert sum(isinstance(result, IdempotencyMismatch) for result in results) == 19
    assert await tenant.count("deliveries") == 1


async def test_one_key_text_is_another_key_elsewhere(platform: Platform, tenant: Tenant) -> None:
    stranger = await new_tenant(platform)
    ids = {
        await tenant.create(idempotency=tenant.key("k")),
        await tenant.create(idempotency=tenant.key("k", endpoint="POST /v2/deliveries")),
        await tenant.live().create(idempotency=tenant.live().key("k")),
        await stranger.create(idempotency=stranger.key("k")),
    }
    assert len(ids) == 4


async def test_a_second_live_delivery_of_an_order_is_a_conflict(tenant: Tenant) -> None:
    await tenant.create(external_ref="order-1")
    answer = await tenant.creator.create(tenant.order(external_ref="order-1"))
    assert refused_in(answer) == "OrderConflict"
    assert await tenant.count("deliveries") == 1


async def test_the_conflict_names_the_delivery_that_exists(tenant: Tenant) -> None:
    def naming(outcome: Delivery | Refusal) -> Reply:
        return Reply(409, str(getattr(outcome, "delivery_id", None)).encode())

    id = await tenant.create(external_ref="order-1")
    answer = await tenant.creator.create(tenant.order(external_ref="order-1", render=naming))
    assert answer.reply.body.decode() == str(id)


async def test_two_hundred_parallel_creates_of_one_order_make_one_delivery(tenant: Tenant) -> None:
    elsewhere = type(tenant.creator)(tenant.platform)
    answers = await asyncio.gather(
        *(
            creator.create(tenant.order(external_ref="order-1"))
            for _ in range(100)
            for creator in (tenant.creator, elsewhere)
        )
    )
    assert sorted(answer.reply.status for answer in answers) == [201] + [409] * 199
    assert await tenant.count("deliveries") == 1


async def test_a_conflict_is_kept_under_its_key(tenant: Tenant) -> None:
    id = await tenant.create(external_ref="order-1")
    order = tenant.order(external_ref="order-1", idempotency=tenant.key("second"))
    refused = await tenant.creator.create(order)
    await cancel(tenant.platform, Cancellation(tenant.scope, DIALECT, id, render))
    again = await tenant.creator.create(order)
    assert again.replayed
    assert again.reply == refused.reply


@pytest.mark.parametrize("end", [Status.CANCELLED, Status.FAILED])
async def test_an_order_whose_delivery_came_to_nothing_may_be_delivered_anew(
    tenant: Tenant, end: Status
) -> None:
    first = await tenant.create(external_ref="order-1")
    moves = [Move(Status.STALLED, Actor.COURIER), Move(end, Actor.COURIER)]
    await advance(tenant.platform, tenant.scope, DIALECT, first, moves)
    assert await tenant.create(external_ref="order-1") != first


async def test_an_order_number_is_free_in_the_other_mode(tenant: Tenant) -> None:
    await tenant.create(external_ref="order-1")
    assert await tenant.live().create(external_ref="order-1")


async def test_a_poisoned_order_fails_alone(tenant: Tenant) -> None:
    poisoned = tenant.order(dropoff=Stop("Almaty \x00"), idempotency=tenant.key("poison"))
    healthy = [tenant.order(external_ref=f"order-{number}") for number in range(30)]
    results = await asyncio.gather(
        *map(tenant.creator.create, [*healthy[:15], poisoned, *healthy[15:]]),
        return_exceptions=True,
    )
    assert isinstance(results.pop(15), asyncpg.PostgresError)
    assert not [result for result in results if isinstance(result, BaseException)]
    assert await tenant.count("deliveries") == 30
    assert await tenant.count("idempotency") == 0


async def test_an_order_that_cannot_be_rendered_leaves_nothing(tenant: Tenant) -> None:
    def broken(_: Delivery | Refusal) -> Reply:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await tenant.creator.create(tenant.order(render=broken, idempotency=tenant.key("k")))
    assert await tenant.count("deliveries") == 0
    assert await tenant.count("idempotency") == 0
    assert await tenant.create(idempotency=tenant.key("k"))


async def test_a_caller_who_leaves_does_not_harm_those_beside_it(tenant: Tenant) -> None:
    tasks = [asyncio.create_task(tenant.create()) for _ in range(20)]
    await asyncio.sleep(0)
    tasks[7].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(result, UUID) for result in results) == 19


async def test_an_unknown_scenario_is_taken_for_the_default_one(tenant: Tenant) -> None:
    id = await tenant.create("sandbox:no_such_thing")
    assert (await tenant.delivery(id)).status is Status.PENDING


async def test_a_sandbox_delivery_remembers_the_scenario_of_its_notes(tenant: Tenant) -> None:
    id = await tenant.create("Ring twice. sandbox:slow, please")
    assert (await tenant.delivery(id)).scenario == "slow"


async def test_modes_of_one_account_do_not_mix_in_one_batch(tenant: Tenant) -> None:
    order = tenant.order(external_ref="order-1")
    live = replace(order, scope=tenant.live().scope)
    answers = await asyncio.gather(*map(tenant.creator.create, [order, live, order, live]))
    assert sorted(answer.reply.status for answer in answers) == [201, 201, 409, 409]
    assert live.scope.mode is Mode.LIVE

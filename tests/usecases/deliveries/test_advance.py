"""Moving deliveries from one status to the next."""

import asyncio
from datetime import timedelta

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import DeliveryNotFound, TransitionRefused
from estafette.core.ids import new_id
from estafette.usecases.deliveries.advance import Move
from tests.moving import advance
from tests.rows import tables
from tests.usecases.stage import DIALECT, Tenant, new_tenant


def by_courier(*statuses: Status) -> list[Move]:
    return [Move(status, Actor.COURIER, f"now {status}") for status in statuses]


async def test_each_move_adds_one_numbered_event(tenant: Tenant) -> None:
    id = await tenant.create()
    moves = by_courier(Status.ASSIGNED, Status.IN_TRANSIT)
    delivery = await advance(tenant.platform, tenant.scope, DIALECT, id, moves)
    assert delivery == await tenant.delivery(id)
    events = await tenant.events(id)
    assert [event.seq for event in events] == [1, 2, 3]
    assert [event.note for event in events] == [None, "now assigned", "now in_transit"]
    assert delivery.progress.seq == 3
    assert delivery.updated_at == events[-1].occurred_at


async def test_moves_are_made_all_or_none(tenant: Tenant) -> None:
    id = await tenant.create()
    moves = by_courier(Status.ASSIGNED, Status.DELIVERED)
    with pytest.raises(TransitionRefused) as refused:
        await advance(tenant.platform, tenant.scope, DIALECT, id, moves)
    assert refused.value == TransitionRefused(Status.ASSIGNED, Status.ASSIGNED, Status.DELIVERED)
    assert (await tenant.delivery(id)).status is Status.PENDING
    assert len(await tenant.events(id)) == 1


async def test_each_change_that_is_shown_is_announced_once(tenant: Tenant) -> None:
    await tenant.set_endpoint()
    id = await tenant.create()
    await advance(
        tenant.platform, tenant.scope, DIALECT, id, by_courier(Status.STALLED, Status.PENDING)
    )
    moves = by_courier(Status.ASSIGNED, Status.PICKUP_READY, Status.IN_TRANSIT)
    await advance(tenant.platform, tenant.scope, DIALECT, id, moves)
    types = [message["type"] for message in await tenant.messages(id)]
    assert types == ["created", "accepted", "in_transit"]


async def test_a_stall_is_told_to_nobody_and_undoes_nothing(tenant: Tenant) -> None:
    await tenant.set_endpoint()
    id = await tenant.create()
    moves = by_courier(Status.ASSIGNED, Status.IN_TRANSIT, Status.STALLED)
    delivery = await advance(tenant.platform, tenant.scope, DIALECT, id, moves)
    assert (delivery.status, delivery.milestone) == (Status.STALLED, Status.IN_TRANSIT)
    assert delivery.progress.before_stall is Status.IN_TRANSIT
    assert len(await tenant.messages(id)) == 3


async def test_a_foreign_delivery_cannot_be_moved(tenant: Tenant) -> None:
    id = await tenant.create()
    for stranger in (tenant.live(), await new_tenant(tenant.platform)):
        with pytest.raises(DeliveryNotFound):
            await advance(tenant.platform, stranger.scope, DIALECT, id, by_courier(Status.ASSIGNED))
    with pytest.raises(DeliveryNotFound):
        await advance(tenant.platform, tenant.scope, DIALECT, new_id(), [])


async def test_parallel_moves_to_one_status_leave_one_winner(tenant: Tenant) -> None:
    id = await tenant.create()
    results = await asyncio.gather(
        *(
            advance(tenant.platform, tenant.scope, DIALECT, id, by_courier(Status.ASSIGNED))
            for _ in range(20)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, TransitionRefused) for result in results) == 19
    assert [event.seq for event in await tenant.events(id)] == [1, 2]


async def test_only_endpoints_with_an_address_of_that_mode_are_told(tenant: Tenant) -> None:
    await tenant.set_endpoint("here")
    await tenant.set_endpoint("gone")
    await tenant.set_endpoint("nowhere")
    await tenant.live().set_endpoint("live")
    pool, account_id = tenant.platform.pool, tenant.account.id
    gone, nowhere = ({"account_id": account_id, "name": name} for name in ("gone", "nowhere"))
    await tables.change(pool, "endpoints", gone, disabled_at=timedelta())
    await tables.change(pool, "endpoints", nowhere, url=None)
    assert len(await tenant.messages(await tenant.create())) == 1

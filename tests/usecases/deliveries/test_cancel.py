"""Cancelling a delivery on the merchant's word."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from estafette.core.deliveries.delivery import Progress, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import DeliveryNotFound, IdempotencyMismatch
from estafette.core.ids import new_id
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from tests.moving import advance
from tests.usecases.stage import DIALECT, KaspiLike, Tenant, new_tenant, refused_in, render

COURSE = [Status.ASSIGNED, Status.PICKUP_READY, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY]


def cancellation(tenant: Tenant, id: UUID, **changes: Any) -> Cancellation:
    wanted = Cancellation(tenant.scope, DIALECT, id, render, "Customer changed address")
    return replace(wanted, **changes)


async def advance_to(tenant: Tenant, id: UUID, *statuses: Status) -> None:
    moves = [Move(status, Actor.COURIER) for status in statuses]
    await advance(tenant.platform, tenant.scope, DIALECT, id, moves)


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_a_delivery_is_cancelled_until_it_is_picked_up(tenant: Tenant, steps: int) -> None:
    await tenant.set_endpoint()
    id = await tenant.create()
    await advance_to(tenant, id, *COURSE[:steps])
    answer = await cancel(tenant.platform, cancellation(tenant, id))
    assert orjson.loads(answer.reply.body) == {"id": str(id), "status": "cancelled"}
    delivery = await tenant.delivery(id)
    assert delivery.status is delivery.milestone is Status.CANCELLED
    last = (await tenant.events(id))[-1]
    assert (last.actor, last.note) == (Actor.MERCHANT, "Customer changed address")
    assert [message["type"] for message in await tenant.messages(id)][-1] == "cancelled"


@pytest.mark.parametrize("steps", [3, 4])
async def test_cancel_after_pickup_is_refused(tenant: Tenant, steps: int) -> None:
    id = await tenant.create()
    await advance_to(tenant, id, *COURSE[:steps])
    answer = await cancel(tenant.platform, cancellation(tenant, id))
    assert refused_in(answer) == "CancelRefused"
    assert (await tenant.delivery(id)).status is COURSE[steps - 1]


async def test_cancel_of_a_stall_after_the_pickup_is_refused(tenant: Tenant) -> None:
    id = await tenant.create()
    await advance_to(tenant, id, *COURSE[:3], Status.STALLED)
    assert refused_in(await cancel(tenant.platform, cancellation(tenant, id))) == "CancelRefused"


async def test_the_dialect_may_refuse_what_the_table_allows(tenant: Tenant) -> None:
    class Strict(KaspiLike):
        def may_cancel(self, progress: Progress) -> bool:
            return False

    id = await tenant.create()
    answer = await cancel(tenant.platform, cancellation(tenant, id, dialect=Strict()))
    assert refused_in(answer) == "CancelRefused"


async def test_cancelling_twice_is_refused(tenant: Tenant) -> None:
    id = await tenant.create()
    await cancel(tenant.platform, cancellation(tenant, id))
    assert refused_in(await cancel(tenant.platform, cancellation(tenant, id))) == "CancelRefused"
    assert len(await tenant.events(id)) == 2


async def test_parallel_cancels_under_one_key_make_one_event_and_equal_answers(
    tenant: Tenant,
) -> None:
    id = await tenant.create()
    key = tenant.key("once", endpoint=f"POST /v1/deliveries/{id}/cancel")
    wanted = cancellation(tenant, id, idempotency=key)
    answers = await asyncio.gather(*(cancel(tenant.platform, wanted) for _ in range(50)))
    assert len({answer.reply for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(await tenant.events(id)) == 2


async def test_parallel_cancels_without_a_key_leave_one_winner(tenant: Tenant) -> None:
    id = await tenant.create()
    wanted = cancellation(tenant, id)
    answers = await asyncio.gather(*(cancel(tenant.platform, wanted) for _ in range(20)))
    assert sorted(answer.reply.status for answer in answers) == [201] + [409] * 19


async def test_a_cancel_key_with_another_reason_is_refused(tenant: Tenant) -> None:
    id = await tenant.create()
    await cancel(tenant.platform, cancellation(tenant, id, idempotency=tenant.key("k", "one")))
    with pytest.raises(IdempotencyMismatch):
        await cancel(tenant.platform, cancellation(tenant, id, idempotency=tenant.key("k", "two")))


async def test_a_refusal_to_cancel_is_kept_under_its_key(tenant: Tenant) -> None:
    id = await tenant.create()
    await advance_to(tenant, id, *COURSE[:3])
    wanted = cancellation(tenant, id, idempotency=tenant.key("k"))
    refused = await cancel(tenant.platform, wanted)
    again = await cancel(tenant.platform, wanted)
    assert again.replayed
    assert again.reply == refused.reply


async def test_a_foreign_delivery_is_not_found_and_leaves_the_key_unused(tenant: Tenant) -> None:
    id = await tenant.create()
    for stranger in (tenant.live(), await new_tenant(tenant.platform)):
        with pytest.raises(DeliveryNotFound):
            await cancel(tenant.platform, cancellation(stranger, id, idempotency=stranger.key("k")))
        assert await stranger.count("idempotency") == 0
    with pytest.raises(DeliveryNotFound):
        await cancel(tenant.platform, cancellation(tenant, new_id()))
    assert (await tenant.delivery(id)).status is Status.PENDING


async def test_cancel_and_pickup_at_once_leave_one_winner(tenant: Tenant) -> None:
    for _ in range(10):
        id = await tenant.create()
        await advance_to(tenant, id, Status.ASSIGNED)
        answer, moved = await asyncio.gather(
            cancel(tenant.platform, cancellation(tenant, id)),
            advance_to(tenant, id, Status.IN_TRANSIT),
            return_exceptions=True,
        )
        assert not isinstance(answer, BaseException)
        cancelled = answer.reply.status == 201
        assert cancelled is (moved is not None)
        expected = Status.CANCELLED if cancelled else Status.IN_TRANSIT
        assert (await tenant.delivery(id)).status is expected

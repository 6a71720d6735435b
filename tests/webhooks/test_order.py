"""Webhooks of one delivery in order: who waits for whom, how long, and who does not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.dialects import entrega, kaspi
from estafette.store.webhooks import outbox
from estafette.store.webhooks.failures import OPENS_AFTER
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.options import AS_THE_DIALECT_SAYS, choose
from estafette.webhooks.retry import RetrySchedule
from estafette.webhooks.worker import Limits
from tests.patience import until
from tests.receivers import Behaviour, Connection, ReceivedRequest, Receiver, after, answer
from tests.rows import tables
from tests.rows import webhooks as rows
from tests.store.webhooks.claims import claim, end_rest, finished, record
from tests.usecases.stage import DIALECT, Tenant
from tests.webhooks.stage import (
    PlainRenderer,
    listen_at,
    make_due,
    messages,
    move,
    said,
    until_settled,
    working,
)

IN_ORDER = {DIALECT.name: PlainRenderer(order_seconds=600.0)}
LIMITS = Limits(poll_seconds=0.05)
HOUR = timedelta(hours=1)


def refusing(seq: int, deliveries: set[str]) -> Behaviour:
    """Refuses one event of some deliveries, and takes all others."""
    refuse, take = answer(500), answer()

    async def behave(request: ReceivedRequest, connection: Connection) -> bool:
        told = said(request)
        is_refused = told["seq"] == seq and told["deliveryId"] in deliveries
        return await (refuse if is_refused else take)(request, connection)

    return behave


def told_of(receiver: Receiver, id: UUID) -> list[int]:
    """The events of a delivery that arrived, in order of their arrival."""
    told = map(said, receiver.requests)
    return [each["seq"] for each in told if each["deliveryId"] == str(id)]


def is_delivered(tenant: Tenant, id: UUID, count: int) -> Callable[[], Awaitable[bool]]:
    async def all_are() -> bool:
        of = [each for each in await messages(tenant) if each["delivery_id"] == id]
        return [each["state"] for each in of] == ["delivered"] * count

    return all_are


def is_held(tenant: Tenant, id: UUID, seq: int) -> Callable[[], Awaitable[bool]]:
    """Whether a message that was never sent is put off for longer than a moment."""

    async def held() -> bool:
        [one] = [
            each
            for each in await messages(tenant)
            if each["delivery_id"] == id and each["seq"] == seq
        ]
        return one["attempt"] == 0 and one["due_in"] > 10 and one["leased_by"] is None

    return held


async def test_a_later_webhook_waits_for_an_earlier_one_that_is_sent_again_and_others_do_not(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    refused: set[str] = set()
    async with Receiver(refusing(1, refused)) as receiver:
        await listen_at(tenant, receiver.url)
        one = await tenant.create()
        refused.add(str(one))
        async with working(platform, fresh_database, renderers=IN_ORDER, limits=LIMITS):
            await until_settled(tenant, 1)
            await move(tenant, one, Status.ASSIGNED, Status.IN_TRANSIT)
            other = await tenant.create()
            await move(tenant, other, Status.ASSIGNED)
            await until(is_delivered(tenant, other, 2))
            await until(is_held(tenant, one, 2))
            await until(is_held(tenant, one, 3))
            assert told_of(receiver, one) == [1]
            refused.clear()
            await make_due(tenant)
            await until(is_delivered(tenant, one, 3))
    assert told_of(receiver, one) == [1, 1, 2, 3]
    attempts = {each["seq"]: each["attempt"] for each in await messages(tenant)}
    assert attempts[2] == attempts[3] == 1  # waiting is no attempt


async def test_what_was_claimed_with_one_that_fails_waits_as_well(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    refused: set[str] = set()
    async with Receiver(refusing(2, refused)) as receiver:
        await listen_at(tenant, receiver.url)
        one = await tenant.create()
        refused.add(str(one))
        await move(tenant, one, Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY)
        async with working(platform, fresh_database, renderers=IN_ORDER, limits=LIMITS):
            await until(is_held(tenant, one, 3))
            await until(is_held(tenant, one, 4))
            refused.clear()
            await make_due(tenant)
            await until(is_delivered(tenant, one, 4))
    assert told_of(receiver, one) == [1, 2, 2, 3, 4]


async def test_it_waits_no_longer_than_the_bound_of_its_endpoint(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    refused: set[str] = set()
    async with Receiver(refusing(1, refused)) as receiver:
        await listen_at(tenant, receiver.url)
        await choose(platform, tenant.scope, "default", order_seconds=1)
        one = await tenant.create()
        refused.add(str(one))
        async with working(platform, fresh_database, renderers=IN_ORDER, limits=LIMITS):
            await until_settled(tenant, 1)
            await move(tenant, one, Status.ASSIGNED)
            await receiver.wait_until(lambda: told_of(receiver, one) == [1, 2])
    [first, _] = await messages(tenant)
    assert (first["state"], first["attempt"]) == ("pending", 1)


async def test_without_order_nothing_waits(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    refused: set[str] = set()
    async with Receiver(refusing(1, refused)) as receiver:
        await listen_at(tenant, receiver.url)
        await choose(platform, tenant.scope, "default", order_seconds=0)
        one = await tenant.create()
        refused.add(str(one))
        await move(tenant, one, Status.ASSIGNED)
        async with working(platform, fresh_database, renderers=IN_ORDER, limits=LIMITS):
            await receiver.wait_until(lambda: told_of(receiver, one) == [1, 2])


async def test_two_workers_keep_the_order_of_what_one_of_them_is_sending(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    goes_on = asyncio.Event()
    async with (
        Receiver(after(goes_on, answer())) as receiver,
        working(platform, fresh_database, renderers=IN_ORDER, limits=LIMITS),
    ):
        await listen_at(tenant, receiver.url)
        one = await tenant.create()
        await receiver.wait_for(1)
        async with working(platform, fresh_database, renderers=IN_ORDER, limits=LIMITS):
            await move(tenant, one, Status.ASSIGNED, Status.IN_TRANSIT)
            other = await tenant.create()
            await receiver.wait_until(lambda: bool(told_of(receiver, other)))
            assert told_of(receiver, one) == [1]
            goes_on.set()
            await until(is_delivered(tenant, one, 3))
    assert told_of(receiver, one) == [1, 2, 3]


async def test_a_delay_that_the_sandbox_was_asked_for_is_not_waited_for(
    tenant: Tenant,
) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    one = await tenant.create()
    await move(tenant, one, Status.ASSIGNED)
    await tables.change(tenant.platform.pool, "messages", {"seq": 1}, due_at=HOUR)
    [second] = await claim(tenant, "one", order={DIALECT.name: 600.0})
    assert (second.seq, second.wait_seconds, second.order_seconds) == (2, 0.0, 600.0)


async def test_a_claim_tells_how_long_to_wait(tenant: Tenant) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    one = await tenant.create()
    order = {DIALECT.name: 600.0}
    [first] = await claim(tenant, "one", order=order)
    await move(tenant, one, Status.ASSIGNED)

    async def wait(**changes: Any) -> float:
        [second] = await claim(tenant, "other", order=changes.get("order", order))
        async with tenant.platform.pool.acquire() as connection:
            await outbox.release(connection, [second._replace(wait_seconds=0.0)], worker="other")
        return second.wait_seconds

    assert 0 < await wait() <= 0.2  # it is being sent
    await record(tenant, "one", finished(first, is_delivered=False, retry_seconds=300.0))
    assert 200 < await wait() <= 300
    assert await wait(order={}) == 0.0
    pool = tenant.platform.pool
    for ago, least, most in ((540, 0.1, 60.0), (601, 0.0, 0.0)):
        began = timedelta(seconds=-ago)
        await tables.change(pool, "messages", {"seq": 1}, round_started_at=began)
        assert least <= await wait() <= most
    await tables.change(pool, "messages", round_started_at=timedelta())
    await tables.change(pool, "messages", {"seq": 1}, state="dead")
    assert await wait() == 0.0


async def test_an_endpoint_that_rested_is_tried_with_a_message_that_need_not_wait(
    tenant: Tenant,
) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    one = await tenant.create()
    order = {DIALECT.name: 600.0}
    for _ in range(OPENS_AFTER):
        [first] = await claim(tenant, "one", room=1, order=order)
        await record(tenant, "one", finished(first, is_delivered=False, retry_seconds=0.0))
    await move(tenant, one, Status.ASSIGNED, Status.IN_TRANSIT)
    earlier = timedelta(seconds=-10)
    await tables.change(tenant.platform.pool, "messages", {"seq": [2, 3]}, due_at=earlier)
    await end_rest(tenant)
    [tried] = await claim(tenant, "one", order=order)
    assert (tried.seq, tried.wait_seconds) == (1, 0.0)


async def test_nothing_waits_for_what_comes_after_it_or_is_claimed_with_it(tenant: Tenant) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    await move(tenant, await tenant.create(), Status.ASSIGNED, Status.IN_TRANSIT)
    pool = tenant.platform.pool
    for later, claimed in ([3], [1, 2]), ([], [1, 2, 3]):
        await tables.change(pool, "messages", due_at=timedelta(), leased_by=None)
        tried = {"seq": later or [1, 2, 3]}
        await tables.change(pool, "messages", tried, round_started_at=timedelta())
        await tables.change(pool, "messages", {"seq": later}, due_at=HOUR)
        found = await claim(tenant, "one", order={DIALECT.name: 600.0})
        assert [(each.seq, each.wait_seconds) for each in found] == [(seq, 0.0) for seq in claimed]


async def probe(tenant: Tenant) -> int:
    """The event that the endpoint is tried with after it has failed again and again."""
    await rows.fail_endpoints(tenant.platform.pool, OPENS_AFTER)
    [tried] = await claim(tenant, "one", order={DIALECT.name: 600.0}, room=1)
    assert tried.seq is not None
    return tried.seq


@pytest.mark.parametrize("why", ["settled", "beyond the bound", "another endpoint's", "not tried"])
async def test_an_endpoint_that_rested_is_tried_with_what_waits_for_nothing(
    tenant: Tenant, why: str
) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    one = await tenant.create()
    await move(tenant, one, Status.ASSIGNED)
    now = timedelta()
    changes: dict[str, dict[str, object]] = {
        "settled": {"state": "delivered", "round_started_at": now},
        "beyond the bound": {"round_started_at": timedelta(seconds=-601)},
        "another endpoint's": {"endpoint_id": uuid4(), "round_started_at": now},
        "not tried": {"round_started_at": None},
    }
    pool = tenant.platform.pool
    await tables.change(pool, "messages", {"seq": 1}, due_at=HOUR, **changes[why])
    assert await probe(tenant) == 2


async def test_an_endpoint_that_rested_is_tried_with_the_first_though_a_later_one_failed(
    tenant: Tenant,
) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    one = await tenant.create()
    await move(tenant, one, Status.ASSIGNED)
    now = timedelta()
    await tables.change(tenant.platform.pool, "messages", {"seq": 2}, round_started_at=now)
    assert await probe(tenant) == 1


@pytest.mark.parametrize("name", ["default", "other"])
async def test_another_endpoint_of_the_account_does_not_wait(tenant: Tenant, name: str) -> None:
    await listen_at(tenant, "http://127.0.0.1:9/")
    other = await listen_at(tenant, "http://127.0.0.1:9/", "other")
    one = await tenant.create()
    order = {DIALECT.name: 600.0}
    for first in await claim(tenant, "one", order=order):
        delivered = finished(first)
        failed = finished(first, is_delivered=False, retry_seconds=60.0)
        is_other = await _name(tenant, first.endpoint_id) == other.name
        await record(tenant, "one", failed if is_other == (name == "other") else delivered)
    await move(tenant, one, Status.ASSIGNED)
    waits = {
        await _name(tenant, each.endpoint_id): each.wait_seconds > 0
        for each in await claim(tenant, "one", order=order)
    }
    assert waits == {"default": name == "default", "other": name == "other"}


async def _name(tenant: Tenant, endpoint_id: UUID) -> str:
    return await tables.value(tenant.platform.pool, "endpoints", "name", {"id": endpoint_id})


async def test_an_endpoint_may_go_back_to_what_its_dialect_says(tenant: Tenant) -> None:
    of = (tenant.platform, tenant.scope, "default")
    await listen_at(tenant, None)
    assert (await choose(*of, order_seconds=30)).order_seconds == 30
    assert (await choose(*of, format="standard")).order_seconds == 30
    assert (await choose(*of, order_seconds=AS_THE_DIALECT_SAYS)).order_seconds is None


def test_entrega_keeps_the_order_by_default_and_kaspi_sends_each_by_itself() -> None:
    assert entrega.RECORD.renderer.order_seconds == 600
    assert kaspi.RECORD.renderer.order_seconds == 0


def test_a_bound_is_shorter_than_the_schedule_that_it_interrupts() -> None:
    schedule: RetrySchedule = entrega.RECORD.renderer.schedule
    assert entrega.RECORD.renderer.order_seconds < sum(schedule.delays_seconds)

"""The worker over a real database and real sockets: what is sent, when, and what is kept of it."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.errors import EndpointMissing
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox.simulate import step_by_hand
from estafette.usecases.webhooks import endpoints
from estafette.usecases.webhooks.resend import resend_event, resend_message, resend_since
from estafette.webhooks.retry import RetrySchedule
from estafette.webhooks.worker import Limits
from tests.patience import until
from tests.receivers import Receiver, after, answer, in_turn, redirect
from tests.rows import tables
from tests.rows import webhooks as rows
from tests.usecases.stage import DIALECT, Tenant, new_tenant
from tests.webhooks.stage import (
    PlainRenderer,
    PoisonedRenderer,
    attempts,
    is_signed_by,
    listen_at,
    make_due,
    messages,
    move,
    said,
    until_settled,
    working,
)

# Nothing below waits for a poll: what is sent was announced.
ONLY_WHEN_WOKEN = Limits(poll_seconds=3600)


async def test_a_delivery_is_told_as_it_goes(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver, working(platform, fresh_database):
        endpoint = await listen_at(tenant, receiver.url)
        id = await tenant.create(external_ref="A-1")
        await receiver.wait_for(1)
        await move(tenant, id, Status.ASSIGNED)
        await receiver.wait_for(2)
        await until_settled(tenant, 2)
    created, accepted = map(said, receiver.requests)
    event = (await tenant.events(id))[0]
    assert created == {
        "eventId": str(event.id),
        "messageId": created["messageId"],
        "type": "created",
        "attempt": 1,
        "deliveryId": str(id),
        "externalRef": "A-1",
        "seq": 1,
        "ordinal": 0,
        "status": "pending",
        "isTest": False,
    }
    assert accepted["type"] == "accepted"
    assert all(is_signed_by(request, endpoint.secret) for request in receiver.requests)
    assert [message["state"] for message in await messages(tenant)] == ["delivered"] * 2
    kept = await attempts(tenant)
    assert [(one["outcome"], one["http_status"], one["attempt"]) for one in kept] == [
        ("delivered", 200, 1)
    ] * 2


async def test_a_worker_wakes_for_new_messages(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with (
        Receiver() as receiver,
        working(platform, fresh_database, limits=ONLY_WHEN_WOKEN),
    ):
        await listen_at(tenant, receiver.url)
        for count in range(1, 4):
            await tenant.create()
            await receiver.wait_for(count)


async def test_a_worker_that_is_not_woken_finds_messages_by_itself(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    limits = Limits(poll_seconds=0.02)
    async with Receiver() as receiver, working(platform, fresh_database, limits=limits):
        await listen_at(tenant, receiver.url)
        id = await tenant.create()
        await receiver.wait_for(1)
        await until_settled(tenant, 1)
        of_it, now = {"delivery_id": id}, timedelta()
        await tables.change(platform.pool, "messages", of_it, state="pending", due_at=now)
        await receiver.wait_for(2)


async def test_messages_of_one_delivery_claimed_together_are_sent_in_order(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver:
        await listen_at(tenant, receiver.url)
        ids = [await tenant.create() for _ in range(3)]
        for id in ids:
            await move(tenant, id, Status.ASSIGNED, Status.IN_TRANSIT)
            await move(tenant, id, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
        await tables.change(platform.pool, "messages", due_at=timedelta())
        limits = Limits(per_endpoint=64)
        async with working(platform, fresh_database, limits=limits):
            await receiver.wait_for(15)
    for id in ids:
        told = [said(each) for each in receiver.requests if said(each)["deliveryId"] == str(id)]
        assert [each["seq"] for each in told] == [1, 2, 3, 4, 5]


async def test_steps_that_were_jumped_over_are_told_in_order_under_one_event(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver:
        await listen_at(tenant, receiver.url)
        id = await tenant.create()
        await move(tenant, id, Status.ASSIGNED)
        await rows.announce(platform.pool, id, 2, "one", "two", "three")
        async with working(platform, fresh_database):
            await receiver.wait_for(4)
    told = [said(each) for each in receiver.requests]
    assert [each["type"] for each in told] == ["created", "one", "two", "three"]
    assert len({each["eventId"] for each in told[1:]}) == 1


async def test_copies_made_on_demand_share_the_event_id(
    platform: Platform, fresh_database: str
) -> None:
    tenant = await new_tenant(platform, Mode.SANDBOX)
    async with Receiver() as receiver, working(platform, fresh_database):
        await listen_at(tenant, receiver.url)
        id = await tenant.create("sandbox:webhook_duplicate")
        await step_by_hand(platform, tenant.scope, DIALECT, id)
        await receiver.wait_for(4)
    events = await tenant.events(id)
    told = [said(each) for each in receiver.requests]
    assert sorted(each["eventId"] for each in told) == sorted(
        str(event.id) for event in events for _ in range(2)
    )
    assert len({each["messageId"] for each in told}) == 4


async def test_two_endpoints_hear_of_one_event_each_in_its_own_signature(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as one, Receiver() as other, working(platform, fresh_database):
        first = await listen_at(tenant, one.url)
        second = await listen_at(tenant, other.url, "warehouse")
        await tenant.create()
        await one.wait_for(1)
        await other.wait_for(1)
    assert said(one.requests[0])["eventId"] == said(other.requests[0])["eventId"]
    assert is_signed_by(one.requests[0], first.secret)
    assert is_signed_by(other.requests[0], second.secret)
    assert not is_signed_by(other.requests[0], first.secret)


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(500),
        answer(410),
        redirect("http://169.254.169.254/latest/meta-data/"),
        answer(503, {"Retry-After": "1e9"}),
        answer(429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}),
    ],
    ids=["500", "410", "redirect", "retry after 1e9", "retry after the year 9999"],
)
async def test_a_failure_is_tried_again_within_the_schedule(
    platform: Platform, tenant: Tenant, fresh_database: str, behaviour: object
) -> None:
    async with Receiver(in_turn(behaviour, answer())) as receiver:  # pyright: ignore[reportArgumentType] - parametrize loses the type
        await listen_at(tenant, receiver.url)
        await tenant.create()
        async with working(platform, fresh_database):
            await until_settled(tenant, 1)
            [message] = await messages(tenant)
            assert message["state"] == "pending"
            assert 20 < message["due_in"] <= 512 * 60
            await make_due(tenant)
            await receiver.wait_for(2)
            await until_settled(tenant, 1)
    assert [said(each)["attempt"] for each in receiver.requests] == [1, 2]
    assert len({said(each)["eventId"] for each in receiver.requests}) == 1


async def test_a_wish_to_be_asked_later_is_honoured(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver(answer(429, {"Retry-After": "600"})) as receiver:
        await listen_at(tenant, receiver.url)
        await tenant.create()
        async with working(platform, fresh_database):
            await until_settled(tenant, 1)
    [message] = await messages(tenant)
    assert 540 < message["due_in"] <= 600


SHORT = {DIALECT.name: PlainRenderer(RetrySchedule((0.01, 0.01), timeout_seconds=20))}


async def test_after_the_schedule_a_message_is_dead_and_kept_and_sent_again_by_hand(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async def is_dead() -> bool:
        return (await messages(tenant))[0]["state"] == "dead"

    async with Receiver(answer(500)) as receiver:
        await listen_at(tenant, receiver.url)
        id = await tenant.create()
        limits = Limits(poll_seconds=0.02)
        async with working(platform, fresh_database, renderers=SHORT, limits=limits):
            await until(is_dead)
            assert len(receiver.requests) == 3
            shown = await endpoints.attempts_of(platform, tenant.scope, id)
            assert [(one.attempt, one.outcome, one.state) for one in shown] == [
                (number, "rejected", "dead") for number in (3, 2, 1)
            ]
            event = (await tenant.events(id))[0]
            assert await resend_event(platform, tenant.scope, id, event.id) == 1
            await receiver.wait_for(6)
            await until(is_dead)
            receiver.behaviour = answer()
            since = event.occurred_at - timedelta(minutes=1)
            assert await resend_since(platform, tenant.scope, since) == (1, 0, True)
            await receiver.wait_for(7)
            await until_settled(tenant, 1)
            assert await resend_since(platform, tenant.scope, since) == (0, 0, True)
            again = await resend_since(platform, tenant.scope, since, dead_only=False)
            assert again == (1, 0, True)
            await receiver.wait_for(8)
    assert [said(each)["attempt"] for each in receiver.requests] == list(range(1, 9))
    assert len({said(each)["eventId"] for each in receiver.requests}) == 1


async def test_what_is_being_sent_is_not_sent_again_by_hand(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    arrived = asyncio.Event()
    async with Receiver(after(arrived, answer())) as receiver:
        await listen_at(tenant, receiver.url)
        await tenant.create()
        async with working(platform, fresh_database):
            await receiver.wait_for(1)
            message_id = UUID(said(receiver.requests[0])["messageId"])
            assert await resend_message(platform, tenant.scope, message_id) == 0
            arrived.set()
            await until_settled(tenant, 1)
            other_mode = tenant.scope._replace(mode=Mode.SANDBOX)
            assert await resend_message(platform, other_mode, message_id) == 0
            assert await resend_message(platform, tenant.scope, message_id) == 1
            await receiver.wait_for(2)


async def test_a_poisoned_message_is_kept_as_an_error_and_stops_nobody(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    poisoned = {DIALECT.name: PoisonedRenderer()}
    async with Receiver() as receiver, working(platform, fresh_database, renderers=poisoned):
        await listen_at(tenant, receiver.url)
        for _ in range(3):
            await move(tenant, await tenant.create(), Status.ASSIGNED)
        await receiver.wait_for(3)
        await until_settled(tenant, 6)
    errors = [one for one in await attempts(tenant) if one["outcome"] == "error"]
    assert len(errors) == 3
    assert {one["error"] for one in errors} == {"could not be rendered or sent: ZeroDivisionError"}
    states = {(each["seq"], each["state"]) for each in await messages(tenant)}
    assert states == {(1, "pending"), (2, "delivered")}


async def test_an_account_of_an_unknown_dialect_holds_up_nobody(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver, working(platform, fresh_database, renderers={}):
        await listen_at(tenant, receiver.url)
        await tenant.create()
        await until_settled(tenant, 1)
    [attempt] = await attempts(tenant)
    assert attempt["outcome"] == "error"
    assert "dialect" in attempt["error"]


async def test_an_old_secret_signs_until_the_rotation_is_finished_by_hand(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver, working(platform, fresh_database):
        old = (await listen_at(tenant, receiver.url)).secret
        rotated = await endpoints.rotate(platform, tenant.scope, timedelta(hours=1))
        assert rotated.secret == old
        assert rotated.next_secret not in (None, old)
        await tenant.create()
        await receiver.wait_for(1)
        finished = await endpoints.finish_rotation(platform, tenant.scope)
        assert (finished.secret, finished.next_secret) == (rotated.next_secret, None)
        await tenant.create()
        await receiver.wait_for(2)
    assert is_signed_by(receiver.requests[0], old)
    assert is_signed_by(receiver.requests[1], finished.secret)


async def test_a_new_secret_signs_after_its_deadline(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver, working(platform, fresh_database):
        old = (await listen_at(tenant, receiver.url)).secret
        rotated = await endpoints.rotate(platform, tenant.scope, timedelta(0))
        assert rotated.secret != old
        assert rotated.next_secret is None
        await tenant.create()
        await receiver.wait_for(1)
        again = await endpoints.rotate(platform, tenant.scope, timedelta(hours=1))
        assert again.secret == rotated.secret
    assert is_signed_by(receiver.requests[0], rotated.secret)


async def test_a_test_is_signed_sent_once_and_never_again(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    with pytest.raises(EndpointMissing):
        await endpoints.send_test(platform, tenant.scope)
    async with Receiver(answer(500)) as receiver, working(platform, fresh_database):
        endpoint = await listen_at(tenant, None)
        with pytest.raises(EndpointMissing):
            await endpoints.send_test(platform, tenant.scope, "accepted")
        id = await endpoints.send_test(platform, tenant.scope, "accepted", receiver.url)
        await receiver.wait_for(1)
        await until_settled(tenant, 1)
        await listen_at(tenant, receiver.url)
        await endpoints.send_test(platform, tenant.scope)
        await receiver.wait_for(2)
        await until_settled(tenant, 2)
    first, second = map(said, receiver.requests)
    assert (first["eventId"], first["type"], first["isTest"]) == (str(id), "accepted", True)
    assert second["type"] == "created"
    assert is_signed_by(receiver.requests[0], endpoint.secret)
    assert [message["state"] for message in await messages(tenant)] == ["dead", "dead"]
    kept = await attempts(tenant)
    since = kept[0]["started_at"]
    shown = await endpoints.attempts_since(platform, tenant.scope, since)
    assert [(one.event_id, one.type) for one in shown][-1] == (id, "accepted")


async def test_stopping_finishes_what_is_under_way_and_gives_the_rest_back(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    stopping = asyncio.Event()
    async with Receiver(after(stopping, answer())) as receiver:
        await listen_at(tenant, receiver.url)
        for _ in range(10):
            await tenant.create()
        async with working(platform, fresh_database, limits=Limits(per_endpoint=4)):
            await receiver.wait_for(1)
            asyncio.get_running_loop().call_later(0.05, stopping.set)
    sent = [each for each in await messages(tenant) if each["state"] == "delivered"]
    left = [each for each in await messages(tenant) if each["state"] == "pending"]
    assert len(sent) == len(receiver.requests) == 1
    assert {(each["attempt"], each["leased_by"]) for each in left} == {(0, None)}
    assert all(each["due_in"] <= 0 for each in left)

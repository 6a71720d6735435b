"""What recipients are told, through a gateway that is really asked."""

import asyncio
import os
import re
import signal
import sys
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from estafette.core.accounts.account import Mode
from estafette.core.accounts.branding import Branding
from estafette.core.deliveries.delivery import Delivery, Status, Stop
from estafette.core.deliveries.event import Actor, Event
from estafette.core.deliveries.windows import Window
from estafette.core.errors import TransitionRefused
from estafette.core.ids import new_id
from estafette.core.notifications.notification import NotificationKind
from estafette.core.retention import Retention
from estafette.notifications.gateway import GatewaySender
from estafette.notifications.sending import Outgoing
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.journal import JournalEntry
from estafette.usecases.accounts.administration import remove_account
from estafette.usecases.deliveries.privacy import erase_phone
from estafette.usecases.ends import remove_what_is_over
from estafette.usecases.notifications import outbox, tell
from estafette.usecases.platform import Platform, clock
from estafette.webhooks.guard import Guard
from tests.notifications.stage import (
    COURSE,
    PHONE,
    Recorded,
    create,
    gateway,
    make_due,
    move,
    states,
    telling,
    worker_with,
)
from tests.receivers import Receiver, answer, silent
from tests.rows import tables
from tests.secret_key import CIPHER_KEY
from tests.usecases.stage import new_tenant


async def test_an_account_that_has_chosen_nothing_has_nobody_told(platform: Platform) -> None:
    tenant = await new_tenant(platform, Mode.LIVE)
    id = await create(tenant)
    await move(tenant, id, *COURSE)
    assert await states(tenant) == []


async def test_a_recipient_is_told_what_the_account_chose(platform: Platform) -> None:
    brand = Branding(name="Altyn", told=frozenset({NotificationKind.DELIVERED}))
    tenant, other = await telling(platform, brand=brand), await new_tenant(platform, Mode.LIVE)
    id = await create(tenant)
    await move(tenant, id, *COURSE)
    await move(other, await create(other), *COURSE)
    sender = Recorded()
    await worker_with(platform, sender).loop.once()
    [text] = sender.texts
    assert text.to == PHONE
    assert text.text == f"Altyn: посылка доставлена. https://d.example/track/kaspi-{id}"
    assert await states(tenant) == [("delivered", "sent", 1)]


async def test_each_step_of_a_delivery_is_told_in_words_of_its_own(platform: Platform) -> None:
    tenant, sender = await telling(platform), Recorded()
    worker = worker_with(platform, sender)
    id = await create(tenant)
    await worker.loop.once()
    await move(tenant, id, *COURSE[:3])
    await worker.loop.once()
    await move(tenant, id, Status.FAILED)
    await worker.loop.once()
    created, on_the_way, failed = [text.text for text in sender.texts]
    assert created.startswith("Алтын Дән: вам отправляют посылку.")
    assert re.search(r"курьер едет к вам, по плану до [^{}]*\d\d:00\. https://", on_the_way)
    assert "сообщит отправитель" in failed
    assert len({text.id for text in sender.texts}) == 3


async def test_a_sender_with_a_phone_is_to_be_called_after_a_failure(platform: Platform) -> None:
    told = frozenset({NotificationKind.FAILED})
    brand = Branding(name="Altyn", phone="+77272223344", language="kk", told=told)
    tenant, sender = await telling(platform, brand=brand), Recorded()
    await move(tenant, await create(tenant), *COURSE[:2], Status.FAILED)
    await worker_with(platform, sender).loop.once()
    assert "қоңырау шалыңыз: +77272223344." in sender.texts[0].text


async def test_an_attempt_that_failed_is_told_with_what_now_and_the_end_of_attempts_once(
    platform: Platform,
) -> None:
    told = frozenset({NotificationKind.FAILED})
    tenant, sender = await telling(platform, brand=Branding(name="Altyn", told=told)), Recorded()
    id = await create(tenant)
    await move(tenant, id, *COURSE[:3])
    await move(tenant, id, Status.STALLED, by=Actor.DRIVER)
    await worker_with(platform, sender).loop.once()
    assert "не смог вручить" in sender.texts[0].text
    await move(tenant, id, Status.FAILED, by=Actor.SYSTEM)
    await worker_with(platform, sender).loop.once()
    assert len(sender.texts) == 1


async def test_the_window_of_the_next_attempt_and_another_time_are_told_once_each(
    platform: Platform,
) -> None:
    kinds = frozenset(
        {
            NotificationKind.FAILED,
            NotificationKind.RESCHEDULED,
            NotificationKind.OUT_FOR_DELIVERY,
            NotificationKind.DELIVERED,
        }
    )
    tenant, sender = await telling(platform, brand=Branding(name="Altyn", told=kinds)), Recorded()
    worker, id = worker_with(platform, sender), await create(tenant)
    await move(tenant, id, *COURSE[:3])
    await worker.loop.once()
    await move(tenant, id, Status.STALLED, by=Actor.DRIVER)
    start = clock() + timedelta(days=1)
    window = Window(start, start + timedelta(hours=4))
    async with platform.pool.acquire() as connection, platform.transaction(connection) as work:
        tried = (await tenant.delivery(id)).in_window(window)
        await deliveries.set_promise(connection, replace(tried, left_at_door=True))
        moved = replace(tried, progress=replace(tried.progress, seq=99))
        await tell.rescheduled(work, platform, JournalEntry(moved, event_of(moved)))
    await worker.loop.once()
    await move(tenant, id, Status.OUT_FOR_DELIVERY, by=Actor.DRIVER)
    await worker.loop.once()
    await move(tenant, id, Status.DELIVERED, by=Actor.OPERATOR)
    await worker.loop.once()
    texts = [text.text for text in sender.texts]
    assert len(texts) == 5
    assert "едет к вам" in texts[0]
    told = sorted(texts[1:3])
    assert re.search(r"теперь привезут \d+ \S+, \d\d:\d\d–\d\d:\d\d\.", told[0])
    assert "приедет снова" in told[1]
    assert "едет к вам" in texts[3]
    assert "оставили у вашей двери" in texts[4]


def event_of(delivery: Delivery) -> Event:
    """The event of another time, as it is told."""
    progress = delivery.progress
    of = (new_id(), delivery.id, progress.seq, progress.status, progress.milestone)
    return Event(*of, Actor.SYSTEM, None, (), delivery.updated_at)


async def test_what_was_overtaken_is_not_told(platform: Platform) -> None:
    tenant, sender = await telling(platform), Recorded()
    await move(tenant, await create(tenant), *COURSE)
    await worker_with(platform, sender).loop.once()
    assert [text.text.split(": ")[1][:17] for text in sender.texts] == ["посылка доставлен"]
    assert await states(tenant) == [
        ("created", "overtaken", 1),
        ("out_for_delivery", "overtaken", 1),
        ("delivered", "sent", 1),
    ]


async def test_nobody_is_told_of_a_rehearsal(platform: Platform) -> None:
    tenant, sender, rehearsed = await telling(platform, Mode.SANDBOX), Recorded(), Recorded()
    await create(tenant)
    await worker_with(platform, sender, rehearsed=rehearsed).loop.once()
    assert sender.texts == []
    assert len(rehearsed.texts) == 1


async def test_a_recipient_without_a_phone_or_whose_data_is_erased_is_not_told(
    platform: Platform,
) -> None:
    tenant, sender = await telling(platform), Recorded()
    await create(tenant, dropoff=Stop("17 Abylay Khan Ave, Almaty", name="Dana K."))
    await move(tenant, await create(tenant), *COURSE[:2], Status.FAILED)
    await erase_phone(platform, PHONE, tenant.account)
    await worker_with(platform, sender).loop.once()
    assert sender.texts == []
    assert {state for _, state, _ in await states(tenant)} == {"overtaken"}


async def test_a_move_that_is_undone_tells_nobody(platform: Platform) -> None:
    tenant = await telling(platform)
    id = await create(tenant)
    with pytest.raises(TransitionRefused):
        await move(tenant, id, Status.ASSIGNED, Status.DELIVERED)
    assert await states(tenant) == [("created", "waiting", 0)]


async def test_the_gateway_is_asked_as_the_settings_say(platform: Platform) -> None:
    tenant = await telling(
        platform, brand=Branding(name='Dän & "Co"', told=frozenset({NotificationKind.CREATED}))
    )
    id = await create(tenant)
    async with Receiver() as receiver:
        url = receiver.url + "?to={digits}&text={text}"
        headers = {"Authorization": "Bearer s3cret", "X-Id": "{id}"}
        async with gateway(url, headers=headers) as sender:
            await worker_with(platform, sender).loop.once()
        [request] = receiver.requests
    said = orjson.loads(request.body)
    assert said["to"] == PHONE
    assert said["text"].startswith('Dän & "Co": вам отправляют')
    assert said["id"] == request.headers["x-id"] == f"{id.hex}-1"
    assert request.headers["authorization"] == "Bearer s3cret"
    assert "to=77011234567&text=D%C3%A4n%20%26%20%22Co%22:%20" in request.target


@pytest.mark.parametrize(
    ("media_type", "body", "expected"),
    [
        ("application/x-www-form-urlencoded", "m={text}", b"m=%3Cb%3E+%22%26%22"),
        ("application/xml", "<m>{text}</m>", b'<m>&lt;b&gt; "&amp;"</m>'),
        ("text/plain; charset=utf-8", "{other} {text}", b'{other} <b> "&"'),
    ],
)
async def test_a_text_is_escaped_as_the_body_asks(
    media_type: str, body: str, expected: bytes
) -> None:
    async with (
        Receiver() as receiver,
        gateway(receiver.url, headers={"content-type": media_type}, body=body) as sender,
    ):
        await sender.send(Outgoing("1", PHONE, '<b> "&"'))
        assert receiver.requests[0].body == expected
        assert receiver.requests[0].headers["content-type"] == media_type


async def test_what_the_gateway_does_not_take_is_tried_again_and_given_up(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = await telling(
        platform, brand=Branding(name="A", told=frozenset({NotificationKind.CREATED}))
    )
    await create(tenant)
    async with (
        Receiver(answer(503, {"Retry-After": "100"})) as receiver,
        gateway(receiver.url) as sender,
    ):
        worker = worker_with(platform, sender)
        await worker.loop.once()
        assert await states(tenant) == [("created", "waiting", 1)]
        due = {"due_at": tables.PRESENT}
        wait = await tables.seconds_until(platform.pool, "notifications", "due_at", due)
        assert 60 < wait <= 100  # as it asked
        for _ in range(7):
            await make_due(platform)
            await worker.loop.once()
        assert await states(tenant) == [("created", "dead", 8)]
        await make_due(platform)
        await worker.loop.once()
        assert len(receiver.requests) == 8
        receiver.behaviour = answer(200)
    error = await tables.value(platform.pool, "notifications", "last_error")
    assert "503" in error
    assert PHONE[4:] not in error
    assert PHONE[4:] not in caplog.text


async def test_a_gateway_in_a_private_network_needs_the_operators_word(platform: Platform) -> None:
    tenant = await telling(platform)
    await create(tenant)
    async with Receiver() as receiver, GatewaySender(Guard(), receiver.url, {}, "") as sender:
        await worker_with(platform, sender).loop.once()
        assert receiver.requests == []
    assert await states(tenant) == [("created", "waiting", 1)]


async def test_one_accounts_thousand_do_not_keep_anothers_waiting(platform: Platform) -> None:
    many, few = await telling(platform), await telling(platform)
    for _ in range(40):
        await create(many)
    await create(few)
    sender = Recorded()
    await worker_with(platform, sender).loop.once()
    assert await states(few) == [("created", "sent", 1)]
    assert len(sender.texts) == 16


async def test_two_workers_send_each_text_once(platform: Platform) -> None:
    tenant, sender = await telling(platform), Recorded()
    ids = [await create(tenant) for _ in range(20)]
    workers = [worker_with(platform, sender) for _ in range(3)]
    while any(state == "waiting" for _, state, _ in await states(tenant)):
        await asyncio.gather(*(worker.loop.once() for worker in workers))
    assert sorted(text.id for text in sender.texts) == sorted(f"{id.hex}-1" for id in ids)


async def test_a_late_result_of_a_worker_that_was_taken_over_changes_nothing(
    platform: Platform,
) -> None:
    tenant = await telling(platform)
    await create(tenant)
    [slow] = (await outbox.claim(platform, timedelta(seconds=-1), 10)).due
    [quick] = (await outbox.claim(platform, timedelta(seconds=30), 10)).due
    assert not await outbox.sent(platform, slow)
    assert await states(tenant) == [("created", "waiting", 2)]
    assert await outbox.sent(platform, quick)
    assert await states(tenant) == [("created", "sent", 2)]


async def test_a_killed_worker_loses_nothing(platform: Platform, clean_database: str) -> None:
    tenant = await telling(platform)
    await create(tenant)
    async with Receiver(silent()) as receiver, gateway(receiver.url) as sender:
        module = "tests.notifications.worker_process"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, clean_database, CIPHER_KEY, receiver.url)
        )
        await receiver.wait_for(1)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        assert await states(tenant) == [("created", "waiting", 1)]
        receiver.behaviour = answer(200)
        await make_due(platform)  # its lease is over
        await worker_with(platform, sender).loop.once()
        assert len(receiver.requests) == 2
    assert await states(tenant) == [("created", "sent", 2)]


async def test_it_is_kept_for_a_month_what_became_of_telling(platform: Platform) -> None:
    tenant = await telling(platform)
    old = await tables.now(platform.pool) - timedelta(days=31)
    for state in ("sent", "dead", "overtaken", "waiting"):
        await tables.add(
            platform.pool,
            "notifications",
            account_id=tenant.account.id,
            delivery_id=new_id(old),
            seq=1,
            kind="created",
            state=state,
            due_at=None if state != "waiting" else old,
            worth_until=old,
            created_at=old,
        )
    await create(tenant)
    await remove_what_is_over(platform, Retention())
    assert [state for _, state, _ in await states(tenant)] == ["waiting", "waiting"]


async def test_an_account_is_removed_with_what_it_chose_and_told(platform: Platform) -> None:
    tenant = await telling(platform, Mode.SANDBOX)
    await create(tenant)
    await remove_account(platform, tenant.account.name)
    assert await tenant.count("notifications") == await tenant.count("brandings") == 0

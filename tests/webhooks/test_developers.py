"""What developers see of their webhooks: what was sent and answered, how endpoints do, replays."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status, Stop
from estafette.core.errors import EndpointMissing
from estafette.core.ids import new_id
from estafette.core.notifications.letter import LetterKind
from estafette.core.people.organisation import Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.core.webhooks.spell import Notice
from estafette.notifications.texts import letter
from estafette.store.people import memberships
from estafette.store.people import table as people
from estafette.store.webhooks.spells import Suspect
from estafette.store.work import UnitOfWork
from estafette.usecases import audit
from estafette.usecases.accounts.administration import AccountRefusedError
from estafette.usecases.deliveries.privacy import erase_phone
from estafette.usecases.notifications import outbox
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks import endpoints, look
from estafette.usecases.webhooks.look import AttemptFilter, Exchange
from estafette.usecases.webhooks.options import choose, set_header
from estafette.usecases.webhooks.replay import (
    ReplayRefusedError,
    ask_for_replay,
    count_replay,
    do_replay,
    list_replays,
)
from estafette.usecases.webhooks.spells import letters_to_developers, tell_of_spells
from estafette.webhooks.exchanges import DELIVERED_A_SECOND
from tests.receivers import Receiver, answer
from tests.rows import tables
from tests.store.webhooks.claims import claim, finished, record
from tests.usecases.stage import Tenant, new_tenant
from tests.webhooks.stage import listen_at, messages, move, until_settled, working

NOWHERE = "http://127.0.0.1:9/"
KEPT = timedelta(days=30)


async def exchanges(tenant: Tenant) -> list[Exchange]:
    """What is kept of all attempts, newest first."""
    page = await look.list_attempts(tenant.platform, tenant.scope, AttemptFilter())
    found = [
        await look.find_exchange(tenant.platform, tenant.scope, each.message_id, each.attempt)
        for each in page.attempts
    ]
    return [one for one in found if one is not None]


async def settle(tenant: Tenant, status: int = 200) -> None:
    """Lets all that waits be tried once, and answered so."""
    for each in await claim(tenant, "one"):
        went_well = status < 300
        made = finished(
            each,
            is_delivered=went_well,
            http_status=status,
            outcome="delivered" if went_well else "rejected",
            retry_seconds=None if went_well else 3600.0,
        )
        await record(tenant, "one", made)


async def test_what_was_sent_and_answered_is_kept_as_it_was_without_the_endpoints_own_headers(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    broken = answer(500, {"X-Trace": "42"}, b"no such table: orders")
    async with Receiver(broken) as receiver, working(platform, fresh_database):
        await listen_at(tenant, f"{receiver.url}?shop=1")
        await set_header(platform, tenant.scope, "default", "X-Gateway", "a-secret-value")
        await tenant.create()
        await until_settled(tenant, 1)
    [received] = receiver.requests
    [kept] = await exchanges(tenant)
    assert received.headers["x-gateway"] == "a-secret-value"
    assert kept.request is not None
    head, _, body = kept.request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?shop=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-Gateway: (not shown)" in head
    assert f"X-Signature: {received.headers['x-signature']}".encode() in head
    assert b"a-secret-value" not in kept.request
    assert body == received.body
    assert kept.answer is not None
    assert kept.answer.startswith(b"HTTP/1.1 500")
    assert b"X-Trace: 42" in kept.answer
    assert kept.answer.endswith(b"no such table: orders")
    assert (kept.attempt.outcome, kept.attempt.http_status) == ("rejected", 500)


async def test_of_many_that_go_well_a_few_a_second_are_kept_and_every_test(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver, working(platform, fresh_database):
        await listen_at(tenant, receiver.url)
        began = datetime.now(UTC)
        for _ in range(40):
            await tenant.create()
        await until_settled(tenant, 40)
        seconds = (datetime.now(UTC) - began).total_seconds()
        await endpoints.send_test(platform, tenant.scope)
        await until_settled(tenant, 41)
    found = await exchanges(tenant)
    kept = [one for one in found if one.request is not None]
    assert len(found) == 41
    assert DELIVERED_A_SECOND < len(kept) <= DELIVERED_A_SECOND * (int(seconds) + 2) + 1
    assert [one.attempt.delivery_id for one in kept].count(None) == 1


async def test_what_was_sent_of_a_delivery_is_forgotten_with_its_personal_data(
    platform: Platform, tenant: Tenant, fresh_database: str
) -> None:
    async with Receiver() as receiver, working(platform, fresh_database):
        await listen_at(tenant, receiver.url)
        dropoff = Stop("17 Abylay Khan Ave, Almaty", name="Dana K.", phone_e164="+77271110000")
        id = await tenant.create(dropoff=dropoff)
        await move(tenant, id, Status.CANCELLED)
        await until_settled(tenant, 2)
    assert all(one.request for one in await exchanges(tenant))
    await erase_phone(platform, "+77271110000", tenant.account)
    assert [one.request or one.answer for one in await exchanges(tenant)] == [None, None]


async def test_attempts_are_listed_page_by_page_by_endpoint_outcome_status_time_and_delivery(
    platform: Platform, tenant: Tenant
) -> None:
    for name in ("default", "other"):
        await listen_at(tenant, NOWHERE, name)
    ids = list[UUID]()
    for status in (200, 500, 404, 200):
        ids.append(await tenant.create())
        await settle(tenant, status)
    await tables.change(platform.pool, "messages", {"state": "pending"}, state="dead")

    async def found(**wanted: Any) -> list[tuple[str, int | None]]:
        seen, after = list[tuple[str, int | None]](), None
        while True:
            page = await look.list_attempts(
                platform, tenant.scope, AttemptFilter(**wanted), after, limit=3
            )
            seen += [(each.endpoint, each.http_status) for each in page.attempts]
            if (after := page.next) is None:
                return seen

    every = await found()
    assert sorted(every) == [
        (name, status) for name in ("default", "other") for status in (200, 200, 404, 500)
    ]
    assert [status for _, status in every] == [200, 200, 404, 404, 500, 500, 200, 200]
    assert await found(endpoint="other") == [each for each in every if each[0] == "other"]
    assert [status for _, status in await found(delivered=False)] == [404, 404, 500, 500]
    assert [status for _, status in await found(delivered=True)] == [200] * 4
    assert [status for _, status in await found(statuses=(400, 499))] == [404, 404]
    assert [status for _, status in await found(delivery_id=ids[1])] == [500, 500]
    assert await found(delivery_id=ids[1], delivered=True) == []
    assert await found(since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert await found(until=datetime.now(UTC) - timedelta(hours=1)) == []
    other = await new_tenant(platform, Mode.LIVE)
    for scope in (other.scope, tenant.scope._replace(mode=Mode.SANDBOX)):
        page = await look.list_attempts(platform, scope, AttemptFilter(delivery_id=ids[0]))
        assert page == ([], None)
        assert (await look.list_attempts(platform, scope, AttemptFilter())).attempts == []


async def test_nobody_elses_exchange_is_shown(platform: Platform, tenant: Tenant) -> None:
    await listen_at(tenant, NOWHERE)
    await tenant.create()
    await settle(tenant)
    [attempt] = (await look.list_attempts(platform, tenant.scope, AttemptFilter())).attempts
    other = await new_tenant(platform, Mode.LIVE)
    for scope in (other.scope, tenant.scope._replace(mode=Mode.SANDBOX)):
        assert await look.find_exchange(platform, scope, attempt.message_id, 1) is None
    assert await look.find_exchange(platform, tenant.scope, uuid4(), 1) is None


async def test_an_endpoint_is_told_of_the_events_that_it_has_chosen_and_of_no_others(
    platform: Platform, tenant: Tenant
) -> None:
    await listen_at(tenant, NOWHERE)
    await listen_at(tenant, NOWHERE, "few")
    chosen = await choose(platform, tenant.scope, "few", types=["delivered", "cancelled"])
    assert chosen.types == ("delivered", "cancelled")
    id = await tenant.create()
    await move(tenant, id, Status.CANCELLED)
    told = [(each["seq"], each["endpoint_id"] == chosen.id) for each in await messages(tenant)]
    assert sorted(told) == [(1, False), (2, False), (2, True)]
    await tables.change(platform.pool, "messages", state="dead")
    began = datetime.now(UTC) - timedelta(hours=1)
    counted = await count_replay(platform, tenant.scope, began, "few", dead_only=True)
    assert counted == (1, 0)  # not the creation, of which it does not want to be told
    every = await choose(
        platform,
        tenant.scope,
        "few",
        types=["created", "accepted", "in_transit", "out_for_delivery", "delivered", "cancelled"],
    )
    assert every.types is None
    counted = await count_replay(platform, tenant.scope, began, "few", dead_only=True)
    assert counted == (1, 1)
    for types in ([], ["delivery.exploded"]):
        with pytest.raises(AccountRefusedError):
            await choose(platform, tenant.scope, "few", types=types)


async def test_a_replay_is_counted_asked_for_done_once_and_shows_its_progress(
    platform: Platform, tenant: Tenant
) -> None:
    missed = await tenant.create()
    await listen_at(tenant, NOWHERE)
    await tenant.create()
    await tables.change(platform.pool, "messages", state="dead")
    since = datetime.now(UTC) - timedelta(hours=1)
    assert await count_replay(platform, tenant.scope, since, None, dead_only=True) == (1, 1)
    await ask_for_replay(platform, tenant.scope, since, None, dead_only=True)
    with pytest.raises(ReplayRefusedError, match="busy"):
        await ask_for_replay(platform, tenant.scope, since, None, dead_only=True)
    [asked] = await list_replays(platform, tenant.scope)
    assert (asked.again, asked.missed, asked.is_finished) == (0, 0, False)
    assert await do_replay(platform, "one", KEPT)
    assert not await do_replay(platform, "one", KEPT)
    [done] = await list_replays(platform, tenant.scope)
    assert (done.again, done.missed, done.is_all) == (1, 1, True)
    again = await messages(tenant)
    assert [each["state"] for each in again] == ["pending", "pending"]
    assert missed in [each["delivery_id"] for each in again]
    other = await new_tenant(platform, Mode.LIVE)
    assert await list_replays(platform, other.scope) == []
    entries = (await audit.list_entries(platform, audit.AuditFilter(act="webhooks"))).entries
    assert len(entries) == 2  # that it was asked for, and what was done


@pytest.mark.parametrize(("hours", "why"), [(1, "future"), (-24 * 40, "long_ago")])
async def test_a_replay_of_the_future_or_of_what_is_gone_is_refused(
    platform: Platform, tenant: Tenant, hours: int, why: str
) -> None:
    since = datetime.now(UTC) + timedelta(hours=hours)
    with pytest.raises(ReplayRefusedError, match=why):
        await count_replay(platform, tenant.scope, since, None, dead_only=True)
    with pytest.raises(ReplayRefusedError, match=why):
        await ask_for_replay(platform, tenant.scope, since, None, dead_only=True)


async def test_how_an_endpoint_does_is_told_by_its_newest_attempts(
    platform: Platform, tenant: Tenant
) -> None:
    await listen_at(tenant, NOWHERE)
    for status in (200, 500, 200, 200):
        await tenant.create()
        await settle(tenant, status)
    await tenant.create()
    [watched] = await look.watch_endpoints(platform, tenant.scope)
    assert (watched.health.tried, watched.health.delivered) == (4, 3)
    assert (watched.health.outcome, watched.health.http_status) == ("rejected", 500)
    assert watched.waiting == 2
    assert not watched.endpoint.secret
    assert not watched.is_held
    await endpoints.set_enabled(platform, tenant.scope, "default", enabled=False)
    [watched] = await look.watch_endpoints(platform, tenant.scope)
    assert watched.is_held


async def test_only_the_endpoint_that_is_asked_for_is_revealed_and_that_is_written_down(
    platform: Platform, tenant: Tenant
) -> None:
    made = await listen_at(tenant, NOWHERE)
    shown = await endpoints.reveal_endpoint(platform, tenant.scope, "default")
    assert shown.secret == made.secret
    [entry] = (
        await audit.list_entries(platform, audit.AuditFilter(act="endpoint.revealed"))
    ).entries
    assert entry.object == str(made.id)
    with pytest.raises(EndpointMissing):
        await endpoints.reveal_endpoint(platform, tenant.scope, "another")


async def test_developers_are_told_once_that_an_endpoint_fails_is_given_up_and_works_again(
    platform: Platform, tenant: Tenant
) -> None:
    told: list[tuple[str, Notice]] = []

    async def tell(_: UnitOfWork, suspect: Suspect, notice: Notice) -> None:
        told.append((suspect.name, notice))

    await listen_at(tenant, NOWHERE)
    for _ in range(5):
        await tenant.create()
    await settle(tenant, 500)
    assert await tell_of_spells(platform, tell) == 0  # it has only just begun to fail
    by = {"failing_since": -timedelta(minutes=11)}
    await tables.shift(platform.pool, "endpoint_failures", **by)
    await tables.shift(platform.pool, "attempts", started_at=-timedelta(minutes=1))
    assert [await tell_of_spells(platform, tell) for _ in range(2)] == [1, 0]
    await tables.change(platform.pool, "messages", state="dead")
    assert [await tell_of_spells(platform, tell) for _ in range(2)] == [1, 0]
    await endpoints.set_endpoint(platform, tenant.scope, f"{NOWHERE}hooks")
    assert await tell_of_spells(platform, tell) == 0  # it has another address, and answered nothing
    await tables.shift(platform.pool, "endpoint_spells", told_at=-timedelta(minutes=1))
    await tenant.create()
    await settle(tenant, 200)
    assert [await tell_of_spells(platform, tell) for _ in range(2)] == [1, 0]
    notices = [Notice.FAILING, Notice.GIVEN_UP, Notice.WORKS_AGAIN]
    assert told == [("default", notice) for notice in notices]


async def test_the_letters_go_to_those_who_may_mend_an_endpoint_and_to_nobody_else(
    platform: Platform, tenant: Tenant
) -> None:
    of = Organisation(OrganisationKind.ACCOUNT, tenant.account.id)
    other = await new_tenant(platform, Mode.LIVE)
    elsewhere = Organisation(OrganisationKind.ACCOUNT, other.account.id)
    async with platform.pool.acquire() as connection:
        for number, (place, role) in enumerate(
            [
                *((of, Role.OWNER), (of, Role.DEVELOPER), (of, Role.SUPPORT), (of, Role.VIEWER)),
                (elsewhere, Role.OWNER),
            ]
        ):
            id = new_id()
            await people.insert(connection, id, f"p{number}@shop.example", "Dana", "ru", "")
            await memberships.insert(connection, place, id, role)
    await listen_at(tenant, NOWHERE)
    for _ in range(5):
        await tenant.create()
    await settle(tenant, 500)
    await tables.shift(platform.pool, "endpoint_failures", failing_since=-timedelta(minutes=11))
    assert await tell_of_spells(platform, letters_to_developers(platform)) == 1
    claimed = await outbox.claim(platform, timedelta(minutes=1), 10)
    written = [each.letter for each in claimed.due if isinstance(each, outbox.DueLetter)]
    assert sorted(letter.to for letter in written if letter) == [
        *("p0@shop.example", "p1@shop.example")
    ]
    assert written[0] is not None
    assert written[0].kind is LetterKind.ENDPOINT_FAILING
    assert written[0].facts["host"] == "127.0.0.1"
    assert f"/console/{tenant.account.id.hex}/live/attempts" in written[0].facts["link"]
    made = letter("id", written[0])
    assert "вебхука: отклонён приёмником (500). Их отправляют" in made.text
    assert made.subject == "Вебхуки на 127.0.0.1 не доходят"

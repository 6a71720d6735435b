"""Pages that keep themselves up to date: their streams, what they tell, and for whom they last."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.core.people.organisation import PLATFORM
from estafette.core.people.permission import Role, guest_role
from estafette.store import signals
from estafette.store.people import memberships
from estafette.usecases.deliveries.changes import ScopeChanges, known_since, moment
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.people.sessions import Session, end_other_sessions, find_session
from estafette.usecases.people.standing import Ended, Standing, ended
from tests.edges import ENTREGA, KASPI
from tests.rows import tables
from tests.serving import Server, Tenant, delivery_id, running
from tests.web.browser import DESK, look, opened
from tests.web.people import PersonAtBrowser, account, sign_in, signed_in

_LONG = 60.0


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database."""
    async with running(postgres_dsn) as server:
        yield server


class _Stream:
    """An open stream, read event by event."""

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        self._lines = lines

    async def next(self) -> dict[str, str]:
        """The fields of the next event that is no pulse."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(_LONG):
            async for line in self._lines:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif fields.get("event") in (None, "pulse"):
                    fields = {}
                else:
                    return fields
        raise AssertionError(f"the stream ended: {fields}")


@asynccontextmanager
async def _following(
    who: PersonAtBrowser, path: str, seen: str = "", last_id: str = ""
) -> AsyncGenerator[_Stream]:
    cookie = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
    headers = {"Cookie": cookie, **({"Last-Event-ID": last_id} if last_id else {})}
    url = f"{who.server.url}{path}"
    async with who.server.session.get(url, params={"seen": seen}, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield _Stream(aiter(answer.content))


async def _created(tenant: Tenant) -> UUID:
    return delivery_id(await tenant.create())


async def _moved(server: Server, tenant: Tenant, id: UUID, status: Status) -> None:
    scope = Scope(tenant.account.id, Mode.SANDBOX)
    dialect = server.platform.dialects[tenant.account.dialect]
    await move_by_hand(server.platform, scope, dialect, id, status, None)


async def test_an_open_list_is_told_of_its_own_deliveries_and_of_no_others(
    server: Server,
) -> None:
    tenant, other = await server.tenant(KASPI), await server.tenant(KASPI)
    dana = await sign_in(server, tenant.account, Role.VIEWER)
    omar = await sign_in(server, other.account, Role.VIEWER)
    now = str(moment(datetime.now(UTC)))
    async with (
        _following(dana, f"{dana.home}/deliveries/news", now) as hers,
        _following(omar, f"{omar.home}/deliveries/news", now) as his,
        _following(dana, f"{dana.home.replace('sandbox', 'live')}/deliveries/news", now) as live,
    ):
        id = await _created(tenant)
        first = await hers.next()
        await _moved(server, tenant, id, Status.ASSIGNED)
        second = await hers.next()
        assert first["event"] == second["event"] == "news"
        assert int(now) < int(first["id"]) < int(second["id"])
        for stream in (his, live):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await stream.next()
    # one who comes again is told what was missed, and only that
    async with _following(dana, f"{dana.home}/deliveries/news", now, first["id"]) as again:
        assert (await again.next())["event"] == "news"


async def test_the_open_page_of_a_delivery_is_told_what_it_does_not_show(server: Server) -> None:
    tenant = await server.tenant(KASPI)
    dana = await sign_in(server, tenant.account, Role.SUPPORT)
    id = await _created(tenant)
    page = f"{dana.home}/deliveries/{id.hex}"
    shown = (await dana.get(page)).body.decode().partition('data-seen="')[2].partition('"')[0]
    async with _following(dana, f"{page}/news", shown) as stream:
        await _moved(server, tenant, id, Status.ASSIGNED)
        news = await stream.next()
        assert news["event"] == "news"
        assert news["id"] != shown
    async with _following(dana, f"{page}/news", shown) as stream:
        assert (await stream.next())["id"] == news["id"]
    stranger = await sign_in(server, (await server.tenant(KASPI)).account, Role.OWNER)
    assert (await stranger.get(f"{stranger.home}/deliveries/{id.hex}/news")).status == 404


async def test_what_is_committed_late_is_told_all_the_same(server: Server) -> None:
    """An event that happened before one that is known, and was committed after it."""
    tenant = await server.tenant(KASPI)
    scope = Scope(tenant.account.id, Mode.SANDBOX)
    changes, known = ScopeChanges(server.platform), known_since(moment(datetime.now(UTC)))
    id = await _created(tenant)
    found = await changes({scope: known})
    assert found[scope] > known
    assert not await changes(found)
    await tables.add(
        server.platform.pool,
        "events",
        account_id=scope.account_id,
        delivery_id=id,
        seq=2,
        id=new_id(),
        status=Status.ASSIGNED,
        milestone=Status.ASSIGNED,
        actor=Actor.COURIER,
        announced=[],
        occurred_at=timedelta(seconds=-1),
    )
    assert (await changes(found))[scope] > found[scope]


def test_who_has_seen_nothing_lately_is_told_to_look() -> None:
    now = datetime.now(UTC)
    for seen in (None, 0, moment(now - timedelta(hours=1)), moment(now + timedelta(days=9))):
        assert abs(known_since(seen) - moment(now)) < 5_000
    seen = moment(now - timedelta(seconds=5))
    assert known_since(seen) == seen


async def test_creations_and_moves_signal_that_pages_have_changed(
    server: Server, postgres_dsn: str
) -> None:
    tenant, heard = await server.tenant(KASPI), asyncio.Event()
    listening = asyncio.create_task(signals.listen(postgres_dsn, {signals.PAGES: heard.set}))
    try:
        for act in (lambda: _created(tenant), lambda: _created(tenant)):
            async with asyncio.timeout(_LONG):
                await heard.wait()
                heard.clear()
                id = await act()
                await heard.wait()
        heard.clear()
        await _moved(server, tenant, id, Status.ASSIGNED)
        async with asyncio.timeout(_LONG):
            await heard.wait()
    finally:
        listening.cancel()


async def _session(who: PersonAtBrowser) -> Session:
    ((_, token),) = who.cookies.items()
    found = await find_session(who.server.platform, token)
    assert found is not None
    return found.session


async def test_all_open_pages_are_asked_at_once_whether_they_go_on(server: Server) -> None:
    tenant = await server.tenant(ENTREGA)
    of = account(tenant.account.id)
    people = [await sign_in(server, tenant.account, Role.DEVELOPER) for _ in range(4)]
    stays, changed, leaves, disabled = [await _session(who) for who in people]
    guest = await _session(await sign_in(server, None, Role.OWNER))
    standings = {
        "stays": Standing(stays.id, of, Role.DEVELOPER),
        "changed": Standing(changed.id, of, Role.DEVELOPER),
        "leaves": Standing(leaves.id, of, Role.DEVELOPER),
        "disabled": Standing(disabled.id, of, Role.DEVELOPER),
        "own pages": Standing(stays.id),
        "guest": Standing(guest.id, of, guest_role(Role.OWNER, of.kind), is_guest=True),
        "another role as a guest": Standing(guest.id, of, Role.DEVELOPER, is_guest=True),
        "office": Standing(guest.id, PLATFORM, Role.OWNER),
        "nobody": Standing(UUID(int=7), of, Role.OWNER),
    }
    async with server.platform.pool.acquire() as connection:
        await memberships.set_role(connection, of, changed.person_id, Role.OWNER)
        await memberships.remove(connection, of, leaves.person_id)
        await tables.change(
            connection, "people", {"id": disabled.person_id}, disabled_at=timedelta(0)
        )
    over = await ended(server.platform, standings.values())
    assert {name: over[one] for name, one in standings.items() if one in over} == {
        "changed": Ended.PLACE,
        "leaves": Ended.PLACE,
        "disabled": Ended.SESSION,
        "another role as a guest": Ended.PLACE,
        "nobody": Ended.SESSION,
    }


@asynccontextmanager
async def _context(browser: Browser, who: PersonAtBrowser) -> AsyncGenerator[BrowserContext]:
    async with await browser.new_context(viewport=DESK) as context:
        for name, value in who.cookies.items():
            await context.add_cookies([{"name": name, "value": value, "url": who.server.url}])
        yield context


async def test_a_page_is_true_while_it_is_open_and_ends_with_its_session(
    browser: Browser, server: Server
) -> None:
    """A developer has two pages open; what they type stays, and a revoked session ends both."""
    tenant = await server.tenant(KASPI)
    dana = await sign_in(server, tenant.account, Role.DEVELOPER)
    assert dana.person is not None
    id = await _created(tenant)
    elsewhere = await signed_in(server, dana.person)
    list_url = f"{server.url}{dana.home}/deliveries"
    async with (
        _context(browser, dana) as context,
        opened(browser, list_url, context=context) as listed,
        opened(browser, f"{list_url}/{id.hex}", context=context) as page,
    ):
        for each in (listed, page):
            await expect(each.get_by_text("Up to date")).to_be_visible()
        await page.get_by_label("Why").fill("They have moved house")
        await _created(tenant)
        await _moved(server, tenant, id, Status.ASSIGNED)
        await expect(page.locator("#history li")).to_have_count(2)
        await expect(page.locator("#now")).to_contain_text("Assigned")
        await expect(page.get_by_label("Why")).to_have_value("They have moved house")
        await expect(listed.locator("tbody tr")).to_have_count(2)
        await look(page, "live-delivery")
        await look(listed, "live-list")
        ((_, token),) = elsewhere.cookies.items()
        found = await find_session(server.platform, token)
        assert found is not None
        await end_other_sessions(server.platform, found)
        for each in (listed, page):
            await expect(each.get_by_text("Your session is over.")).to_be_visible(timeout=60_000)
            await look(each, "live-ended")
            assert "/sign-in?ended=yes&next=%2Fconsole%2F" in each.url

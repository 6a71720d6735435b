"""Where exactly: a recipient says it on the tracking page, and nobody with the link reads it."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from estafette.core.deliveries.delivery import COURSE, Status
from estafette.web.tracking.texts import LANGUAGES
from estafette.web.tracking.where import choices, window
from tests.edges import ENTREGA, KASPI
from tests.rows import tables
from tests.serving import Answer, Server, Tenant, delivery_id
from tests.web.browser import PHONE

_FORM = {"content-type": "application/x-www-form-urlencoded"}


async def said(server: Server, id: str, **fields: str) -> Answer:
    body = urlencode(fields).encode()
    return await server.request("POST", f"/track/{id}/where?lang=en", body, _FORM)


async def kept(tenant: Tenant, id: str) -> dict[str, object] | None:
    of = {"delivery_id": delivery_id(id)}
    found = await tables.read(tenant.server.platform.pool, "recipient_words", of)
    return dict(found[0]) if found else None


async def test_it_is_kept_and_shown_on_no_page_of_the_link(server: Server) -> None:
    tenant = await server.tenant(ENTREGA)
    id = await tenant.create("where")
    page = (await server.request("GET", f"/track/{id}")).body.decode()
    assert f'href="/track/{id}/where?lang=' in page
    form = (await server.request("GET", f"/track/{id}/where?lang=en")).body.decode()
    assert "<select" not in form, "a time can be chosen, not only wished for"
    answer = await said(
        server,
        id,
        point="-8.8383, 13.2344",
        landmark="blue <gate>",
        note="x" * 600 + "\x00",
    )
    assert LANGUAGES["en"].where.thanks in answer.body.decode()
    row = await kept(tenant, id)
    assert row is not None
    assert (row["latitude"], row["longitude"], row["landmark"]) == (-8.8383, 13.2344, "blue <gate>")
    assert row["note"] == "x" * 500
    pages = [await server.request("GET", f"/track/{id}{end}") for end in ("", "/where")]
    for shown in (one.body.decode() for one in (answer, *pages)):
        assert "gate" not in shown
        assert "13.2344" not in shown
        assert "xxxx" not in shown


async def test_a_better_time_is_wished_for_where_nobody_can_promise_one(server: Server) -> None:
    tenant = await server.tenant(KASPI)
    id = await tenant.create("wish")
    assert "/when" not in (await server.request("GET", f"/track/{id}")).body.decode()
    form = (await server.request("GET", f"/track/{id}/where?lang=en")).body.decode()
    [when] = re.findall(r'<option value="([^"]+)">Tomorrow morning', form)
    answer = await said(server, id, when=when)
    assert LANGUAGES["en"].where.thanks in answer.body.decode()
    row = await kept(tenant, id)
    assert row is not None
    assert row["wanted_from"] is not None


@pytest.mark.parametrize("language", sorted(LANGUAGES))
async def test_what_cannot_be_read_is_said_and_what_was_typed_stays(
    server: Server, language: str
) -> None:
    tenant = await server.tenant(ENTREGA)
    id, words = await tenant.create("fault"), LANGUAGES[language].where
    for fields, fault in (
        ({}, words.empty),
        ({"point": "there", "note": "<i>"}, words.unreadable),
        ({"point": "43.238, 76.889", "note": "<i>"}, words.far),
        ({"when": "2020-01-01/morning", "note": "<i>"}, words.late),
    ):
        path = f"/track/{id}/where?lang={language}"
        answer = await server.request("POST", path, urlencode(fields).encode(), _FORM)
        assert answer.status == 422
        shown = answer.body.decode()
        assert fault in shown
        assert ("&lt;i&gt;" in shown) is bool(fields)
    assert await kept(tenant, id) is None


async def test_it_is_bounded_and_ends_with_the_delivery(server: Server) -> None:
    tenant = await server.tenant(ENTREGA)
    id = await tenant.create("bounds")
    huge = await said(server, id, note="x" * 20_000)
    assert huge.status == 400
    json = await server.request("POST", f"/track/{id}/where", {"note": "x"})
    assert json.status == 400
    nobody = await server.request("POST", f"/track/{id[:-4]}aaaa/where", b"note=x", _FORM)
    assert nobody.status == 404
    await tenant.move(id, *COURSE[COURSE.index(Status.ASSIGNED) :])
    late = await said(server, id, note="too late")
    assert "<form" not in late.body.decode()
    assert await kept(tenant, id) is None
    page = (await server.request("GET", f"/track/{id}")).body.decode()
    assert "/where" not in page


def test_times_that_can_be_chosen_are_ahead_and_in_the_local_day() -> None:
    zone, now = ZoneInfo("Africa/Luanda"), datetime(2026, 3, 1, 11, 30, tzinfo=UTC)
    offered = choices(now, zone, LANGUAGES["en"])
    assert [one.value for one in offered[:2]] == ["2026-03-01/evening", "2026-03-02/morning"]
    assert offered[0].name.startswith("Today")
    assert len(offered) == 7
    for one in offered:
        chosen = window(one.value, now, zone)
        assert chosen is not None
        assert chosen[0] > now
    for wrong in ("", "x", "2026-03-01/morning", "2026-03-09/morning", "2026-03-02/night", "/"):
        assert window(wrong, now + timedelta(hours=2), zone) is None


async def test_a_phone_fills_in_where_it_is(server: Server, browser: Browser) -> None:
    tenant = await server.tenant(ENTREGA)
    id = await tenant.create("phone")
    context = await browser.new_context(
        viewport=PHONE,
        locale="pt-PT",
        geolocation={"latitude": -8.8383, "longitude": 13.2344},
        permissions=["geolocation"],
    )
    page = await context.new_page()
    await page.goto(f"{server.url}/track/{id}")
    words = LANGUAGES["pt"].where
    await page.get_by_role("link", name=words.link).click()
    await page.get_by_role("button", name=words.here).click()
    await expect(page.get_by_label(words.point)).to_have_value("-8.838300, 13.234400")
    await page.get_by_label(words.landmark).fill("portão azul")
    await page.get_by_role("button", name=words.send).click()
    await expect(page.get_by_text(words.thanks)).to_be_visible()
    row = await kept(tenant, id)
    assert row is not None
    assert row["landmark"] == "portão azul"
    await context.close()

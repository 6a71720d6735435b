"""The console's pages of deliveries over HTTP, against the real application and database."""

import csv
import io
import re
from html import escape
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Browser

from estafette.core.accounts.account import Mode
from estafette.core.people.permission import Role
from tests.edges import ENTREGA, KASPI
from tests.rows import tables
from tests.serving import Server, delivery_id
from tests.web.browser import DESK, axe, opened
from tests.web.console_orders import ENTREGA_ORDER, EVIL, KASPI_ORDER, console, created, text_of
from tests.web.people import form_of, sign_in


@pytest.mark.parametrize("edge", [KASPI, ENTREGA], ids=["kaspi", "entrega"])
async def test_a_delivery_is_created_by_form_once_found_and_cancelled(
    server: Server, edge: object
) -> None:
    tenant, who = await console(server, edge)
    order = KASPI_ORDER if edge is KASPI else ENTREGA_ORDER
    path, page = await created(who, order)
    assert order["address"] in text_of(page)
    count = {"account_id": tenant.account.id}
    assert await tables.count(server.platform.pool, "deliveries", count) == 1
    listed = text_of(
        await who.get(f"{who.home}/deliveries?q={order['phone'].replace(' ', '')[-4:]}")
    )
    assert path in listed
    assert path not in text_of(await who.get(f"{who.home}/deliveries?q=nowhere"))
    assert path not in text_of(await who.get(f"{who.home}/deliveries?status=delivered"))
    assert path in text_of(await who.get(f"{who.home}/deliveries?status=pending&since=2020-01-01"))
    answer = await who.fill(path, f"{path}/cancel", reason="Changed their mind")
    cancelled = text_of(await who.follow(answer))
    assert "Changed their mind" in cancelled
    assert "It is cancelled already." in cancelled
    acts = await tables.values(
        server.platform.pool, "audit", "act", {"account_id": tenant.account.id}
    )
    assert {"delivery.created", "delivery.cancelled"} <= set(acts)


async def test_a_wrong_form_keeps_what_was_typed_and_says_what_is_wrong(server: Server) -> None:
    tenant, who = await console(server, KASPI)
    new = f"{who.home}/deliveries/new"
    wrong = {**KASPI_ORDER, "phone": "12", "weight_kg": "heavy", "name": EVIL}
    answer = await who.fill(new, None, **wrong, step="quote")
    assert answer.status == 422
    page = answer.body.decode()
    assert "must be a number" in page
    assert 'value="heavy"' in page
    assert 'id="weight_kg-error"' in page
    assert "<script>alert" not in page
    phone = {**KASPI_ORDER, "phone": "12"}
    answer = await who.fill(new, None, **phone, step="quote")
    assert 'id="phone-error"' in answer.body.decode()
    answer = await who.fill(new, None, **KASPI_ORDER, step="create", quote="x")
    assert answer.status == 422
    mine = {"account_id": tenant.account.id}
    assert await tables.count(server.platform.pool, "deliveries", mine) == 0


async def test_an_order_that_has_a_delivery_is_refused_beside_what_was_typed(
    server: Server,
) -> None:
    _, who = await console(server, KASPI)
    await created(who, KASPI_ORDER)
    new = f"{who.home}/deliveries/new"
    quoted = await who.fill(new, None, **KASPI_ORDER, step="quote")
    form = form_of(quoted)
    quote = re.search(r'name="quote" value="(\w+)"', quoted.body.decode())
    assert quote is not None
    fields = {**form.fields, **KASPI_ORDER, "quote": quote[1], "step": "create"}
    answer = await who.send(new, fields, once=form.once)
    assert answer.status == 422
    assert "already has a delivery" in answer.body.decode()
    other = {**fields, "order": "ORD-77002"}
    assert (await who.send(new, other, once=form.once)).status == 303


async def test_what_was_demanded_of_the_driver_is_shown(server: Server) -> None:
    tenant, who = await console(server, KASPI)
    demands: list[list[str]] = [["<script>alert(1)</script>", "cold box"], []]
    for skills in demands:
        body = {**await tenant.body(), "skills": skills}
        created = await tenant.post(KASPI.create_path, body)
        id = delivery_id(KASPI.id_of(created.told))
        page = await who.get(f"{who.home}/deliveries/{id.hex}")
        _, named, facts = page.body.decode().partition("Demanded of the driver")
        shown = re.findall(r'<span dir="auto">([^<]*)</span>', facts.partition("</dd>")[0])
        assert (bool(named), shown) == (bool(skills), [escape(each) for each in skills])


async def test_what_cannot_be_cancelled_says_why(server: Server) -> None:
    tenant, who = await console(server, KASPI)
    path, _ = await created(who, KASPI_ORDER)
    for status in ("in_transit", "delivered"):
        moved = await who.fill(path, f"{path}/move", status=status)
        page = text_of(await who.follow(moved))
    assert "It was delivered." in page
    refused = await who.send(f"{path}/cancel", {"reason": "late"})
    assert "It has gone too far to be cancelled." in text_of(await who.follow(refused))
    live = path.replace("/sandbox/", "/live/")
    assert (await who.get(live)).status == 404
    assert (await who.send(f"{live}/move", {"status": "failed"})).status == 404
    assert tenant.account.id.hex in path


async def test_a_held_delivery_goes_on_when_it_is_confirmed(server: Server) -> None:
    _, who = await console(server, ENTREGA)
    path, _ = await created(who, ENTREGA_ORDER)
    refused = await who.send(f"{path}/confirm")
    assert "No confirmation is awaited" in text_of(await who.follow(refused))
    held = {"id": UUID(hex=path.rpartition("/")[2])}
    waiting = {"status": "awaiting_payment", "milestone": "awaiting_payment"}
    await tables.change(server.platform.pool, "deliveries", held, **waiting)
    page = text_of(await who.follow(await who.fill(path, f"{path}/confirm")))
    assert "The delivery goes on." in page
    assert "It waits for your confirmation" not in page


async def test_a_filter_is_saved_shown_and_removed(server: Server) -> None:
    _, who = await console(server, KASPI)
    here = f"{who.home}/deliveries"
    query = "q=abc&status=failed&late=yes"
    answer = await who.fill(
        f"{here}?{query}", f"{here}/save?{query}".replace("&", "&"), name=EVIL[:50]
    )
    page = text_of(await who.follow(answer))
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    removed = re.search(r'action="([^"]+/remove)"', page)
    assert removed is not None
    assert (await who.send(removed[1])).status == 303
    assert (await who.send(removed[1])).status == 404
    assert "/remove" not in text_of(await who.get(f"{here}?{query}"))
    refused = await who.send(f"{here}/save?{query}", {"name": "x" * 61})
    assert "at most 60 characters" in text_of(await who.follow(refused))


@pytest.mark.parametrize(
    "query", ["since=2026-99-99", "until=9999-12-31", "company=x", "status=x", "q=%00%ff", "late=1"]
)
async def test_a_query_that_means_nothing_is_passed_over(server: Server, query: str) -> None:
    _, who = await console(server, KASPI)
    text_of(await who.get(f"{who.home}/deliveries?{query}"))


async def test_an_export_has_a_mark_for_spreadsheets_and_no_formula(server: Server) -> None:
    _, who = await console(server, KASPI)
    evil = {
        **KASPI_ORDER,
        "name": "=HYPERLINK(1)",
        "description": "@SUM(A1)",
        "address": "+1, Almaty",
    }
    await created(who, evil)
    answer = await who.get(f"{who.home}/deliveries/export?q=ORD-77001")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.body.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig")))
    assert row["order"] == "ORD-77001"
    assert row["weight_kg"] == "1.2"
    assert row["recipient"] == "'=HYPERLINK(1)"
    assert row["description"] == "'@SUM(A1)"
    assert row["address"].startswith("'+1")
    assert row["sender_phone"].startswith("'+7")


async def test_every_text_that_others_wrote_is_shown_and_runs_nowhere(server: Server) -> None:
    tenant, who = await console(server, KASPI)
    texts = dict.fromkeys(("order", "pickup_name", "name", "notes", "description"), EVIL)
    path, page = await created(who, {**KASPI_ORDER, **texts})
    id = path.rpartition("/")[2]
    pages = [
        text_of(page),
        text_of(await who.get(f"{who.home}/deliveries")),
        text_of(await who.get(f"{who.home}/deliveries/labels?id={id}")),
    ]
    for each in pages:
        assert "&lt;script&gt;" in each
        assert "<script>alert" not in each
        assert "<img" not in each.replace('<img class="emblem"', "")
        assert "\u202e" not in each
    assert tenant.mode is Mode.SANDBOX


async def test_labels_have_codes_addresses_and_the_cash(server: Server) -> None:
    _, who = await console(server, ENTREGA)
    path, page = await created(who, ENTREGA_ORDER)
    id = path.rpartition("/")[2]
    label = text_of(await who.get(f"{who.home}/deliveries/labels?id={id}&id={id}"))
    assert label.count('<article class="label"') == 1
    assert "Rua 7, Maianga" in label
    assert re.search(r"2\D{0,8}500", label.replace("&nbsp;", " "))
    reference = re.search(r"DLV-\d{4}-\d+", text_of(page))
    assert reference is not None
    assert reference[0] in label
    assert label.count("<path") == 2
    for wrong in ("?id=x", f"?id={uuid4().hex}"):
        assert (await who.get(f"{who.home}/deliveries/labels{wrong}")).status == 404


async def test_who_ticks_nothing_is_told_to_before_labels_are_printed(server: Server) -> None:
    _, who = await console(server, ENTREGA)
    answer = await who.get(f"{who.home}/deliveries/labels")
    assert answer.headers["location"] == f"{who.home}/deliveries"
    assert "Tick the deliveries" in text_of(await who.follow(answer))


async def test_a_viewer_sees_and_changes_nothing(server: Server) -> None:
    tenant, owner = await console(server, KASPI)
    path, _ = await created(owner, KASPI_ORDER)
    viewer = await sign_in(server, tenant.account, Role.VIEWER)
    page = text_of(await viewer.get(path))
    assert "/cancel" not in page
    assert "/move" not in page
    assert (await viewer.send(f"{path}/cancel")).status == 403
    assert (await viewer.get(f"{viewer.home}/deliveries/new")).status == 403


async def test_by_hand_in_a_browser_from_the_form_to_the_cancellation(
    server: Server, browser: Browser
) -> None:
    _, who = await console(server, KASPI)
    context = await browser.new_context(viewport=DESK)
    await context.add_cookies(
        [{"name": name, "value": value, "url": server.url} for name, value in who.cookies.items()]
    )
    url = f"{server.url}{who.home}/deliveries"
    async with opened(browser, f"{url}/new", context=context) as page:
        for name, value in KASPI_ORDER.items():
            if value:
                await page.fill(f"#{name}", value)
        await page.fill("#phone", "12")
        await page.get_by_role("button", name="See the price").click()
        assert await page.locator("#phone-error").is_visible()
        assert await page.input_value("#name") == KASPI_ORDER["name"]
        await page.fill("#phone", KASPI_ORDER["phone"])
        await page.get_by_role("button", name="See the price").click()
        await page.get_by_role("button", name="Create the delivery").click()
        await page.get_by_role("status").filter(has_text="The delivery is created.").wait_for()
        assert await axe(page) == []
        await page.goto(url)
        await page.fill("#q", "4567")
        await page.get_by_role("button", name="Show").click()
        assert await axe(page) == []
        await page.get_by_role("link", name="ORD-77001").click()
        await page.fill("#reason", "Changed their mind")
        await page.get_by_role("button", name="Cancel this delivery").click()
        await page.get_by_text("The delivery is cancelled.").wait_for()
        await page.get_by_text("Changed their mind").wait_for()
        await page.goto(f"{url}/import")
        assert await axe(page) == []


async def test_a_label_is_one_sheet_of_a6(server: Server, browser: Browser) -> None:
    _, who = await console(server, KASPI)
    texts = dict.fromkeys(("address", "name", "description", "notes"), "Қазақстан көшесі " * 25)
    long = {**KASPI_ORDER, **{name: f"{text[:180]}, Almaty" for name, text in texts.items()}}
    path, _ = await created(who, long)
    context = await browser.new_context(viewport=DESK)
    await context.add_cookies(
        [{"name": name, "value": value, "url": server.url} for name, value in who.cookies.items()]
    )
    id = path.rpartition("/")[2]
    url = f"{server.url}{who.home}/deliveries/labels?id={id}"
    async with opened(browser, url, context=context) as page:
        assert await axe(page) == []
        printed = await page.pdf(prefer_css_page_size=True, print_background=True)
    assert re.findall(rb"/Count (\d+)", printed) == [b"1"]
    width, height = re.findall(rb"MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", printed)[0]
    assert round(float(width) / 72 * 25.4) == 105
    assert round(float(height) / 72 * 25.4) == 148

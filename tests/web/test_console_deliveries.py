"""The console's pages of deliveries over HTTP, against the real application and database."""

import csv
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from yarl import URL

from estafette.app import order_rules
from estafette.core.accounts.account import Mode
from estafette.core.people.permission import Role
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.importer import Importer
from estafette.usecases.deliveries.ordering import Ordering
from tests.edges import ENTREGA, KASPI
from tests.rows import tables
from tests.serving import Answer, Server, Tenant, running
from tests.web.browser import DESK, axe, opened
from tests.web.people import OUR_PAGE, PersonAtBrowser, form_of, sign_in

EVIL = "<script>alert('1')</script>\u202e\"'><img src=x onerror=alert(1)>"

KASPI_ORDER = {
    "order": "ORD-77001",
    "pickup_address": "21 Zhibek Zholy, Almaty",
    "pickup_name": "Shop",
    "pickup_phone": "+7 727 111 0000",
    "address": "17 Abylay Khan Ave, Almaty",
    "name": "Дана Қ.",
    "phone": "8 701 123 45 67",
    "notes": "",
    "description": "Books",
    "weight_kg": "1,2",
    "value": "85 000",
}
ENTREGA_ORDER = {
    "order": "ENC-1",
    "pickup_address": "Rua Rainha Ginga 12",
    "pickup_city": "Luanda",
    "pickup_province": "Luanda",
    "address": "Rua 7, Maianga",
    "city": "Luanda",
    "province": "Luanda",
    "name": "Ana",
    "phone": "+244 923 456 789",
    "description": "Livros",
    "weight_kg": "2",
    "payment": "cod",
    "cod": "2500",
}

MANY = 1_000
"""Orders in a file that a shop sends twice."""


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database."""
    async with running(postgres_dsn) as server:
        yield server


async def console(
    server: Server, edge: object, role: Role = Role.OWNER
) -> tuple[Tenant, PersonAtBrowser]:
    tenant = await server.tenant(edge)  # type: ignore[arg-type]
    return tenant, await sign_in(server, tenant.account, role)


def text_of(page: Answer) -> str:
    assert page.status == 200, page.body.decode()
    return page.body.decode()


async def created(who: PersonAtBrowser, order: dict[str, str]) -> tuple[str, Answer]:
    """Fill the form in, take the first quote, create; the path of the delivery, and its page."""
    new = f"{who.home}/deliveries/new"
    quoted = await who.fill(new, None, **order, step="quote")
    form = form_of(quoted)
    assert 'name="quote"' in text_of(quoted)
    quote = re.search(r'name="quote" value="(\w+)"', text_of(quoted))
    assert quote is not None
    fields = {**form.fields, **order, "quote": quote[1], "step": "create"}
    answer = await who.send(new, fields, once=form.once)
    assert answer.status == 303, answer.body.decode()
    again = await who.send(new, fields, once=form.once)
    assert again.headers["location"] == answer.headers["location"]
    return answer.headers["location"], await who.follow(answer)


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


async def upload(
    who: PersonAtBrowser, file: bytes, name: str = "orders.csv", **more: str
) -> Answer:
    """Sends a file as a browser does."""
    path = f"{who.home}/deliveries/import"
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in {"once": uuid4().hex, **more}.items()
    ]
    said = name.replace('"', "%22")
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{said}"\r\n\r\n'
    body = b"".join(parts) + head.encode() + file + b"\r\n--x--\r\n"
    cookies = "; ".join(f"{key}={value}" for key, value in who.cookies.items())
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    async with who.server.session.post(
        URL(f"{who.server.url}{path}", encoded=True),
        data=body,
        headers={**OUR_PAGE, **kind, "Cookie": cookies},
        allow_redirects=False,
    ) as response:
        return Answer(response.status, response.headers, await response.read())


async def work(server: Server) -> None:
    """Let a worker do all that is due of imports."""
    importer = Importer(
        server.platform, Ordering(server.platform, Creator(server.platform), order_rules)
    )
    while await importer.round():
        pass


async def test_a_file_is_previewed_confirmed_and_its_results_given_out(server: Server) -> None:
    tenant, who = await console(server, KASPI)
    template = await who.get(f"{who.home}/deliveries/import/template")
    filled = template.body + b"=evil;,\r\n"
    answer = await upload(who, filled, EVIL)
    assert answer.status == 303, answer.body.decode()
    place = answer.headers["location"]
    assert "being read" in text_of(await who.get(place))
    await work(server)
    preview = text_of(await who.get(place))
    assert "<script>alert" not in preview
    assert "Create 1 delivery" in preview
    await who.fill(place, f"{place}/confirm")
    assert "0 of 2 done" in text_of(await who.get(place)) or "1 of 2 done" in text_of(
        await who.get(place)
    )
    await work(server)
    done = text_of(await who.get(place))
    assert "See the delivery" in done
    result = (await who.get(f"{place}/result")).body.decode("utf-8-sig")
    first, second = csv.DictReader(io.StringIO(result))
    assert (first["result"], second["result"]) == ("created", "wrong")
    assert first["delivery"].startswith("dlv_")
    assert second["order"].startswith("'=")
    mine = {"account_id": tenant.account.id}
    assert await tables.count(server.platform.pool, "deliveries", mine) == 1
    other = await sign_in(server, (await server.tenant(KASPI)).account, Role.OWNER)
    assert (await other.get(place.replace(who.home, other.home))).status == 404


async def test_a_form_without_a_file_says_so(server: Server) -> None:
    _, who = await console(server, ENTREGA)
    answer = await upload(who, b"", "")
    assert answer.status == 422
    assert "Choose a file." in answer.body.decode()


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


async def _import(page: Page, url: str, file: bytes, server: Server) -> Locator:
    """Sends a file at the page of imports, and returns the figures of its preview."""
    await page.goto(f"{url}/import")
    await page.get_by_label("File").set_input_files(
        {"name": "orders.csv", "mimeType": "text/csv", "buffer": file}
    )
    await page.get_by_role("button", name="Look at the file").click()
    await page.wait_for_url(re.compile("/import/[0-9a-f]{32}$"))
    await work(server)
    await page.reload()
    return page.locator(".stats")


async def test_many_orders_sent_twice_are_created_once_with_a_result_for_every_row(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    tenant, who = await console(server, KASPI)
    template = (await who.get(f"{who.home}/deliveries/import/template")).body.decode("utf-8-sig")
    heading, example = csv.reader(io.StringIO(template))
    place = heading.index("order")
    sheet = io.StringIO()
    written = csv.writer(sheet)
    written.writerow(heading)
    numbers = [f"M-{number}" for number in range(MANY)]
    written.writerows([*example[:place], one, *example[place + 1 :]] for one in numbers)
    file = sheet.getvalue().encode()
    context = await browser.new_context(viewport=DESK, locale="en-GB")
    await context.add_cookies(
        [{"name": name, "value": value, "url": server.url} for name, value in who.cookies.items()]
    )
    url = f"{server.url}{who.home}/deliveries"
    async with opened(browser, f"{url}/import", context=context) as page:
        figures = await _import(page, url, file, server)
        await expect(figures).to_contain_text(re.compile(rf"Ready\s*{MANY:,}"))
        create = page.get_by_role("button", name=f"Create {MANY:,} deliveries")
        await create.dblclick()
        await page.get_by_role("progressbar").wait_for()
        await work(server)
        await page.reload()
        await expect(figures).to_contain_text(re.compile(rf"Created\s*{MANY:,}"))
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Results as CSV").click()
        await (await downloading.value).save_as(tmp_path / "results.csv")
        figures = await _import(page, url, file, server)
        await expect(figures).to_contain_text(re.compile(rf"Were there already\s*{MANY:,}"))
        await expect(create).to_have_count(0)
        again = (await who.get(f"{urlsplit(page.url).path}/result")).body.decode("utf-8-sig")
    made = list(csv.DictReader(io.StringIO((tmp_path / "results.csv").read_text("utf-8-sig"))))
    assert [(row["order"], row["result"]) for row in made] == [(one, "created") for one in numbers]
    assert len({row["delivery"] for row in made}) == MANY
    seen = list(csv.DictReader(io.StringIO(again)))
    assert [row["delivery"] for row in seen] == [row["delivery"] for row in made]
    mine = {"account_id": tenant.account.id}
    assert await tables.count(server.platform.pool, "deliveries", mine) == MANY

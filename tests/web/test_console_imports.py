"""Files of orders in the console: previewed, confirmed, created by the worker, with results."""

import csv
import io
import re
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from playwright.async_api import Browser, Locator, Page, expect
from yarl import URL

from estafette.app import order_rules
from estafette.core.people.permission import Role
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.importer import Importer
from estafette.usecases.deliveries.ordering import Ordering
from tests.edges import ENTREGA, KASPI
from tests.rows import tables
from tests.serving import Answer, Server
from tests.web.browser import DESK, opened
from tests.web.console_orders import EVIL, console, text_of
from tests.web.people import OUR_PAGE, PersonAtBrowser, sign_in

MANY = 1_000
"""Orders in a file that a shop sends twice."""


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


_SOON = 60_000
"""In how many milliseconds an open page has read itself again, on a busy machine too."""


async def _import(page: Page, url: str, file: bytes, server: Server) -> Locator:
    """Sends a file at the page of imports, and returns the figures of its preview."""
    await page.goto(f"{url}/import")
    await page.get_by_label("File").set_input_files(
        {"name": "orders.csv", "mimeType": "text/csv", "buffer": file}
    )
    await page.get_by_role("button", name="Look at the file").click()
    await page.wait_for_url(re.compile("/import/[0-9a-f]{32}$"))
    await work(server)  # the page reads itself again while something is under way
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
        await expect(figures).to_contain_text(re.compile(rf"Ready\s*{MANY:,}"), timeout=_SOON)
        create = page.get_by_role("button", name=f"Create {MANY:,} deliveries")
        await create.dblclick()
        await page.get_by_role("progressbar").wait_for()
        await work(server)
        await expect(figures).to_contain_text(re.compile(rf"Created\s*{MANY:,}"), timeout=_SOON)
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Results as CSV").click()
        await (await downloading.value).save_as(tmp_path / "results.csv")
        figures = await _import(page, url, file, server)
        await expect(figures).to_contain_text(
            re.compile(rf"Were there already\s*{MANY:,}"), timeout=_SOON
        )
        await expect(create).to_have_count(0)
        again = (await who.get(f"{urlsplit(page.url).path}/result")).body.decode("utf-8-sig")
    made = list(csv.DictReader(io.StringIO((tmp_path / "results.csv").read_text("utf-8-sig"))))
    assert [(row["order"], row["result"]) for row in made] == [(one, "created") for one in numbers]
    assert len({row["delivery"] for row in made}) == MANY
    seen = list(csv.DictReader(io.StringIO(again)))
    assert [row["delivery"] for row in seen] == [row["delivery"] for row in made]
    mine = {"account_id": tenant.account.id}
    assert await tables.count(server.platform.pool, "deliveries", mine) == MANY

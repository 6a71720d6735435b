"""The contract as it is served, for machines and for people."""

import re

import yaml
from playwright.async_api import Request, async_playwright

from estafette.dialects.kaspi.app import CONTRACT
from tests.edges import KASPI
from tests.serving import Server, Tenant


async def test_contract_is_served_without_a_key(server: Server) -> None:
    answer = await server.request("GET", "/delivery/openapi.yaml")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/yaml"
    assert answer.body.decode() == CONTRACT


async def test_contract_leads_to_the_server_that_serves_it(server: Server) -> None:
    assert yaml.safe_load(CONTRACT)["servers"][0]["url"] == KASPI.base


async def test_page_takes_everything_from_this_server(server: Server) -> None:
    page = await server.request("GET", "/delivery/docs")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    text = page.body.decode()
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', text)
    assert addresses
    for address in addresses:
        assert "//" not in address
        assert (await server.request("GET", f"/delivery/{address}")).status == 200


async def test_page_shows_the_changelog(server: Server) -> None:
    text = (await server.request("GET", "/delivery/docs")).body.decode()
    for release in yaml.safe_load(CONTRACT)["info"]["x-changelog"]:
        assert f"<h3>{release['version']} " in text
    assert "<code>POST /v1/quotes</code>" in text


async def test_operation_can_be_tried_on_the_page(kaspi: Tenant, chromium: str) -> None:
    elsewhere: list[str] = []
    complaints: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((kaspi.server.url, "data:", "blob:")):
            elsewhere.append(request.url)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect(chromium)
        page = await browser.new_page()
        page.on("request", note)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{kaspi.server.url}/delivery/docs")
        await page.click(".btn.authorize")
        await page.fill(".auth-container input", kaspi.key)
        await page.click(".auth-btn-wrapper .authorize")
        await page.click(".btn-done")
        operation = page.locator("#operations-Deliveries-listDeliveries")
        await operation.locator(".opblock-summary-control").click()
        await operation.locator(".execute").click()
        answered = operation.locator(".live-responses-table .response-col_status").nth(1)
        assert (await answered.inner_text()).strip().startswith("200")
        await browser.close()
    assert elsewhere == []
    assert complaints == []

"""The pages of the contracts in a real browser: on a phone, in the dark, with every call to try."""

import pytest
from playwright.async_api import Browser, expect

from tests.edges import ENTREGA, KASPI, Edge
from tests.serving import Server
from tests.web.browser import DESK, PHONE, look, opened, overflow

_STYLES = "Applying inline style"
"""The viewer tries to, and needs it not: its style sheet is a file."""

_BRIGHTNESS = """element => getComputedStyle(element).color.match(/[\\d.]+/g).map(Number)
    .slice(0, 3).reduce((sum, part) => sum + part) / 3"""


@pytest.mark.parametrize("path", ["/delivery/docs", "/v1/docs"])
async def test_a_phone_reads_the_reference(server: Server, browser: Browser, path: str) -> None:
    async with opened(browser, server.url + path, PHONE, expected=_STYLES) as page:
        await expect(page.get_by_text("as Estafette speaks it").first).to_be_visible()
        await look(page, f"docs{path.split('/')[1]}-phone", whole=False)
        assert await overflow(page) == []


async def test_who_prefers_the_dark_reads_light_text(server: Server, browser: Browser) -> None:
    async with opened(
        browser, f"{server.url}/v1/docs", DESK, scheme="dark", expected=_STYLES
    ) as page:
        told = page.get_by_text("as Estafette speaks it").first
        await expect(told).to_be_visible()
        await look(page, "docs-desk-dark", whole=False)
        for text in (told, page.locator("#changelog li").first):
            assert await text.evaluate(_BRIGHTNESS) > 128
        await page.emulate_media(color_scheme="light")
        await expect(page.locator("body.light-mode")).to_be_visible()
        for text in (told, page.locator("#changelog li").first):
            assert await text.evaluate(_BRIGHTNESS) < 128


_KEPT = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"


@pytest.mark.parametrize(
    ("edge", "path"),
    [(ENTREGA, "/v1/docs"), (KASPI, "/delivery/docs")],
    ids=["entrega", "kaspi"],
)
async def test_an_operation_is_tried_and_its_key_is_forgotten(
    server: Server, browser: Browser, edge: Edge, path: str
) -> None:
    tenant = await server.tenant(edge)
    asked: list[str] = []
    async with opened(browser, tenant.server.url + path, DESK, expected=_STYLES) as page:
        page.on("request", lambda each: asked.append(each.url))
        field = page.locator("#viewer input[type=text]:visible").first
        await field.fill(tenant.key)
        await page.get_by_text("List deliveries").first.click()
        section = page.locator(
            "section", has=page.get_by_role("heading", name="List deliveries")
        ).last
        await section.get_by_role("button", name="Test Request").click()
        sends = page.locator("button", has_text="Send").filter(has_not_text="webhook").first
        api = tenant.server.url
        async with page.expect_response(lambda answer: answer.url.startswith(api)) as got:
            await sends.click()
        assert (await got.value).status == 200
        await look(page, f"docs-{edge.name}-tried", whole=False)
        assert tenant.key not in await page.evaluate(_KEPT)
        await page.reload()
        await expect(page.get_by_text("List deliveries").first).to_be_visible()
        assert tenant.key not in await page.content()
        assert tenant.key not in [await each.input_value() for each in await field.all()]
    assert all(url.startswith((tenant.server.url, "data:", "blob:")) for url in asked)

"""The pages of the contracts in a real browser: on a phone, and in the dark."""

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.serving import Server

expect.set_options(timeout=20_000)  # milliseconds; a busy machine is not a failure


@pytest.mark.parametrize("path", ["/delivery/docs", "/v1/docs"])
async def test_a_phone_shows_the_whole_of_an_operation(
    server: Server, browser: Browser, path: str
) -> None:
    page = await browser.new_page(viewport=ViewportSize(width=390, height=844))
    await page.goto(server.url + path)
    operations = page.locator(".opblock-summary-control")
    await operations.first.click()
    for at in range(1, await operations.count()):
        await operations.nth(at).click()
    await expect(page.locator(".responses-inner").last).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.close()


async def test_who_prefers_the_dark_reads_light_text(server: Server, browser: Browser) -> None:
    page = await browser.new_page(color_scheme="dark")
    await page.goto(f"{server.url}/v1/docs")
    await expect(page.locator(".opblock-summary-control").first).to_be_visible()
    brightness = """element => getComputedStyle(element).color.match(/\\d+/g).map(Number)
        .slice(0, 3).reduce((sum, part) => sum + part) / 3"""
    for selector in (".opblock-summary-path", "#changelog li", ".info .description p"):
        assert await page.locator(selector).first.evaluate(brightness) > 128, selector
    await page.emulate_media(color_scheme="light")
    assert await page.locator("#changelog li").first.evaluate(brightness) < 128
    await page.close()

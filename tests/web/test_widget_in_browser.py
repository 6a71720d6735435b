"""The widget on a shop's page in a real browser, over the whole server and its database."""

import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.serving import Tenant
from tests.web.widget_shop import TERESA, fill, heard, shop, visit, widget

_STRICT = (
    "default-src 'none'; script-src {server}; connect-src {server}; base-uri 'none';"
    " form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_LIGHT = "<style>body { background: #fff }</style>"
_DARK = "<style>@media (prefers-color-scheme: dark) { body { background: #111 } }</style>"
_HOSTILE = """<style>
    * { color: red !important; font-size: 40px !important; display: inline !important;
        border: 9px solid lime !important }
    html { font-size: 62.5% } input, button { display: none !important }
</style>"""


async def _deliveries(tenant: Tenant) -> list[dict[str, Any]]:
    return (await tenant.get("/v1/deliveries")).told["data"]


async def _listed(page: Page) -> None:
    """Fills the form, and waits for the quotes."""
    await fill(page)
    await widget(page).get_by_role("button").click()
    await expect(widget(page).get_by_role("radio").first).to_be_checked()


async def test_a_recipient_books_a_delivery_by_keyboard_alone(
    entrega: Tenant, browser: Browser
) -> None:
    metadata = {"data-metadata": json.dumps({"cart": "WEB-4821"})}
    async with shop(entrega, metadata) as page_of_shop:
        page = await visit(browser, page_of_shop)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await expect(widget(page).get_by_role("heading")).to_have_text("Onde entregamos?")
        for name in ("name", "phone", "address_line", "city"):
            await page.keyboard.press("Tab")
            await page.keyboard.type(TERESA[name])
        await page.keyboard.press("Tab")
        await page.keyboard.type("Luanda")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

        await expect(widget(page).get_by_role("heading")).to_be_focused()
        await expect(widget(page).get_by_role("heading")).to_have_text("Como quer receber?")
        cheapest = widget(page).get_by_role("radio", name="Zango Entregas")
        await expect(cheapest).to_be_checked()
        await page.keyboard.press("Tab")  # the button that changes the address
        await page.keyboard.press("Tab")
        await expect(cheapest).to_be_focused()
        await page.keyboard.press("ArrowDown")
        fast = widget(page).get_by_role("radio", name="Kianda Expresso")
        await expect(fast).to_be_checked()
        await expect(fast).to_have_accessible_name(
            "Kianda Expresso 2\u00a0500\u00a0Kz Cerca de 45\u00a0min Pede um PIN ao receber"
        )
        await page.keyboard.press("Tab")
        booking = widget(page).get_by_role("button", name="Marcar por 2\u00a0500\u00a0Kz")
        await expect(booking).to_be_focused()
        await page.keyboard.press("Enter")

        await expect(widget(page).get_by_role("heading")).to_have_text("Entrega marcada")
        await expect(widget(page).get_by_role("heading")).to_be_focused()
        [delivery] = await _deliveries(entrega)
        await expect(widget(page)).to_contain_text(delivery["reference"])
        await expect(widget(page)).to_contain_text("À procura de estafeta")
        await expect(widget(page)).to_contain_text("pede um PIN ao entregar")
        link = widget(page).get_by_role("link", name="Acompanhar a entrega")
        await expect(link).to_have_attribute("href", delivery["tracking_url"])
        events = await heard(page)
    assert delivery["company_name"] == "Kianda Expresso"
    assert delivery["destination"]["contact"] == {"name": "Teresa Manuel", "phone": "923 444 555"}
    assert delivery["options"]["metadata"] == {"cart": "WEB-4821"}
    assert [name for name, _ in events] == ["ready", "quotes", "created"]
    assert events[1][1]["quotes"][0]["company_name"] == "Zango Entregas"
    assert events[2][1]["delivery"]["id"] == delivery["id"]
    assert delivery["delivery_pin"] not in json.dumps(events)
    assert complaints == []


async def test_widget_speaks_the_shop_s_then_the_page_s_then_the_browser_s_language(
    entrega: Tenant, browser: Browser
) -> None:
    english, portuguese = "Where should we deliver?", "Onde entregamos?"
    for lang, page_lang, locale, title in (
        ("en", "pt", "pt-AO", english),
        ("pt-AO", "en", "en-GB", portuguese),
        ("", "en-GB", "pt-AO", english),
        ("", "fr", "en-US", english),
        ("", "", "de-DE", portuguese),
    ):
        html = f'<main lang="{page_lang}">' if page_lang else ""
        async with shop(entrega, {"data-lang": lang}, html=html) as page_of_shop:
            page = await visit(browser, page_of_shop, locale=locale)
            await expect(widget(page).get_by_role("heading")).to_have_text(title)


async def test_english_tells_prices_and_times_the_english_way(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega, {"data-lang": "en"}) as page_of_shop:
        page = await visit(browser, page_of_shop)
        await _listed(page)
        option = widget(page).get_by_role("radio", name="Zango Entregas")
        await expect(option).to_have_accessible_name(
            "Zango Entregas Kz\u00a01,800 About 2\u00a0h\u00a015\u00a0min"
        )


async def test_a_foreign_page_sells_nothing_and_says_so_to_both(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega, trusted=False) as page_of_shop:
        page = await visit(browser, page_of_shop)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await page.reload()
        told = "Não é possível marcar a entrega nesta página. Por favor, fale com a loja."
        await expect(widget(page).get_by_role("alert")).to_have_text(told)
        await expect(widget(page).get_by_role("textbox")).to_have_count(0)
        events = await heard(page)
    assert [detail["code"] for name, detail in events if name == "error"] == ["untrusted_origin"]
    command = f"estafette accounts origins --account NAME --set {page_of_shop.origin}"
    assert any(command in line for line in said)
    assert await _deliveries(entrega) == []
    assert await entrega.count("quotes") == 0


async def test_widget_works_under_a_strict_policy(entrega: Tenant, browser: Browser) -> None:
    async with shop(entrega, csp=_STRICT) as page_of_shop:
        page = await visit(browser, page_of_shop)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        await _listed(page)
        await widget(page).get_by_role("button", name="Marcar por").click()
        await expect(widget(page).get_by_role("heading")).to_have_text("Entrega marcada")
        radius = "element => getComputedStyle(element).borderRadius"
        assert await widget(page).get_by_role("link").evaluate(radius) == "10px"
    assert len(await _deliveries(entrega)) == 1
    assert [line for line in complaints if "Content Security Policy" in line] == []


async def test_everything_has_a_name_and_a_role(entrega: Tenant, browser: Browser) -> None:
    async with shop(entrega) as page_of_shop:
        page = await visit(browser, page_of_shop)
        for name in ("Nome de quem recebe", "Telefone", "Morada", "Cidade ou município"):
            field = widget(page).get_by_role("textbox", name=name)
            await expect(field).to_have_attribute("required", "")
            await expect(field).to_have_attribute("autocomplete")
        await expect(widget(page).get_by_role("combobox", name="Província")).to_have_value("Luanda")
        phone = widget(page).get_by_role("textbox", name="Telefone")
        await expect(phone).to_have_accessible_description(
            "O estafeta liga para este número. Ex.: 923\u00a0444\u00a0555"
        )
        await _listed(page)
        await expect(widget(page).get_by_role("group", name="Opções de entrega")).to_be_visible()
        await expect(widget(page).get_by_role("button", name="Alterar a morada")).to_be_visible()
        status = widget(page).get_by_role("status")
        await expect(status).to_contain_text("opções de entrega.")
        nameless = """host => [...host.shadowRoot.querySelectorAll("svg, .logo")]
            .filter(each => !each.closest("[aria-hidden=true]")).length"""
        assert await widget(page).evaluate(nameless) == 0


@pytest.mark.parametrize("width", [320, 390, 1024])
async def test_widget_fits_the_screen_and_the_thumb(
    entrega: Tenant, browser: Browser, width: int
) -> None:
    measured = """host => [...host.shadowRoot.querySelectorAll("button, input, select, a, label")]
        .map(each => each.matches("[type=radio]") ? each.closest("label") : each)
        .filter(each => !each.matches("label:not(.option)"))
        .map(each => each.getBoundingClientRect().height)"""
    async with shop(entrega, {"data-lang": "pt"}) as page_of_shop:
        page = await visit(browser, page_of_shop, width=width)
        await expect(widget(page).get_by_role("textbox").first).to_be_visible()
        heights = await widget(page).evaluate(measured)
        await fill(page, name="W" * 60, address_line="Bairro-do-Prenda-" * 12)
        await widget(page).get_by_role("button").click()
        await expect(widget(page).get_by_role("radio").first).to_be_checked()
        heights += await widget(page).evaluate(measured)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert min(heights) >= 44


async def test_widget_is_as_dark_as_the_page(entrega: Tenant, browser: Browser) -> None:
    either = "<style>:root { color-scheme: light dark }</style>"
    for html, theme, preferred, scheme in (
        (_DARK, "", "dark", "dark"),
        (_DARK, "", "light", "light"),
        (_LIGHT, "", "dark", "light"),
        (_LIGHT, "dark", "light", "dark"),
        (either, "", "dark", "dark"),
        ("", "", "dark", "light"),
    ):
        async with shop(entrega, {"data-theme": theme}, html=html) as page_of_shop:
            page = await visit(browser, page_of_shop, color_scheme=preferred)
            await expect(widget(page)).to_have_attribute("data-scheme", scheme)


async def test_the_page_s_style_stays_out_but_for_the_theme(
    entrega: Tenant, browser: Browser
) -> None:
    theme = "<style>#entrega { --estafette-accent: rgb(180, 0, 78) }</style>"
    async with shop(entrega, html=_HOSTILE + theme) as page_of_shop:
        page = await visit(browser, page_of_shop)
        button = widget(page).get_by_role("button")
        await expect(button).to_be_visible()
        await expect(button).to_have_css("background-color", "rgb(180, 0, 78)")
        await expect(button).to_have_css("color", "rgb(255, 255, 255)")
        await expect(button).to_have_css("font-size", "16px")
        await expect(widget(page)).to_have_css("border-top-width", "0px")


async def test_text_on_the_shop_s_own_colour_can_be_read(entrega: Tenant, browser: Browser) -> None:
    white, dark = "rgb(255, 255, 255)", "rgb(16, 20, 42)"
    for accent, theme, text in (
        ("#b4004e", "dark", white),
        ("#ffd400", "light", dark),
        ("", "light", white),
        ("", "dark", dark),
    ):
        html = f"<style>:root {{ --estafette-accent: {accent} }}</style>" if accent else ""
        async with shop(entrega, {"data-theme": theme}, html=html) as page_of_shop:
            page = await visit(browser, page_of_shop)
            await expect(widget(page).get_by_role("button")).to_have_css("color", text)


async def test_a_call_mounts_what_a_tag_cannot_know(entrega: Tenant, browser: Browser) -> None:
    async with shop(entrega, {"data-key": "", "data-target": ""}) as page_of_shop:
        page = await visit(browser, page_of_shop)
        await page.wait_for_function("window.Estafette")
        options = {
            "key": entrega.page_keys[entrega.mode],
            "origin": {"address_line": "Rua A 1", "city": "Luanda", "province": "Luanda"},
            "parcel": {"weight_grams": 900},
            "destination": {
                "address_line": "Avenida Brasil 110",
                "city": "Luanda",
                "province": "Luanda",
                "contact": {"name": "Teresa", "phone": "923444555"},
                "coordinates": {"lat": -8.8259, "lng": 13.2343},
            },
            "paymentMethod": "cod",
            "cashCollect": 25000,
        }
        mounting = "options => { window.mine = Estafette.mount('#entrega', options) }"
        await page.evaluate(mounting, options)
        await widget(page).get_by_role("button").click()
        await expect(widget(page)).to_contain_text("Paga 25\u00a0000\u00a0Kz ao estafeta")
        heavier = {"parcel": {"weight_grams": 8000}}
        await page.evaluate("changed => window.mine.update(changed)", heavier)
        await expect(widget(page)).to_contain_text("A encomenda mudou.")
        await expect(widget(page)).to_contain_text("Antes 1\u00a0800\u00a0Kz")
        await widget(page).get_by_role("button", name="Marcar por").click()
        await expect(widget(page).get_by_role("heading")).to_have_text("Entrega marcada")
        await page.evaluate("window.mine.remove()")
        await expect(widget(page)).to_have_count(0)
    [delivery] = await _deliveries(entrega)
    assert delivery["parcel"] == {"weight_grams": 8000}
    assert delivery["cash_collect_aoa"] == 25000
    assert delivery["destination"]["coordinates"] == {"lat": -8.8259, "lng": 13.2343}

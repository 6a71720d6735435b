"""The widget on pages as they are: old libraries, tag managers, parts that are drawn anew."""

import json
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.serving import Tenant
from tests.web.widget_shop import ORIGIN, PARCEL, fill, heard, shop, visit, widget

_METADATA: dict[str, Any] = {
    "list": [1, ["два"], {}],
    "text": 'a"b\\c\u2028\U0001f600',
    "none": None,
    "half": 0.5,
}

_OLD_LIBRARIES = """<script>
    // Prototype 1.6, json2 and MooTools, each at its worst
    Array.prototype.toJSON = function () { return "[" + this.join(", ") + "]"; };
    String.prototype.toJSON = function () { return '"' + this + '"'; };
    Object.defineProperty(Object.prototype, "toJSON", {
      value() { return "object"; }, configurable: true, writable: true,
    });
    Date.prototype.toJSON = function () { return '"date"'; };
    Array.from = (item) => [item];
    Object.prototype.extended = 1;
    JSON.stringify = (value) => '"' + value + '"';
    const theirs = window.fetch;  // knows texts alone
    window.fetch = (url, options) => theirs(url.replace("#", ""), options);
</script>"""


async def _confirm(page: Page) -> None:
    await widget(page).get_by_role("button").click()
    await expect(widget(page).get_by_role("radio").first).to_be_checked()
    await widget(page).get_by_role("button", name="Marcar por").click()
    await expect(widget(page).get_by_role("heading")).to_have_text("Entrega marcada")


async def _deliveries(tenant: Tenant) -> list[dict[str, Any]]:
    return (await tenant.get("/v1/deliveries")).told["data"]


async def test_old_libraries_change_nothing_of_what_is_ordered(
    entrega: Tenant, browser: Browser
) -> None:
    metadata = {"data-metadata": json.dumps(_METADATA)}
    async with shop(entrega, metadata, html=_OLD_LIBRARIES) as at:
        page = await visit(browser, at)
        await fill(page)
        await _confirm(page)
    [delivery] = await _deliveries(entrega)
    assert delivery["options"]["metadata"] == _METADATA
    assert delivery["parcel"] == PARCEL


async def test_what_a_page_passes_is_written_as_it_means_it(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega, {"data-key": ""}) as at:
        page = await visit(browser, at)
        await page.wait_for_function("window.Estafette")
        options = {"key": entrega.page_keys[entrega.mode], "origin": ORIGIN, "parcel": PARCEL}
        mount = """options => {
            class Money { toJSON() { return {amount: 5}; } }
            const metadata = {
                at: new Date(0), never: new Date(NaN), money: new Money(), left: undefined,
                boxed: new String("a"), infinite: 1 / 0, run() {}, list: [undefined, () => 1],
                link: new URL("https://loja.ao/x"),
            };
            Estafette.mount("#entrega", {...options, metadata});
        }"""
        await page.evaluate(mount, options)
        await fill(page)
        await _confirm(page)
        [delivery] = await _deliveries(entrega)
        assert delivery["options"]["metadata"] == {
            "at": "1970-01-01T00:00:00.000Z",
            "never": None,
            "money": {"amount": 5},
            "boxed": "a",
            "infinite": None,
            "list": [None, None],
            "link": "https://loja.ao/x",
        }
        cycle = """options => {
            const metadata = {};
            metadata.itself = metadata;
            Estafette.mount("#entrega", {...options, metadata});
        }"""
        await page.evaluate(cycle, options)
        await expect(widget(page).get_by_role("alert")).to_contain_text("fale com a loja")
        assert "within itself" in (await heard(page))[-1][1]["message"]


async def test_a_script_whose_attributes_were_taken_away_says_what_to_do(
    entrega: Tenant, browser: Browser
) -> None:
    taken: tuple[str, ...] = ("data-key", "data-target", "data-origin", "data-parcel")
    bare: dict[str, str] = dict.fromkeys(taken, "")
    async with shop(entrega, bare) as at:
        page = await visit(browser, at)
        async with page.expect_console_message(lambda each: each.type == "warning") as waiting:
            await page.reload()
        told = (await waiting.value).text
        for wanted in ("data-key", "data-origin", "Estafette.mount("):
            assert wanted in told


async def test_a_page_that_mounts_by_itself_is_not_warned(
    entrega: Tenant, browser: Browser
) -> None:
    calling = """<script>document.addEventListener("estafette:ready", () =>
        Estafette.mount("#entrega", {key: "pk_test_x", origin: {}, parcel: {}}))</script>"""
    async with shop(entrega, {"data-key": ""}, html=calling) as at:
        page = await visit(browser, at)
        lines: list[str] = []
        page.on("console", lambda message: lines.append(message.text))
        await page.reload()
        await expect(widget(page)).to_have_count(1)
        await page.wait_for_timeout(700)  # longer than the script waits for a call
        assert not [line for line in lines if "no widget" in line]


async def test_a_checkout_that_draws_its_part_anew_keeps_the_widget_and_what_was_typed(
    entrega: Tenant, browser: Browser
) -> None:
    redraw = "document.querySelector('#part').innerHTML = '<p>Total</p><div id=\"entrega\"></div>'"
    async with shop(entrega, html='<div id="part"></div>') as at:
        page = await visit(browser, at)
        await expect(widget(page)).to_have_count(1)
        await page.evaluate(
            "document.querySelector('#part').append(document.querySelector('#entrega'))"
        )
        await fill(page)
        await page.evaluate(redraw)
        name = widget(page).locator("[name=name]")
        await expect(name).to_have_value("Teresa Manuel")
        await page.evaluate("document.querySelector('#entrega').innerHTML = ''")
        await expect(name).to_have_value("Teresa Manuel")
        await widget(page).get_by_role("button").click()
        await expect(widget(page).get_by_role("radio").first).to_be_checked()
        await page.evaluate(redraw)
        await widget(page).get_by_role("button", name="Marcar por").click()
        await page.evaluate(redraw)  # as the request is under way
        await expect(widget(page).get_by_role("heading")).to_have_text("Entrega marcada")
        await page.evaluate(redraw)
        await expect(widget(page).get_by_role("heading")).to_have_text("Entrega marcada")
        await expect(widget(page)).to_have_count(1)
    assert await entrega.count("deliveries") == 1


async def test_a_tag_within_the_part_that_is_drawn_anew_brings_the_order_as_it_is_now(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega, {"data-target": ""}, html="<p>Loja</p>") as at:
        page = await visit(browser, at)
        await fill(page)
        await widget(page).get_by_role("button").click()
        await expect(widget(page)).to_contain_text("1\u00a0800\u00a0Kz")
        redraw = """heavier => {
            const tag = document.querySelector("script[data-key]");
            tag.dataset.parcel = heavier;
            const html = tag.outerHTML;
            document.body.innerHTML = `<main>${html}</main>`;  // by this, no script is run
        }"""
        await page.evaluate(redraw, json.dumps(PARCEL | {"weight_grams": 8000}))
        await expect(widget(page)).to_contain_text("A encomenda mudou.")
        await expect(widget(page)).to_have_count(1)
        await expect(page.locator("main estafette-widget")).to_have_count(1)


async def test_the_next_order_on_another_page_begins_anew(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await fill(page)
        await _confirm(page)
        swap = """() => {
            // as Turbo does: another address, another body, and a copy of the old one kept
            const kept = document.body.cloneNode(true);
            history.pushState({}, "", "/?order=2");
            kept.querySelectorAll("script").forEach((each) => each.remove());
            document.documentElement.replaceChild(kept, document.body);
        }"""
        await page.evaluate(swap)
        await expect(widget(page).locator("[name=name]")).to_have_value("")
        await expect(widget(page)).to_have_count(1)
        await fill(page)
        await _confirm(page)
    assert await entrega.count("deliveries") == 2


async def test_a_script_that_is_loaded_twice_is_one(entrega: Tenant, browser: Browser) -> None:
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await fill(page)
        again = """() => new Promise((resolve) => {
            window.before = window.Estafette;
            const tag = document.querySelector("script[data-key]");
            const copy = document.createElement("script");
            for (const { name, value } of tag.attributes) copy.setAttribute(name, value);
            copy.onload = resolve;
            tag.remove();
            document.body.append(copy);
        })"""
        await page.evaluate(again)
        await page.evaluate(again)
        await expect(widget(page)).to_have_count(1)
        await expect(widget(page).locator("[name=name]")).to_have_value("Teresa Manuel")
        assert await page.evaluate("window.before === window.Estafette")


async def test_modules_and_loaders_that_take_their_tag_away_work(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega, {"type": "module"}) as at:
        page = await visit(browser, at)
        await fill(page)
        await _confirm(page)
    async with shop(entrega, {"onload": "this.remove()"}) as at:
        page = await visit(browser, at)
        await expect(widget(page)).to_have_count(1)
        await expect(page.locator("script[data-key]")).to_have_count(0)
        await fill(page)
        await _confirm(page)


async def test_a_target_that_comes_later_gets_its_widget(entrega: Tenant, browser: Browser) -> None:
    async with shop(entrega, {"data-target": "#later"}) as at:
        page = await visit(browser, at)
        await page.wait_for_function("window.Estafette")
        await page.evaluate(
            "setTimeout(() => document.body.insertAdjacentHTML('beforeend', '<p id=later>'), 50)"
        )
        await expect(page.locator("#later estafette-widget")).to_have_count(1)


async def test_a_widget_that_the_page_removes_stays_away(entrega: Tenant, browser: Browser) -> None:
    fighting = """<script>new MutationObserver(() =>
        document.querySelector("estafette-widget")?.remove())
        .observe(document, {childList: true, subtree: true})</script>"""
    async with shop(entrega, html=fighting) as at:
        page = await visit(browser, at)
        async with page.expect_console_message(lambda each: "again and again" in each.text):
            await page.reload()
        await expect(widget(page)).to_have_count(0)
        assert await page.evaluate("1 + 1") == 2  # it is not busy with that for ever
    async with shop(entrega, {"data-key": ""}) as at:
        page = await visit(browser, at)
        await page.wait_for_function("window.Estafette")
        options = {"key": entrega.page_keys[entrega.mode], "origin": ORIGIN, "parcel": PARCEL}
        await page.evaluate("o => { window.mine = Estafette.mount('#entrega', o) }", options)
        await expect(widget(page)).to_have_count(1)
        await page.evaluate("window.mine.remove()")
        await page.evaluate("document.body.append(document.createElement('p'))")
        await page.wait_for_timeout(100)
        await expect(widget(page)).to_have_count(0)

"""The widget on a bad day, in a real browser: nothing is booked twice, and all is explained."""

import asyncio
import re
from dataclasses import replace
from functools import partial
from typing import Any

from playwright.async_api import Browser, Page, Route, expect

from estafette.core.accounts.account import KeyKind
from estafette.core.accounts.page_limits import read_place
from estafette.usecases.accounts.keys import list_keys, set_limits
from tests.rows import quotes, tables
from tests.serving import Tenant
from tests.web.widget_shop import Shop, fill, heard, shop, visit, widget

_CREATION = "**/v1/widget/deliveries"
_QUOTES = "**/v1/widget/quotes"


async def _errors(page: Page) -> list[str]:
    """The codes of the errors that the page was told of."""
    return [detail["code"] for name, detail in await heard(page) if name == "error"]


async def _listed(browser: Browser, at: Shop, **changed: str) -> Page:
    """A page on which the quotes are shown."""
    page = await visit(browser, at)
    await fill(page, **changed)
    await widget(page).get_by_role("button").click()
    await expect(widget(page).get_by_role("radio").first).to_be_checked()
    return page


async def _booked(page: Page) -> None:
    await expect(widget(page).get_by_role("heading", level=2)).to_have_text("Entrega marcada")


async def test_empty_fields_are_told_beside_them_and_the_first_has_the_focus(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await fill(page, name="   ", city="")
        await widget(page).get_by_role("button").click()
        name = widget(page).get_by_role("textbox", name="Nome de quem recebe")
        await expect(name).to_be_focused()
        await expect(name).to_have_attribute("aria-invalid", "true")
        await expect(name).to_have_accessible_description("Indique o nome de quem recebe.")
        city = widget(page).get_by_role("textbox", name="Cidade")
        await expect(city).to_have_accessible_description("Indique a cidade ou o município.")
        await expect(widget(page).get_by_role("status")).to_have_text("Falta corrigir 2 campos.")
        await name.fill("Teresa")
        await expect(name).not_to_have_attribute("aria-invalid", "true")
    assert await entrega.count("quotes") == 0


async def test_what_the_server_refuses_is_told_beside_its_field(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await fill(page, phone="12")
        await widget(page).get_by_role("button").click()
        phone = widget(page).get_by_role("textbox", name="Telefone")
        await expect(phone).to_be_focused()
        told = "Este número não parece completo. Exemplo: 923\u00a0444\u00a0555."
        await expect(widget(page).locator(".phone .error")).to_have_text(told)
        await expect(phone).to_have_accessible_description(re.compile(re.escape(told)))
        events = await heard(page)
    [detail] = [detail for name, detail in events if name == "error"]
    assert detail["code"] == "invalid"
    assert [fault["field"] for fault in detail["fields"]] == ["destination.contact.phone"]


async def test_quote_that_expired_is_asked_for_anew_and_confirmed_anew(
    entrega: Tenant, browser: Browser
) -> None:
    pool = entrega.server.platform.pool
    async with shop(entrega) as at:
        page = await _listed(browser, at)
        await widget(page).get_by_role("radio", name="Kianda Expresso").check()
        await quotes.expire(pool, entrega.account.id)
        await quotes.raise_tariffs(pool, entrega.account.id, 700, "kianda-expresso")
        await widget(page).get_by_role("button", name="Marcar por").click()
        told = "O prazo destes preços terminou. Já os atualizámos: veja e confirme de novo."
        await expect(widget(page).get_by_role("status")).to_have_text(told)
        fast = widget(page).get_by_role("radio", name="Kianda Expresso")
        await expect(fast).to_be_checked()
        await expect(widget(page)).to_contain_text("Antes 2\u00a0500\u00a0Kz")
        assert await entrega.count("deliveries") == 0
        await widget(page).get_by_role("button", name="Marcar por 3\u00a0200").click()
        await _booked(page)
        assert await _errors(page) == ["quote_expired"]
    assert await entrega.count("deliveries") == 1


async def test_a_double_click_books_once(entrega: Tenant, browser: Browser) -> None:
    async with shop(entrega) as at:
        page = await _listed(browser, at)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
        await widget(page).get_by_role("button", name="Marcar por").dblclick()
        await _booked(page)
    assert await entrega.count("deliveries") == 1
    assert len([each for each in asked if each.startswith("POST ")]) == 1


async def test_lost_answer_holds_the_choice_and_is_asked_for_again_under_the_same_key(
    entrega: Tenant, browser: Browser
) -> None:
    keys: list[str | None] = []

    async def lose(route: Route) -> None:
        keys.append(await route.request.header_value("idempotency-key"))
        await route.fetch()  # it arrives and is done; the answer does not come back
        await route.abort("connectionreset")

    async with shop(entrega) as at:
        page = await _listed(browser, at)
        page.on("request", lambda request: keys.append(request.headers.get("idempotency-key")))
        await page.route(_CREATION, lose)
        await widget(page).get_by_role("button", name="Marcar por").click()
        alert = widget(page).get_by_role("alert")
        await expect(alert).to_contain_text("não será marcada duas vezes")
        assert await entrega.count("deliveries") == 1
        for radio in await widget(page).get_by_role("radio").all():
            assert await radio.is_checked() != await radio.is_disabled()
        await page.unroute(_CREATION)
        await widget(page).get_by_role("button", name="Tentar de novo").click()
        await _booked(page)
    assert await entrega.count("deliveries") == 1
    assert len({key for key in keys if key}) == 1


async def test_unreachable_server_is_told_and_can_be_asked_again(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await fill(page)
        await page.context.set_offline(True)
        button = widget(page).get_by_role("button", name="Ver opções de entrega")
        await button.click()
        alert = widget(page).get_by_role("alert")
        await expect(alert).to_contain_text("Verifique a internet")
        await expect(button).to_be_focused()
        await page.context.set_offline(False)
        await button.click()
        await expect(widget(page).get_by_role("radio").first).to_be_checked()
        assert await _errors(page) == ["network"]


async def test_server_that_is_away_from_the_start_is_not_called_a_foreign_origin(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await expect(widget(page).get_by_role("button")).to_be_visible()
        await page.route("**/v1/widget/**", lambda route: route.abort())
        await page.route("**/widget.js", _only_the_script)
        await page.reload()
        await fill(page)
        await widget(page).get_by_role("button").click()
        await expect(widget(page).get_by_role("alert")).to_contain_text("Verifique a internet")


async def _only_the_script(route: Route) -> None:
    """Lets the script through, and nothing that asks whether the server is there."""
    if route.request.method == "HEAD":
        await route.abort()
    else:
        await route.continue_()


async def test_no_coverage_leads_back_to_the_address(entrega: Tenant, browser: Browser) -> None:
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await fill(page, city="Menongue", province="Cubango")
        await widget(page).get_by_role("button").click()
        await expect(widget(page).get_by_role("heading")).to_have_text("Ainda não chegamos aí")
        events = await heard(page)
        assert events[-1] == ("quotes", {"quotes": []})
        await widget(page).get_by_role("button", name="Alterar a morada").last.click()
        await expect(widget(page).get_by_role("heading")).to_be_focused()
        await expect(widget(page).get_by_role("textbox", name="Cidade")).to_have_value("Menongue")


async def test_no_company_at_all_is_told(entrega: Tenant, browser: Browser) -> None:
    where = {"account_id": entrega.account.id}
    await tables.change(entrega.server.platform.pool, "companies", where, active=False)
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await fill(page)
        await widget(page).get_by_role("button").click()
        alert = widget(page).get_by_role("alert")
        await expect(alert).to_contain_text("De momento não há entregas.")
        assert await _errors(page) == ["unavailable"]


async def test_other_refusals_are_told(entrega: Tenant, browser: Browser) -> None:
    async with shop(entrega) as at:
        page = await visit(browser, at)
        await fill(page)
        readable = {"Access-Control-Allow-Origin": at.origin}
        for status, told in (
            (502, "As transportadoras não responderam."),
            (429, "Foram muitos pedidos seguidos."),
            (500, "Algo correu mal do nosso lado."),
        ):
            reply = partial(_reply, status, readable)
            await page.route(_QUOTES, reply)
            await widget(page).get_by_role("button").click()
            await expect(widget(page).get_by_role("alert")).to_contain_text(told)
            await page.unroute(_QUOTES, reply)
        assert await _errors(page) == ["upstream_failed", "rate_limited", "unexpected"]


async def _reply(status: int, headers: dict[str, str], route: Route) -> None:
    await route.fulfill(status=status, headers=headers)


async def test_a_page_that_is_built_wrong_is_explained_in_the_console(
    entrega: Tenant, browser: Browser
) -> None:
    wrong = (
        ({"data-key": "pk_test_nobody"}, "unauthorized", "Missing or invalid API key"),
        ({"data-key": "sk_test_oops"}, "configuration", "SECRET key"),
        ({"data-origin": "Rua A"}, "configuration", "data-origin is not JSON"),
        ({"data-parcel": ""}, "configuration", "the parcel is missing"),
    )
    for attributes, code, said in wrong:
        async with shop(entrega, attributes) as at:
            page = await visit(browser, at)
            lines: list[str] = []
            page.on("console", lambda message, lines=lines: lines.append(message.text))
            await page.reload()
            await expect(widget(page).get_by_role("alert")).to_contain_text("fale com a loja")
            assert await _errors(page) == [code]
        assert any(said in line for line in lines)


async def test_logo_that_never_comes_leaves_the_company_s_initial(
    entrega: Tenant, browser: Browser
) -> None:
    where, logo = {"account_id": entrega.account.id}, f"{entrega.server.url}/nothing.png"
    await tables.change(entrega.server.platform.pool, "companies", where, logo_url=logo)
    async with shop(entrega) as at:
        page = await visit(browser, at)
        async with page.expect_request("**/nothing.png"):
            await fill(page)
            await widget(page).get_by_role("button").click()
        await expect(widget(page).locator("label", has_text="Zango").locator(".logo")).to_have_text(
            "Z"
        )
        await expect(widget(page).locator("img")).to_have_count(0)


async def test_only_companies_that_take_transfers_are_offered_for_one(
    entrega: Tenant, browser: Browser
) -> None:
    async with shop(entrega, {"data-payment-method": "bank_transfer"}) as at:
        page = await _listed(browser, at)
        await expect(widget(page).get_by_role("radio")).to_have_count(1)
        await widget(page).get_by_role("button", name="Marcar por").click()
        await _booked(page)
        await expect(widget(page)).to_contain_text("AO93999900000000000001429")
        await expect(widget(page)).to_contain_text("Falta só a transferência.")


async def test_address_cannot_be_changed_under_a_booking(entrega: Tenant, browser: Browser) -> None:
    going, done = asyncio.Event(), asyncio.Event()

    async def slowly(route: Route) -> Any:
        going.set()
        await done.wait()
        await route.continue_()

    async with shop(entrega) as at:
        page = await _listed(browser, at)
        await page.route(_CREATION, slowly)
        button = widget(page).locator("button[type=submit]")
        await button.click()
        await going.wait()
        await expect(button).to_have_attribute("aria-disabled", "true")
        await expect(widget(page).get_by_role("status")).to_have_text("A marcar a entrega…")
        await widget(page).get_by_role("button", name="Alterar a morada").click()
        done.set()
        await _booked(page)
    assert await entrega.count("deliveries") == 1


async def _limit(tenant: Tenant, **changes: Any) -> None:
    """Sets limits of the tenant's publishable keys."""
    platform = tenant.server.platform
    for key in await list_keys(platform, tenant.account):
        if key.kind is KeyKind.PUBLISHABLE:
            await set_limits(
                platform, tenant.account, str(key.id), lambda limits: replace(limits, **changes)
            )


async def test_an_order_that_is_held_is_told_as_sent_to_the_shop(
    entrega: Tenant, browser: Browser
) -> None:
    await _limit(entrega, held=True)
    async with shop(entrega) as at:
        page = await _listed(browser, at)
        await widget(page).get_by_role("button").last.click()
        heading = widget(page).get_by_role("heading", level=2)
        await expect(heading).to_have_text("Pedido enviado à loja")
        await expect(widget(page).get_by_role("status").first).to_have_text("À espera da loja")
        await expect(widget(page)).not_to_contain_text("transferência")


async def test_who_comes_when_the_hour_is_full_is_told_when_to_try_again(
    entrega: Tenant, browser: Browser
) -> None:
    await _limit(entrega, per_hour=1)
    async with shop(entrega) as at:
        page = await _listed(browser, at)
        await widget(page).get_by_role("button").last.click()
        await _booked(page)
        page = await _listed(browser, at)
        await widget(page).get_by_role("button").last.click()
        told = widget(page).get_by_role("alert")
        await expect(told).to_contain_text(re.compile("não é possível marcar.*dentro de .*1.h"))
        assert await _errors(page) == ["rate_limited"]


async def test_a_page_beyond_the_limits_of_its_key_sells_nothing_and_says_why_in_the_console(
    entrega: Tenant, browser: Browser
) -> None:
    await _limit(entrega, pickups=(read_place("Rua do Armazém 1; Luanda; Luanda"),))
    async with shop(entrega) as at:
        page = await visit(browser, at)
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        await fill(page)
        await widget(page).get_by_role("button").click()
        heading = widget(page).get_by_role("heading", level=2)
        await expect(heading).to_have_text("Entregas indisponíveis aqui")
        assert await _errors(page) == ["pickup_not_allowed"]
    assert any("data-origin is none of the key's pickup places" in line for line in told)

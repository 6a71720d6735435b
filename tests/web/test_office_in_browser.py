"""The office in a real Chromium: the first operator's story, and how its pages look."""

import os
from urllib.parse import urlsplit
from uuid import uuid4

import pyotp
from playwright.async_api import Browser, BrowserContext, Page, expect

from estafette.core.people.organisation import PLATFORM
from estafette.core.people.permission import Role
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.people.invite import invite
from estafette.usecases.quotes.tariffs import export_tariffs
from tests.serving import Server
from tests.web.browser import LOOKS, NARROWEST, axe, look, overflow
from tests.web.people import PersonAtBrowser, sign_in
from tests.web.phone import keep_cookies

PASSWORD = "seven boats on the Ishim"


async def _join(page: Page, url: str, name: str, email: str | None) -> None:
    await page.goto(url)
    await page.get_by_label("Your name").fill(name)
    if email is not None:
        await page.get_by_label("E-mail address").fill(email)
    await page.locator('input[name="password"]').fill(PASSWORD)
    await page.get_by_role("button", name="Begin").click()


async def _link(page: Page, server: Server) -> str:
    """The link that the page shows this once, at the address where the tests reach the server."""
    shown = await page.locator("#secret").inner_text()
    return f"{server.url}{urlsplit(shown.strip()).path}"


async def test_the_first_operator_opens_an_account_whose_owner_signs_in(
    browser: Browser, server: Server
) -> None:
    link = await invite(server.platform, PLATFORM, Role.OWNER, None)
    name, run = f"t-{uuid4().hex[:12]}", uuid4().hex
    operator = await browser.new_context(locale="en-GB")
    page = await operator.new_page()
    await _join(page, f"{server.url}{link.path}", "Dana Operator", f"dana-{run}@estafette.example")
    await page.goto(f"{server.url}/office/accounts")  # which is for those with a second factor
    await expect(page).to_have_url(f"{server.url}/me/security")
    await page.goto(f"{server.url}/me/security/app")
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Begin").click()
    secret = await page.locator('input[name="secret"]').get_attribute("value")
    assert secret is not None
    await page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())  # pyright: ignore[reportPrivateImportUsage]
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    await page.goto(f"{server.url}/office/accounts")
    await page.get_by_role("link", name="Open an account").click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Market").select_option("AO")
    await page.get_by_role("button", name="Open the account").click()
    await expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    await page.get_by_role("link", name="Invite its owner").click()
    await page.get_by_label("E-mail address").fill(f"owner-{run}@shop.example")
    await page.get_by_role("button", name="Make the link").click()
    invited = await _link(page, server)
    merchant = await browser.new_context(locale="en-GB")
    shop = await merchant.new_page()
    await _join(shop, invited, "Ana Kianda", None)
    account = await find_account(server.platform, name)
    await shop.goto(f"{server.url}/console/{account.id.hex}/sandbox")
    await expect(shop.get_by_role("heading", level=1)).to_be_visible()
    assert (await shop.goto(f"{server.url}/office/accounts")).status == 404  # pyright: ignore[reportOptionalMemberAccess]
    await page.goto(f"{server.url}/office/accounts/{account.id.hex}")
    await expect(page.get_by_text("Ana Kianda")).to_be_visible()
    await page.get_by_role("link", name="Enter, sandbox").click()
    await expect(page).to_have_url(f"{server.url}/console/{account.id.hex}/sandbox")
    await expect(page.get_by_text("as a guest")).to_be_visible()


async def _context(browser: Browser, owner: PersonAtBrowser, **options: object) -> BrowserContext:
    context = await browser.new_context(locale="en-GB", **options)  # pyright: ignore[reportArgumentType]
    await keep_cookies(context, owner.server.url, owner.cookies)
    return context


async def test_its_pages_fit_every_screen_and_are_read_by_everybody(
    browser: Browser, server: Server
) -> None:
    owner = await sign_in(server)
    assert owner.person is not None
    slug = f"kianda-{uuid4().hex[:8]}"
    added = await owner.send(
        "/office/companies/add",
        {"name": "Kianda Entregas", "slug": slug, "market": "AO", "connector": "remote"},
    )
    company = added.headers["location"].removesuffix("/settings")
    name = f"magnum-{uuid4().hex[:8]}"
    opened = await owner.send(
        "/office/accounts/open", {"name": name, "market": "KZ", "rate": "50", "burst": "100"}
    )
    text = await export_tariffs(server.platform, "KZ")
    pages = {
        "accounts": "/office/accounts?name=" + name,
        "account-open": "/office/accounts/open",
        "account": opened.headers["location"],
        "account-settings": f"{opened.headers['location']}/settings",
        "people": "/office/people?email=" + owner.person.email,
        "person": f"/office/people/{owner.person.id.hex}",
        "invite": "/office/people/invite",
        "companies": "/office/companies?name=" + slug,
        "company-add": "/office/companies/add",
        "company": company,
        "company-settings": f"{company}/settings",
        "company-connect": f"{company}/connect",
        "tariffs": "/office/tariffs",
        "tariff": "/office/tariffs/KZ",
        "tariff-compare": "/office/tariffs/KZ/compare",
        "audit": f"/office/audit?by={owner.person.id}",
        "overview": "/office",
        "payments": "/office/payments",
        "money": f"/office/money?account={name}",
        "deliveries": "/office/deliveries?trouble=disputed&mode=sandbox",
        "platforms": "/office/platforms",
        "health": "/office/health",
    }
    narrow = await _context(browser, owner, viewport=NARROWEST)
    page = await narrow.new_page()
    for name, path in pages.items():
        answer = await page.goto(f"{server.url}{path}")
        assert answer is not None
        assert answer.status == 200, name
        assert await overflow(page) == [], name
        assert await axe(page) == [], name
    await page.goto(f"{server.url}/office/tariffs/KZ/compare")
    await page.get_by_label("Or paste it here").fill(_changed(text))
    await page.get_by_role("button", name="Compare").click()
    await expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    assert await overflow(page) == []
    assert await axe(page) == []
    for one in LOOKS if os.environ.get("ESTAFETTE_PICTURES") else ():
        context = await _context(browser, owner, viewport=one.size, color_scheme=one.scheme)
        page = await context.new_page()
        for name, path in pages.items():
            await page.goto(f"{server.url}{path}")
            await look(page, f"office-{name}-{one.name}")
        await context.close()


def _changed(text: str) -> str:
    """A price list with another fee in its last row."""
    *rows, last = text.splitlines()
    cells = last.split(",")
    cells[4] = "99990"
    return "\n".join([*rows, ",".join(cells)])

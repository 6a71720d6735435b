"""Whole stories of people in a real browser: the first visit, passkeys, and a hostile website."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

from playwright.async_api import Browser, Page, expect

from estafette.core.people.permission import Role
from estafette.usecases.people.invite import invite, list_invitations
from tests.edges import ENTREGA
from tests.processes import free_port
from tests.serving import Server, Tenant, running
from tests.web.browser import DESK, NARROWEST, axe, look, opened, overflow
from tests.web.people import PersonAtBrowser, account, sign_in

PASSWORD = "six red boats row"


async def test_the_first_visit_needs_neither_a_mouse_nor_a_script(
    browser: Browser, server: Server, entrega: Tenant
) -> None:
    email = f"{uuid4().hex}@x.example"
    link = await invite(server.platform, account(entrega.account.id), Role.OWNER, email)
    async with await browser.new_context(java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto(f"{server.url}{link.path}")
        await _tab_to(page, "name")
        await page.keyboard.type("Dana K.")
        await _tab_to(page, "password")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{server.url}/console/{entrega.account.id.hex}/live")
        await page.goto(f"{server.url}/me/security")
        await page.get_by_text("Dana K.").click()
        await page.get_by_role("button", name="Sign out").press("Enter")
        await expect(page.get_by_text("You are signed out.")).to_be_visible()
        await page.keyboard.press("Tab")
        await _tab_to(page, "email")
        await page.keyboard.type(email)
        await _tab_to(page, "password")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()


async def _tab_to(page: Page, name: str) -> None:
    """Presses Tab until the field of that name has the focus."""
    for _ in range(20):
        if await page.locator(f"[name={name}]:focus").count():
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"no way to {name} by Tab")


@asynccontextmanager
async def _at_page(
    browser: Browser, who: PersonAtBrowser, host: str = "127.0.0.1"
) -> AsyncGenerator[Page]:
    """A page of a browser that has a person's cookies."""
    async with await browser.new_context() as context:
        for name, value in who.cookies.items():
            await context.add_cookies(
                [
                    {
                        "name": name,
                        "value": value,
                        "domain": host,
                        "path": "/",
                        "httpOnly": True,
                        "sameSite": "Lax",
                    }
                ]
            )
        yield await context.new_page()


_EVIL = """<!doctype html><form method="post" action="{action}"{target}>
<input name="email" value="evil@x.example"><input name="role" value="owner">
<input name="language" value="en"><input name="once" value="{once}"></form>
<script>document.forms[0].submit()</script>"""


async def test_a_form_of_a_foreign_website_does_nothing(
    browser: Browser, server: Server, entrega: Tenant
) -> None:
    """Also where the cookie is sent: another port of the host is the same site to a browser."""
    dana = await sign_in(server, entrega.account, Role.OWNER)
    action = f"{server.url}{dana.home}/team/invite"
    html = _EVIL.format(action=action, target="", once=uuid4().hex)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(html)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n{html}".encode())
        await writer.drain()
        writer.close()

    evil = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = evil.sockets[0].getsockname()[1]
    async with evil, _at_page(browser, dana) as page:
        await page.goto(f"{server.url}{dana.home}")
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        for host in ("127.0.0.1", "localhost"):
            async with page.expect_response(action) as answered:
                await page.goto(f"http://{host}:{port}/")
            assert (await answered.value).status == 403
            await expect(page.get_by_text("another website")).to_be_visible()
        await page.goto(f"{action}")
        await page.get_by_label("E-mail address").fill("good@x.example")
        await page.get_by_role("button", name="Make the link").click()
        await expect(page.get_by_text("The link is made")).to_be_visible()
    invited = await list_invitations(server.platform, dana.organisation)
    assert [one.email for one in invited] == ["good@x.example"]


async def test_a_passkey_signs_in_without_a_password(browser: Browser, postgres_dsn: str) -> None:
    port = free_port()
    home = f"http://localhost:{port}"
    async with running(postgres_dsn, public_url=home, port=port) as server:
        tenant = await server.tenant(ENTREGA)
        of = account(tenant.account.id)
        link = await invite(server.platform, of, Role.OWNER, f"{uuid4().hex}@x.example")
        async with await browser.new_context() as context:
            page = await context.new_page()
            devtools = cast("Any", await context.new_cdp_session(page))
            await devtools.send("WebAuthn.enable")
            await devtools.send(
                "WebAuthn.addVirtualAuthenticator",
                {
                    "options": {
                        "protocol": "ctap2",
                        "transport": "internal",
                        "hasResidentKey": True,
                        "hasUserVerification": True,
                        "isUserVerified": True,
                    }
                },
            )
            await page.goto(f"{home}{link.path}")
            await page.get_by_label("Your name").fill("Dana")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Begin").click()
            await page.goto(f"{home}/me/security/passkeys")
            await page.get_by_label("Your password").fill(PASSWORD)
            await page.get_by_role("button", name="Continue").click()
            await page.get_by_role("button", name="Make the passkey").click()
            await expect(page.get_by_text("The passkey is added")).to_be_visible()
            await page.get_by_text("Dana", exact=True).click()
            await page.get_by_role("button", name="Sign out").click()
            await page.get_by_role("button", name="Use a passkey").click()
            await page.get_by_role("button", name="Use the passkey").click()
            await expect(page.get_by_role("heading", name="Overview")).to_be_visible()


async def test_peoples_pages_are_for_everybody(
    browser: Browser, server: Server, entrega: Tenant
) -> None:
    dana = await sign_in(server, entrega.account, Role.OWNER)
    assert dana.person is not None
    of, team = account(entrega.account.id), f"{dana.home}/team"
    link = await invite(server.platform, of, Role.VIEWER, f"{uuid4().hex}@x.example")
    async with _at_page(browser, dana) as first:
        paths = {
            "profile": "/me",
            "security": "/me/security",
            "password": "/me/security/password",
            "team": team,
            "invite": f"{team}/invite",
            "member": f"{team}/{dana.person.id.hex}",
            "audit": f"{dana.home}/audit",
            "nothing": f"{team}/{uuid4().hex}",
        }
        for name, path in paths.items():
            await _judge(first, f"{server.url}{path}", name)
    async with opened(browser, f"{server.url}/sign-in") as page:
        await _judge(page, f"{server.url}/sign-in", "sign-in")
        await _judge(page, f"{server.url}{link.path}", "invitation")


async def _judge(page: Page, url: str, name: str) -> None:
    """Has axe look at a page in the dark of a desk, and sees that it fits the smallest phone."""
    await page.set_viewport_size(DESK)
    await page.emulate_media(color_scheme="dark")
    await page.goto(url)
    assert await axe(page) == [], url
    await look(page, f"people-{name}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(NARROWEST)
    assert await overflow(page) == [], url
    assert await axe(page) == [], url

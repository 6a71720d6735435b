"""A shop with the widget on its page, for the tests of the widget: served on an origin of its own.

async with shop(entrega) as shop_page:
    page = await visit(browser, shop_page)
"""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

from playwright.async_api import Browser, Locator, Page, ViewportSize
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from estafette.http.fallback import plain
from estafette.usecases.accounts.administration import set_origins
from tests.serving import Tenant, listening

ORIGIN: dict[str, Any] = {
    "address_line": "Rua Rainha Ginga 31",
    "city": "Luanda",
    "province": "Luanda",
    "contact": {"name": "Loja Kianda", "phone": "+244 222 333 444"},
}
PARCEL: dict[str, Any] = {"weight_grams": 900, "description": "Livros encadernados"}
TERESA = {
    "name": "Teresa Manuel",
    "phone": "923 444 555",
    "address_line": "Avenida Brasil 110, Maianga",
    "city": "Luanda",
    "province": "Luanda",
}
"""Who receives, by the names of the form's fields."""

_KEPT = """
    window.heard = [];
    for (const name of ["ready", "quotes", "created", "error"])
      document.addEventListener(`estafette:${name}`, ({ type, detail, target }) =>
        window.heard.push({ type, detail, by: target.localName }));
"""


@dataclass(frozen=True)
class Shop:
    """A page that is served at `url`."""

    url: str
    origin: str


@asynccontextmanager
async def shop(
    tenant: Tenant,
    attributes: Mapping[str, str] | None = None,
    *,
    html: str = "",
    csp: str | None = None,
    trusted: bool = True,
) -> AsyncGenerator[Shop]:
    """A shop of the tenant with the script's tag on its page.

    `attributes` are added to those that the tag must have, an empty one is left out; `html` stands
    in the page besides; `csp` is its policy, in which {server} is the server's origin.
    """
    server = tenant.server.url
    shown = {
        "src": f"{server}/widget.js",
        "data-key": tenant.page_keys[tenant.mode],
        "data-target": "#entrega",
        "data-origin": json.dumps(ORIGIN),
        "data-parcel": json.dumps(PARCEL),
        **(attributes or {}),
    }
    tag = " ".join(f'{name}="{escape(value)}"' for name, value in shown.items() if value)
    page = (
        '<!doctype html><html><head><meta charset="utf-8"><title>Loja</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'</head><body>{html}<div id="entrega"></div><script {tag} async></script></body></html>'
    )
    headers = {} if csp is None else {"Content-Security-Policy": csp.format(server=server)}

    async def serve(_: Request) -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    async def icon(_: Request) -> Response:
        return Response(status_code=204)  # every browser asks for one, some late

    routes = [Route("/", serve), Route("/favicon.ico", icon)]
    async with listening(Starlette(routes=routes), plain) as port:
        origin = f"http://localhost:{port}"
        if trusted:
            await set_origins(tenant.server.platform, tenant.account.name, [origin])
        yield Shop(f"{origin}/", origin)


async def visit(
    browser: Browser, shop: Shop, *, locale: str = "pt-AO", width: int = 390, **options: Any
) -> Page:
    """Opens the shop's page; `window.heard` collects the widget's events."""
    viewport = ViewportSize(width=width, height=844)
    context = await browser.new_context(locale=locale, viewport=viewport, **options)
    page = await context.new_page()
    await page.add_init_script(_KEPT)
    await page.goto(shop.url)
    return page


def widget(page: Page) -> Locator:
    """The widget on a page."""
    return page.locator("estafette-widget")


async def fill(page: Page, **changed: str) -> None:
    """Fills the address form."""
    for name, value in (TERESA | changed).items():
        field = widget(page).locator(f"[name={name}]")
        if name == "province":
            await field.select_option(value)
        else:
            await field.fill(value)


async def heard(page: Page) -> list[tuple[str, Any]]:
    """The widget's events so far: their names and what they told."""
    events: list[dict[str, Any]] = await page.evaluate("window.heard")
    return [(event["type"].removeprefix("estafette:"), event["detail"]) for event in events]

"""The console's page of how recipients see an account, over HTTP and in a browser."""

import re
import secrets
from collections.abc import AsyncIterator
from io import BytesIO
from uuid import uuid4

import pytest
from PIL import Image
from playwright.async_api import Browser, expect

from estafette.core.accounts.branding import Branding
from estafette.core.notifications.notification import NotificationKind
from estafette.core.people.permission import Role
from estafette.usecases.accounts.branding import branding_of, change_branding
from estafette.usecases.accounts.logo import logo_of
from tests.edges import ENTREGA, KASPI
from tests.rows import tables
from tests.serving import Answer, Server, Tenant, running
from tests.web.browser import DESK, LOOKS, axe, look, opened
from tests.web.people import OUR_PAGE, PersonAtBrowser, sign_in

EVIL = "<script>alert('1')</script>"


@pytest.fixture
async def server(postgres_dsn: str) -> AsyncIterator[Server]:
    """The real server over the worker's database."""
    async with running(postgres_dsn) as server:
        yield server


async def console(server: Server, role: Role = Role.OWNER) -> tuple[Tenant, PersonAtBrowser, str]:
    tenant = await server.tenant(KASPI)
    who = await sign_in(server, tenant.account, role)
    return tenant, who, f"{who.home}/branding"


async def upload(who: PersonAtBrowser, path: str, body: bytes, name: str = "logo.png") -> Answer:
    edge = uuid4().hex
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="once"\r\n\r\n'.encode(),
        f"{uuid4().hex}\r\n".encode(),
        f'--{edge}\r\nContent-Disposition: form-data; name="logo"; filename="{name}"\r\n'
        "Content-Type: image/png\r\n\r\n".encode(),
        body,
        f"\r\n--{edge}--\r\n".encode(),
    ]
    headers = {"Content-Type": f"multipart/form-data; boundary={edge}", **OUR_PAGE}
    return await who._ask("POST", path, b"".join(parts), headers)  # pyright: ignore[reportPrivateUsage] - a form with a file


def picture() -> bytes:
    """A picture that no other account has: those who have the same share what is served."""
    out = BytesIO()
    Image.new("RGB", (80, 80), f"#{secrets.token_hex(3)}").save(out, "PNG")
    return out.getvalue()


async def test_what_is_chosen_is_kept_and_seen_by_recipients(server: Server) -> None:
    tenant, who, path = await console(server)
    answer = await who.fill(
        path,
        f"{path}/change",
        name="Алтын Дән",
        colour="#FFCC00",
        phone="8 727 222 33 44",
        hours="9–18",
        language="kk",
        told="delivered",
    )
    page = (await who.follow(answer)).body.decode()
    assert "Recipients see it so from now on." in page
    assert await branding_of(server.platform, tenant.account.id) == Branding(
        "Алтын Дән", "#ffcc00", "+77272223344", "9–18", "kk",
        frozenset({NotificationKind.DELIVERED}),
    )  # fmt: skip
    assert "Алтын Дән: сәлемдеме жеткізілді." in page
    shown = await who.get(f"{path}/preview?show=in_transit")
    assert 'href="tel:+77272223344"' in shown.body.decode()
    assert "Сәлемдеме жолда" in shown.body.decode()
    assert "<script" not in shown.body.decode()
    assert "frame-ancestors 'self'" in shown.headers["Content-Security-Policy"]


async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_kept(server: Server) -> None:
    tenant, who, path = await console(server)
    wrong = {"name": "x" * 61, "colour": "red", "phone": "12", "hours": "www.evil.example"}
    answer = await who.fill(path, f"{path}/change", **wrong, language="de")
    page = answer.body.decode()
    assert answer.status == 422
    for name in (*wrong, "language"):
        assert f'id="{name}-error"' in page, name
    assert 'value="red"' in page
    nameless = await who.fill(path, f"{path}/change", told="created")
    assert nameless.status == 422
    assert "give a name first" in nameless.body.decode()
    assert await branding_of(server.platform, tenant.account.id) == Branding()


async def test_who_looked_before_somebody_else_changed_it_is_told(server: Server) -> None:
    tenant, who, path = await console(server)
    page = (await who.get(path)).body.decode()
    seen = re.search(r'name="version" value="(\w+)"', page)
    assert seen is not None
    theirs = Branding("Theirs")
    await change_branding(server.platform, tenant.account.id, theirs)
    answer = await who.send(f"{path}/change", {"version": seen[1], "name": "Mine"})
    assert answer.status == 422
    assert "Somebody else has changed this" in answer.body.decode()
    assert 'value="Mine"' in answer.body.decode()
    assert await branding_of(server.platform, tenant.account.id) == theirs


async def test_a_logo_is_taken_shown_and_removed(server: Server) -> None:
    tenant, who, path = await console(server)
    answer = await upload(who, f"{path}/logo", picture())
    page = (await who.follow(answer)).body.decode()
    digest = await logo_of(server.platform, tenant.account.id)
    assert f'src="/track/logo/{digest}.webp"' in page
    served = await server.request("GET", f"/track/logo/{digest}.webp")
    assert served.status == 200
    assert served.headers["Content-Type"] == "image/webp"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert Image.open(BytesIO(served.body)).format == "WEBP"
    assert (await who.send(f"{path}/logo/remove")).status == 303
    assert (await server.request("GET", f"/track/logo/{digest}.webp")).status == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "SVG is not taken"),
        (b"", "Choose a picture."),
    ],
)
async def test_a_file_that_is_no_logo_is_refused_in_clear_words(
    server: Server, body: bytes, said: str
) -> None:
    tenant, who, path = await console(server)
    answer = await upload(who, f"{path}/logo", body)
    assert answer.status == 422
    assert said in answer.body.decode()
    assert await logo_of(server.platform, tenant.account.id) is None


async def test_who_may_only_look_is_shown_no_buttons(server: Server) -> None:
    _, who, path = await console(server, Role.VIEWER)
    page = (await who.get(path)).body.decode()
    assert "disabled" in page
    assert "/branding/logo" not in page


async def test_what_others_wrote_is_shown_as_text(server: Server) -> None:
    tenant, who, path = await console(server)
    await change_branding(server.platform, tenant.account.id, Branding(f"A {EVIL}", hours=EVIL))
    for shown in (path, f"{path}/preview"):
        page = (await who.get(shown)).body.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


async def test_the_page_and_its_preview_look_well(server: Server, browser: Browser) -> None:
    tenant = await server.tenant(ENTREGA)
    who = await sign_in(server, tenant.account)
    told = frozenset({NotificationKind.CREATED})
    brand = Branding("Café Kianda", "#ffcc00", "+244923456789", "8–18", told=told)
    await change_branding(server.platform, tenant.account.id, brand)
    await upload(who, f"{who.home}/branding/logo", picture())
    for size in LOOKS:
        context = await browser.new_context(
            viewport=size.size, color_scheme=size.scheme, locale="en-GB"
        )
        await context.add_cookies(
            [
                {"name": name, "value": value, "url": server.url}
                for name, value in who.cookies.items()
            ]
        )
        url = f"{server.url}{who.home}/branding"
        async with opened(browser, url, DESK, context=context) as page:
            inside = page.frame_locator("iframe")
            heading = inside.get_by_role("heading", level=1)
            await expect(heading).to_have_text("Quase à sua porta")
            await expect(inside.get_by_role("link", name="Ligar para +244")).to_be_visible()
            assert await axe(page) == []
            await look(page, f"console-branding-{size.name}")
        await context.close()


async def test_a_delivery_shows_what_its_recipient_was_told(server: Server) -> None:
    tenant, who, _ = await console(server)
    told = frozenset({NotificationKind.CREATED})
    await change_branding(server.platform, tenant.account.id, Branding("Altyn", told=told))
    server.platform.catalog.forget()  # as the signal of the change has it
    id = await tenant.create()
    found = await tables.value(
        server.platform.pool, "notifications", "delivery_id", {"account_id": tenant.account.id}
    )
    page = (await who.get(f"{who.home}/deliveries/{found.hex}")).body.decode()
    assert id in page
    assert "Told to the recipient" in page
    assert "A delivery was created" in page
    assert "Waits to be sent" in page

"""Who carries for an account, as the office sets it; and whom drivers and recipients call."""

from uuid import UUID, uuid4

from playwright.async_api import Browser

from estafette.core.accounts.account import Mode
from estafette.core.couriers.carriers import CarrierChoice
from estafette.core.couriers.company import Company, Connector
from estafette.core.ids import new_id
from estafette.core.people.permission import Role
from estafette.usecases.couriers.carriers import carriers_of
from estafette.usecases.couriers.companies import save_company
from tests.serving import Server
from tests.usecases.angola import new_shop
from tests.usecases.stage import new_tenant
from tests.web.browser import LOOKS, axe, look, opened, overflow
from tests.web.drivers import driver_stage
from tests.web.people import form_of, sign_in
from tests.web.phone import keep_cookies


async def test_the_office_says_which_companies_carry_for_an_account_and_in_which_order(
    server: Server, browser: Browser
) -> None:
    shop = await new_tenant(server.platform, Mode.LIVE)
    first, second = [
        await save_company(server.platform, _company(shop.account.id, name))
        for name in ("moto", "van")
    ]
    owner = await sign_in(server, None, Role.OWNER)
    path = f"/office/accounts/{shop.account.id.hex}/carriers"
    places = {f"place_{first.id.hex}": "2", f"place_{second.id.hex}": "1"}
    nowhere = places | {f"place_{first.id.hex}": "0"}
    assert (await owner.fill(path, path, choice="in_order", **nowhere)).status == 422
    opened_before = form_of(await owner.get(path), path)
    assert (await owner.fill(path, path, choice="in_order", **places)).status == 303
    policy = await carriers_of(server.platform, shop.account)
    assert policy == (CarrierChoice.IN_ORDER, (second.id, first.id))
    late = await owner.follow(await owner.send(path, opened_before.fields | places))
    assert "Somebody else has changed this meanwhile" in late.body.decode()
    assert await carriers_of(server.platform, shop.account) == policy
    for name, size, scheme in LOOKS:
        context = await browser.new_context(viewport=size, color_scheme=scheme)
        await keep_cookies(context, server.url, owner.cookies)
        async with opened(browser, f"{server.url}{path}", context=context) as page:
            assert (await axe(page), await overflow(page)) == ([], [])
            await look(page, f"office-carriers-{name}")
        await context.close()
    assert (await owner.fill(path, path, **dict.fromkeys(places, ""))).status == 303
    assert await carriers_of(server.platform, shop.account) is None


async def test_the_office_offers_no_carriers_where_orders_name_the_company(server: Server) -> None:
    shop = await new_shop(server.platform)
    company = await shop.company(f"moto-{uuid4().hex[:6]}")
    owner = await sign_in(server, None, Role.OWNER)
    path = f"/office/accounts/{shop.account.id.hex}/carriers"
    page = (await owner.get(path)).body.decode()
    assert "Its orders name the company" in page
    assert f"place_{company.id.hex}" not in page
    typed = {f"place_{company.id.hex}": "1", "choice": "cheapest", "edition": ""}
    refused = await owner.send(path, typed)
    assert "Carriers would change nothing" in (await owner.follow(refused)).body.decode()
    assert await carriers_of(server.platform, shop.account) is None


def _company(account_id: UUID, name: str) -> Company:
    slug = f"{name}-{uuid4().hex[:6]}"
    of = (new_id(), "KZ", account_id, name.title(), slug, Connector.INHOUSE, "Asia/Almaty")
    return Company(*of)


async def test_a_companys_phone_is_typed_in_the_office_and_called_by_drivers_and_recipients(
    server: Server,
) -> None:
    stage = await driver_stage(server)
    ze = await stage.driver_at_phone()
    given = await stage.given(ze.driver)
    track = f"/track/{given.delivery_id}?lang=en"
    assert (await ze.day())["company"]["phone"] is None
    assert "tel:" not in (await server.request("GET", track)).body.decode()
    owner = await sign_in(server, None, Role.OWNER)
    path = f"/office/companies/{stage.company_id.hex}/settings"
    refused = await owner.fill(path, phone="call me")
    assert refused.status == 422
    assert "Write a phone number" in refused.body.decode()
    assert (await owner.fill(path, phone="923 000 777")).status == 303
    assert (await ze.day())["company"]["phone"] == "+244923000777"
    server.platform.catalog.forget()
    assert "tel:+244923000777" in (await server.request("GET", track)).body.decode()

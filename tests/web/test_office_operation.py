"""The operator's work in the office: payments, books, deliveries in trouble, health."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.audit import AuditedAct
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.people.permission import Role
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.deliveries.advance import Move
from estafette.web.people.acts import act_names
from estafette.web.statements import Period, shown
from tests.moving import advance
from tests.rows import tables
from tests.rows.deliveries import refuse_dispatch
from tests.serving import Server, running
from tests.usecases.angola import BY_TRANSFER, WITH_BANK, Shop, new_shop
from tests.web.people import PersonAtBrowser, sign_in


@dataclass
class Office:
    """The real server, a shop with a company, and the operator's people."""

    server: Server
    shop: Shop
    owner: PersonAtBrowser
    support: PersonAtBrowser

    async def acts(self, id: UUID) -> list[str]:
        """What the audit tells of something, newest first."""
        page = await list_entries(self.server.platform, AuditFilter(object=str(id)))
        return [entry.act for entry in page.entries]


@pytest.fixture
async def office(postgres_dsn: str) -> AsyncIterator[Office]:
    async with running(postgres_dsn) as server:
        shop = await new_shop(server.platform)
        await shop.company("fast")
        yield Office(
            server,
            shop,
            await sign_in(server, None, Role.OWNER),
            await sign_in(server, None, Role.SUPPORT),
        )


async def _troubled(office: Office) -> UUID:
    delivery = await office.shop.create()
    dialect = office.server.platform.dialects["entrega"]
    await advance(
        office.server.platform,
        office.shop.scope,
        dialect,
        delivery.id,
        [Move(Status.STALLED, Actor.SYSTEM, "<script>nobody</script>")],
    )
    return delivery.id


async def test_a_stalled_delivery_is_found_shown_and_moved_on_by_hand(office: Office) -> None:
    id = await _troubled(office)
    listed = await office.support.get("/office/deliveries?trouble=stalled&mode=live")
    assert id.hex in listed.body.decode()
    page = await office.support.get(f"/office/deliveries/{id.hex}")
    assert "&lt;script&gt;nobody" in page.body.decode()
    assert "<script>nobody" not in page.body.decode()
    path = f"/office/deliveries/{id.hex}"
    moved = await office.support.fill(path, f"{path}/move", to="pending", note="we called them")
    assert "It is Pending now." in (await office.support.follow(moved)).body.decode()
    assert (await office.shop.delivery(id)).status is Status.PENDING
    assert await office.acts(id) == ["delivery.moved"]
    back = await office.support.fill(path, f"{path}/move", to="delivered")
    assert (await office.support.follow(back)).status == 200


async def test_what_cannot_follow_is_said_and_changes_nothing(office: Office) -> None:
    id = (await office.shop.create()).id
    path = f"/office/deliveries/{id.hex}"
    for _ in range(2):
        answer = await office.support.send(f"{path}/move", to="awaiting_payment")
        shown = (await office.support.follow(answer)).body.decode()
        assert "cannot become" in shown
    assert (await office.shop.delivery(id)).status is Status.PENDING


async def test_a_dispute_is_settled_once(office: Office) -> None:
    id = (await office.shop.create()).id
    pool = office.server.platform.pool
    await refuse_dispatch(pool, id, "cancelled <there>")
    await tables.change(pool, "dispatches", {"delivery_id": id}, state="disputed")
    listed = (await office.support.get("/office/deliveries?trouble=disputed")).body.decode()
    assert id.hex in listed
    assert "cancelled &lt;there&gt;" in listed
    path = f"/office/deliveries/{id.hex}"
    settled = await office.support.fill(path, f"{path}/settle", note="it stays here")
    shown = (await office.support.follow(settled)).body.decode()
    assert "The dispute is settled." in shown
    again = await office.support.send(f"{path}/settle")
    assert "Nothing is in dispute" in (await office.support.follow(again)).body.decode()
    assert await office.acts(id) == ["delivery.dispute_settled"]


async def test_a_locked_pin_is_unlocked(office: Office) -> None:
    id = (await office.shop.create()).id
    await tables.change(office.server.platform.pool, "deliveries", {"id": id}, pin_failures=5)
    path = f"/office/deliveries/{id.hex}"
    await office.support.fill(path, f"{path}/unlock")
    assert (await office.shop.delivery(id)).pin_failures == 0
    assert await office.acts(id) == ["delivery.pin_unlocked"]


async def test_money_is_booked_once_and_never_more_than_is_owed(office: Office) -> None:
    id = (await office.shop.create()).id
    dialect = office.server.platform.dialects["entrega"]
    way = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
    moves = [Move(status, Actor.OPERATOR) for status in way]
    await advance(office.server.platform, office.shop.scope, dialect, id, moves)
    name = office.shop.account.name
    fee = (await office.shop.delivery(id)).fee
    path = f"/office/money?mode=live&account={name}"
    form = {"book": "merchant", "amount": str(fee + 1), "reference": "bank 1"}
    much = await office.owner.fill(path, "/office/money/settle", **form)
    assert "is owed. Nothing was booked." in (await office.owner.follow(much)).body.decode()
    form["amount"] = str(fee)
    done = await office.owner.fill(path, "/office/money/settle", **form)
    assert "booked." in (await office.owner.follow(done)).body.decode()
    again = await office.owner.fill(path, "/office/money/settle", **form)
    assert "booked before" in (await office.owner.follow(again)).body.decode()
    file = await office.owner.get(f"/office/money/statement.csv?mode=live&account={name}")
    lines = file.body.decode().splitlines()
    assert [line.split(",")[1] for line in lines].count("settled") == 2
    assert file.headers["content-disposition"].startswith("attachment")
    slug = f"own-{office.shop.account.id.hex[-8:]}"
    await office.shop.company(slug)
    assert f'value="{slug}"' in (await office.owner.get("/office/money")).body.decode()
    own = await office.owner.get(f"/office/money/statement.csv?mode=live&company={slug}")
    assert own.body.decode().startswith("booked_at,")
    of_company = await office.owner.get("/office/money/statement.csv?mode=live&company=nobody")
    assert of_company.status == 404
    refused = await office.support.send(
        "/office/money/settle", {**form, "account": name, "mode": "live"}
    )
    assert refused.status == 403


async def test_the_office_shows_how_everything_is(office: Office) -> None:
    await _troubled(office)
    for path in ("/office", "/office/health", "/office/platforms", "/office/payments"):
        page = await office.owner.get(path)
        assert page.status == 200, path
    health = (await office.owner.get("/office/health")).body.decode()
    assert "PostgreSQL" in health
    assert "deliveries" in health
    for query in ("mode=none", "trouble=none", "after=none"):
        assert (await office.owner.get(f"/office/deliveries?{query}")).status == 404


async def test_a_delivery_is_opened_by_its_id_in_whichever_form(office: Office) -> None:
    id = (await office.shop.create()).id
    for text in (str(id), id.hex):
        found = await office.support.get(f"/office/deliveries?id={text}")
        assert found.headers["location"] == f"/office/deliveries/{id.hex}"
    none = await office.support.get("/office/deliveries?id=nothing")
    assert "no delivery with this id" in (await office.support.follow(none)).body.decode()


async def test_an_accounts_overview_and_money_show_its_own_alone(office: Office) -> None:
    other = await new_shop(office.server.platform)
    await other.company("other")
    await other.create()
    id = (await office.shop.create()).id
    dana = await sign_in(office.server, office.shop.account, Role.OWNER, mode=Mode.LIVE)
    overview = (await dana.get(dana.home)).body.decode()
    assert "By status" in overview
    money = await dana.get(f"{dana.home}/money")
    assert money.status == 200
    assert other.account.name not in money.body.decode()
    file = await dana.get(f"{dana.home}/money/statement.csv")
    assert file.body.decode().startswith("booked_at,")
    assert id is not None


async def test_a_long_statement_goes_on_where_a_page_ended_with_the_balances_of_there(
    office: Office,
) -> None:
    platform, account = office.server.platform, office.shop.account
    dialect = platform.dialects["entrega"]
    way = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
    moves = [Move(status, Actor.OPERATOR) for status in way]
    for _ in range(3):
        delivery = await office.shop.create()
        await advance(platform, office.shop.scope, dialect, delivery.id, moves)
    now = datetime.now(UTC)
    days = Period(now - timedelta(days=1), now + timedelta(days=1), "", "")
    page = await shown(platform, account, Mode.LIVE, days, None, most=1)
    pages = [page]
    while page.next is not None:
        page = await shown(platform, account, Mode.LIVE, days, None, page.next, most=1)
        pages.append(page)
    of_merchant = [row for one in pages for row in one.entries if row["book"] == "merchant"]
    fee = of_merchant[0]["amount"]
    assert len(pages) == 3
    assert [row["balance"] for row in of_merchant] == [fee, 2 * fee, 3 * fee]
    none = await office.owner.get(f"/office/money?account={account.name}&after=x")
    assert none.status == 404


async def test_a_transfer_is_confirmed_once_and_by_those_alone_who_may(office: Office) -> None:
    await office.shop.company("bank", capabilities=WITH_BANK)
    for _ in range(2):
        quotes = {quote.company_slug: quote for quote in await office.shop.quotes()}
        await office.shop.create(quotes["bank"], payment=BY_TRANSFER)
    listed = (await office.owner.get("/office/payments")).body.decode()
    first, second = (
        each["id"]
        for each in await tables.read(
            office.server.platform.pool,
            "deliveries",
            {"account_id": office.shop.account.id, "status": "awaiting_payment"},
        )
    )
    assert first.hex in listed
    assert second.hex in listed
    name = office.shop.account.name
    path = f"/office/payments?account={name}"
    seen = await office.support.get(path)
    assert first.hex in seen.body.decode()
    assert "/office/payments/confirm" not in seen.body.decode()
    refused = await office.support.send("/office/payments/confirm", delivery=first.hex)
    assert refused.status == 403
    one = f"/office/deliveries/{first.hex}"
    offered = (await office.support.get(one)).body.decode()
    assert re.findall(r'<option value="(\w+)"', offered) == ["cancelled"]
    for status in ("pending", "delivered"):  # which would book what nobody has seen arrive
        answer = await office.support.send(f"{one}/move", to=status)
        assert "cannot become" in (await office.support.follow(answer)).body.decode()
    for _ in range(2):  # a double click
        token = "11111111111111111111111111111111"
        answer = await office.owner.send(
            "/office/payments/confirm", delivery=first.hex, mode="live", once=token
        )
        assert answer.status == 303
    assert (await office.shop.delivery(first)).status is Status.PENDING
    assert (await office.shop.delivery(second)).status is Status.AWAITING_PAYMENT
    assert await office.acts(first) == ["payment.confirmed"]
    late = await office.owner.send("/office/payments/confirm", delivery=first.hex, mode="live")
    assert "Nothing was changed." in (await office.owner.follow(late)).body.decode()
    nobody = await office.owner.get("/office/payments?account=nobody")
    assert first.hex not in nobody.body.decode()
    assert second.hex not in nobody.body.decode()


def test_every_act_of_the_audit_has_a_name_for_people() -> None:
    assert [act for act in AuditedAct if act not in dict(act_names())] == []

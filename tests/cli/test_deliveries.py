"""What an operator sees of deliveries: all accounts', by anything, with what a courier needs."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Capabilities
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.platform import Platform
from tests.cli.stage import Command
from tests.moving import advance
from tests.rows import deliveries as delivery_rows
from tests.rows import tables
from tests.usecases.angola import ENTREGA, LUANDA, PARCEL, VIANA, Shop, angola_over, new_shop
from tests.usecases.stage import new_tenant

_CASH = Payment(PaymentMethod.COD, cash_collect=4_500)


class Stock:
    """Deliveries of three accounts."""

    def __init__(self, **named: str) -> None:
        self.ids = named

    def __getattr__(self, name: str) -> str:
        return self.ids[name]


async def _stalled(shop: Shop, delivery: Delivery) -> None:
    moves = [Move(Status.STALLED, Actor.SYSTEM, "No courier for too long")]
    await advance(shop.platform, shop.scope, ENTREGA, delivery.id, moves)


async def _made(platform: Platform) -> Stock:
    here, there = await new_shop(platform, Mode.LIVE), await new_shop(platform, Mode.LIVE)
    await here.company("fast")
    await there.company("slow", capabilities=Capabilities(require_delivery_pin=True))
    cash = await here.create(
        payment=_CASH,
        external_ref="WEB-1",
        skills=("cold box", "age check"),
        dropoff=replace(VIANA, phone="+244 923 444 555", notes="Portão azul"),
    )
    where, an_hour_ago = {"id": cash.id}, timedelta(hours=-1)
    await tables.change(platform.pool, "deliveries", where, deliver_by=an_hour_ago)
    careful, stalled = await there.create(), await there.create()
    await _stalled(there, stalled)
    kaspi = await new_tenant(platform)
    return Stock(
        here=here.account.name,
        there=there.account.name,
        cash=str(cash.id),
        reference=cash.reference or "",
        careful=str(careful.id),
        stalled=str(stalled.id),
        other=str(await kaspi.create()),
    )


@pytest.fixture
def stock(fresh_database: str) -> Stock:
    async def made() -> Stock:
        async with angola_over(fresh_database) as platform:
            return await _made(platform)

    return asyncio.run(made())


@pytest.fixture
def command(over_fresh_database: Command) -> Command:
    return partial(over_fresh_database, "deliveries")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("", "other stalled careful cash"),
        ("--limit 2", "other stalled"),
        ("--mode sandbox", "other"),
        ("--mode live", "stalled careful cash"),
        ("--account {here}", "cash"),
        ("--status pending --mode live", "careful cash"),
        ("--status pending --status stalled --account {there}", "stalled careful"),
        ("--stalled", "stalled"),
        ("--late", "cash"),
        ("--held", ""),
        ("--order WEB-1", "cash"),
        ("--order {reference} --account {here}", "cash"),
        ("--company slow", "stalled careful"),
        ("--search portão", "cash"),
        ("--search 923", "cash"),
        ("--since 1h", "other stalled careful cash"),
        ("--until 1h", ""),
        ("--kind publishable", ""),
    ],
)
def test_deliveries_of_all_accounts_are_found_by_anything(
    command: Command, stock: Stock, filters: str, found: str
) -> None:
    rows = command("list", *filters.format(**stock.ids).split(), "--json")["deliveries"]
    assert [row["uuid"] for row in rows] == [stock.ids[name] for name in found.split()]


def test_a_list_says_how_it_goes_on(command: Command, stock: Stock) -> None:
    page = command("list", "--limit", "3", "--json")
    rest = command("list", "--limit", "3", "--after", page["next"], "--json")
    assert [row["uuid"] for row in rest["deliveries"]] == [stock.cash]
    assert rest["next"] is None
    assert f"There is more: --after {page['next']}" in command("list", "--limit", "3")
    assert "--after must be" in command("list", "--after", "yesterday", code=2)


def test_a_list_says_whose_each_is_and_fits_into_a_terminal(command: Command, stock: Stock) -> None:
    lines = command("list", "--late").splitlines()
    assert f"{stock.here}/live" in lines[1]
    assert "No such deliveries" in command("list", "--order", "WEB-2")
    assert "--key needs --account" in command("list", "--key", "7f3a", code=2)


def test_what_a_courier_needs_is_shown(command: Command, stock: Stock) -> None:
    lines = command("show", stock.cash)
    for told in (
        LUANDA.address,
        VIANA.address,
        "Ana",
        "+244 923 444 555",
        "Portão azul",
        f"{PARCEL.weight_grams} g, {PARCEL.description}",
        "4500 AOA, from the recipient",
        "cold box, age check",
    ):
        assert told in lines
    shown = command("show", stock.cash, "--json")
    assert shown["dropoff"]["phone"] == "+244 923 444 555"
    assert shown["parcel"]["weight_grams"] == PARCEL.weight_grams
    assert shown["skills"] == ["cold box", "age check"]


def test_a_pin_is_shown_when_it_is_asked_for_and_the_audit_keeps_who_saw_it(
    command: Command, stock: Stock, over_fresh_database: Command
) -> None:
    assert "pin_revealed" not in command("show", stock.careful, "--json")
    pin = command("show", stock.careful, "--reveal", "--json")["pin_revealed"]
    assert len(pin) == 6
    assert pin not in command("show", stock.careful)
    assert pin in command("show", stock.careful, "--reveal")
    command("show", stock.cash, "--reveal")  # it has none, so nobody has seen one
    entries = over_fresh_database("audit", "list", "--act", "delivery.pin_revealed", "--json")
    assert [entry["object"] for entry in entries["entries"]] == [stock.careful] * 2
    assert pin not in str(entries)


def test_statuses_are_passed_only_when_that_is_said(command: Command, stock: Stock) -> None:
    told = command("advance", stock.careful, "--to", "in_transit", code=2)
    assert "it is pending, and would pass assigned, pickup_ready on its way to in_transit" in told
    assert command("show", stock.careful, "--json")["status"] == "pending"
    assert command("advance", stock.careful, "--to", "assigned", "--json")["status"] == "assigned"
    moved = command("advance", stock.careful, "--to", "out_for_delivery", "--yes", "--json")
    assert moved["status"] == "out_for_delivery"


def test_what_another_platform_complained_of_is_shown(
    command: Command, fresh_database: str
) -> None:
    async def made() -> str:
        async with angola_over(fresh_database) as platform:
            shop = await new_shop(platform, Mode.LIVE)
            await shop.company("near")
            delivery = await shop.create()
            error = "422 the quote has expired\x1b[2J"
            await delivery_rows.refuse_dispatch(platform.pool, delivery.id, error)
            return str(delivery.id)

    shown = command("show", asyncio.run(made()))
    assert "dispatch_error" in shown
    assert "422 the quote has expired\ufffd[2J" in shown

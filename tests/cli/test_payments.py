"""The commands for payments, over a database with deliveries that await them."""

import asyncio
import csv
import io
from functools import partial

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.usecases.deliveries.advance import Move
from tests.cli.stage import Command
from tests.moving import advance
from tests.usecases.angola import BY_TRANSFER, ENTREGA, WITH_BANK, angola_over, new_shop

ON_THE_WAY = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)


@pytest.fixture
def command(over_database: Command) -> Command:
    """Runs a command about payments."""
    return partial(over_database, "payments")


@pytest.fixture
def stock(postgres_dsn: str) -> tuple[str, Delivery, Delivery]:
    """An account with a live delivery whose transfer is awaited and one that was delivered."""

    async def made() -> tuple[str, Delivery, Delivery]:
        async with angola_over(postgres_dsn) as platform:
            shop = await new_shop(platform, Mode.LIVE)
            await shop.company("bank", capabilities=WITH_BANK)
            waiting = await shop.create(payment=BY_TRANSFER)
            delivered = await shop.create()
            moves = [Move(status, Actor.COURIER) for status in ON_THE_WAY]
            await advance(platform, shop.scope, ENTREGA, delivered.id, moves)
            return shop.account.name, waiting, delivered

    return asyncio.run(made())


Stock = tuple[str, Delivery, Delivery]


def test_awaited_payments_are_listed_with_what_the_transfer_must_say(
    command: Command, stock: Stock
) -> None:
    name, waiting, _ = stock
    (one,) = command("list", "--account", name, "--mode", "live", "--json")["payments"]
    assert one["delivery"] == str(waiting.id)
    assert (one["reference"], one["amount"], one["currency"]) == (waiting.reference, 1_000, "AOA")
    assert one["iban"] == "AO93999900000000000001429"
    assert waiting.reference in command("list", "--mode", "live")
    assert "No sandbox payment" in command("list", "--account", name)


@pytest.mark.parametrize("by_reference", [True, False])
def test_a_transfer_is_confirmed_by_id_or_by_its_reference(
    command: Command, stock: Stock, by_reference: bool
) -> None:
    name, waiting, _ = stock
    of = ["--account", name, "--mode", "live"]
    named = [waiting.reference or "", *of] if by_reference else [str(waiting.id)]
    paid = command("confirm", *named, "--note", "Talão 7", "--json")
    assert (paid["reference"], paid["status"]) == (waiting.reference, "pending")
    assert command("list", *of, "--json")["payments"] == []
    assert "no payment is awaited" in command("confirm", *named, code=1)


def test_a_reference_needs_an_account_that_has_it(command: Command, stock: Stock) -> None:
    name, waiting, _ = stock
    assert "--account" in command("confirm", waiting.reference or "", code=2)
    told = command("confirm", waiting.reference or "", "--account", name, code=1)
    assert "no sandbox delivery" in told


def test_a_statement_is_json_csv_or_lines(command: Command, stock: Stock) -> None:
    name, _, delivered = stock
    period = ["statement", "--account", name, "--mode", "live", "--from", "1h"]
    shown = command(*period, "--json")
    assert [entry["amount"] for entry in shown["entries"]] == [1_000, -1_000]
    assert sum(row["balance"] for row in shown["closing"]) == 0
    rows = list(csv.DictReader(io.StringIO(command(*period, "--csv"))))
    assert [row["entry"] for row in rows] == ["delivered"] * 2 + ["closing"] * 2
    lines = command(*period)
    assert delivered.reference in lines
    assert "company Bank" in lines


def test_money_is_booked_once_and_a_company_has_its_own_statement(
    command: Command, stock: Stock
) -> None:
    name = stock[0]
    of = ["--account", name, "--mode", "live"]
    paid = ["payout", *of, "--to", "company", "--company", "bank", "--amount", "400"]
    assert "paid to bank, BAI-7: booked\n" in command(*paid, "--reference", "BAI-7")
    assert "booked before" in command(*paid, "--reference", "BAI-7")
    told = command(*paid[:-1], "601", "--reference", "BAI-8", code=1)
    assert "bank is owed 600 AOA and no more: 601 cannot be paid out" in told
    got = ["settle", *of, "--from", "merchant", "--reference", "BAI-9"]
    assert command(*got, "--amount", "1000", "--json")["repeated"] is False
    assert "--company is for" in command(*got, "--amount", "1", "--company", "bank", code=2)

    shown = command("statement", *of, "--from", "1h", "--company", "bank", "--json")
    assert {entry["book"] for entry in shown["entries"]} == {"company"}
    [row] = shown["closing"]
    assert row["balance"] == -600
    rows = list(
        csv.DictReader(
            io.StringIO(command("statement", *of, "--from", "1h", "--company", "bank", "--csv"))
        )
    )
    assert [row["entry"] for row in rows] == ["delivered", "paid_out", "closing"]
    assert {row["account"] for row in rows} == {name}
    assert "BAI-7" in command("statement", *of, "--from", "1h")
    assert "say whose" in command("statement", "--from", "1h", code=2)


def test_a_statement_of_a_wrong_period_or_form_is_refused(command: Command, stock: Stock) -> None:
    of = ["statement", "--account", stock[0], "--from", "2026-03-02"]
    assert "--from is after --to" in command(*of, "--to", "2026-03-01", code=2)
    both = command(*of, "--csv", "--json", code=2)
    assert both["error"]["code"] == "usage"


def test_a_statement_of_an_unknown_account_is_refused(command: Command) -> None:
    assert "there is no account" in command(
        "statement", "--account", "nobody", "--from", "1h", code=1
    )

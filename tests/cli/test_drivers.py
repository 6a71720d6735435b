"""Drivers of an in-house company, and carriers of an account, by command."""

from uuid import uuid4

from tests.cli.stage import Command


def test_a_company_gets_drivers_who_begin_and_end_their_day(over_database: Command) -> None:
    command = over_database
    slug = f"moto-{uuid4().hex[:8]}"
    of = ("--company", slug, "--market", "ao")
    command("couriers", "create", slug, "--market", "ao", "--name", "Moto")
    assert "No drivers" in command("drivers", "list", *of)
    added = command(
        *("drivers", "add", "Zé Maria", *of, "--phone", "923 000 001", "--vehicle", "van"),
        *("--parcels", "40", "--skill", "cold", "--zone", "Luanda", "--cash-limit", "50000"),
        "--json",
    )
    assert (added["phone"], added["capacity_grams"], added["capacity_parcels"]) == (
        *("+244923000001", 900_000, 40),
    )
    again = command("drivers", "add", "Ana", *of, "--phone", "+244923000001", code=1)
    assert "another driver of the company has the phone" in again
    assert "works now" in command("drivers", "start-shift", "923000001", *of)
    shown = command("drivers", "list", *of)
    assert "+244 923 000 001" in shown
    assert "40 parcels, 900 kg" in shown
    assert "given nothing further" in command("drivers", "pause", "923000001", *of)
    assert command("drivers", "list", *of, "--json")["drivers"][0]["state"] == "paused"
    command("drivers", "resume", "923000001", *of)
    changed = command("drivers", "update", "923000001", *of, "--grams", "500000", "--json")
    assert (changed["capacity_grams"], changed["capacity_parcels"]) == (500_000, 40)
    changed = command("drivers", "update", "923000001", *of, "--vehicle", "bicycle", "--json")
    assert (changed["capacity_grams"], changed["capacity_parcels"]) == (500_000, 40), "as was said"
    assert "has ended the day" in command("drivers", "end-shift", "923000001", *of)
    assert "not on a shift" in command("drivers", "end-shift", "923000001", *of, code=1)
    nobody = command("drivers", "assign", str(uuid4()), "923000001", *of, code=1)
    assert "carries no such delivery" in nobody
    assert "no driver any more" in command("drivers", "remove", "923000001", *of)
    assert "no driver '+244923000001'" in command("drivers", "pause", "923000001", *of, code=1)
    assert "not a phone number" in command("drivers", "pause", "x", *of, code=2)


def test_an_account_gets_carriers(over_database: Command) -> None:
    command = over_database
    name, slug = f"shop-{uuid4().hex[:8]}", f"moto-{uuid4().hex[:8]}"
    command("accounts", "create", name, "--market", "KZ")
    command("couriers", "create", slug, "--market", "KZ", "--name", "Moto")
    of = ("accounts", "carriers", "--account", name)
    assert "No carriers" in command(*of)
    assert f"the cheapest that fits of {slug}" in command(*of, "--cheapest", slug)
    command(*of, "--in-order", f"{slug}, {slug}")
    assert command(*of, "--json") == {"account": name, "choice": "in_order", "companies": [slug]}
    assert "no courier company 'nobody'" in command(*of, "--cheapest", "nobody", code=1)
    assert "one of" in command(*of, "--cheapest", slug, "--none", code=2)
    assert "No carriers" in command(*of, "--none")
    command("accounts", "create", f"ao-{name}", "--market", "AO")
    command("couriers", "create", slug, "--market", "AO", "--name", "Moto")
    of = ("accounts", "carriers", "--account", f"ao-{name}")
    assert "names its company" in command(*of, "--cheapest", slug, code=1)
    assert "No carriers" in command(*of)

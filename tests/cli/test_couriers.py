"""Courier companies, trusted origins and the Entrega demo account, beside a running `up`."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stage import END_SECONDS, Command, Up
from tests.patience import await_until

_ROUTE = {
    "origin": {"address_line": "Rua 21 de Janeiro", "city": "Luanda", "province": "Luanda"},
    "destination": {"address_line": "Rua Marien Nguabi", "city": "Luanda", "province": "Luanda"},
    "parcel": {"weight_grams": 1200},
}
_OPEN = ("--hours", "always")


def _quotes(up: Up) -> dict[str, dict[str, Any]]:
    """The quotes of a route for the demo account, by company."""
    request = urllib.request.Request(
        f"{up.demo['base_url']}/v1/quotes",
        json.dumps(_ROUTE).encode(),
        {"Authorization": f"Bearer {up.demo['accounts']['entrega']['secret_key']}"},
    )
    with urllib.request.urlopen(request, timeout=END_SECONDS) as answer:
        return {quote["company_slug"]: quote for quote in json.load(answer)["data"]}


def _await_quotes(up: Up, company: str, *, fee: int | None) -> None:
    """Waits until a company quotes the fee, in kwanza; None: until it does not quote at all.

    What a command has changed, a server hears of a moment after the command has ended.
    """
    await_until(lambda: _quotes(up).get(company, {}).get("fee_aoa") == fee)


def test_demo_account_has_both_keys_and_three_companies(up: Up, command: Command) -> None:
    demo = up.demo["accounts"]["entrega"]
    assert set(demo) == {"secret_key", "publishable_key", "webhook_secret"}
    assert demo["secret_key"].startswith("sk_test_")
    assert demo["publishable_key"].startswith("pk_test_")
    found = command("couriers", "list", "--market", "ao", "--json")["couriers"]
    assert {"kianda-expresso", "zango-entregas", "kwanza-cargas"} <= {one["slug"] for one in found}
    shown = command("couriers", "list").splitlines()
    assert any({"kianda-expresso", "entrega", "inhouse"} <= set(line.split()) for line in shown)


def test_company_is_created_changed_and_asked_as_it_is(up: Up, command: Command) -> None:
    made = command(
        *("couriers", "create", "maria-moto", "--market", "ao", "--name", "Maria Moto"),
        *("--zone", "Luanda", "--zone", "Bengo", "--base-fee", "900", "--base-eta", "30"),
        *("--margin-percent", "10", "--margin-fixed", "5", "--pin", "--max-weight", "5000"),
        *("--parcel-types", "small", *_OPEN, "--json"),
    )
    assert made["service_zones"] == ["Luanda", "Bengo"]
    assert (made["hours"], made["parcel_types"], made["active"]) == ("always", ["small"], True)
    _await_quotes(up, "maria-moto", fee=995)
    quote = _quotes(up)["maria-moto"]
    assert quote["eta_minutes"] == 30
    assert quote["require_delivery_pin"] is True
    changed = command(
        *("couriers", "update", "maria-moto", "--market", "AO", "--base-fee", "1000", "--no-pin"),
        *("--margin-percent", "0", "--phone", "923 000 001", "--json"),
    )
    assert (changed["base_fee"], changed["max_weight_grams"]) == (1000, 5000)
    assert changed["phone"] == "+244923000001"
    _await_quotes(up, "maria-moto", fee=1005)
    assert (
        command("couriers", "deactivate", "maria-moto", "--market", "AO", "--json")["active"]
        is False
    )
    _await_quotes(up, "maria-moto", fee=None)
    assert "active" in command("couriers", "activate", "maria-moto", "--market", "AO")
    _await_quotes(up, "maria-moto", fee=1005)


def test_price_list_of_a_company_goes_out_and_in_again(
    up: Up, command: Command, tmp_path: Path
) -> None:
    which = ("zango-entregas", "--market", "AO", "--account", "entrega")
    csv = command("couriers", "tariffs", *which)
    assert csv.startswith("origin,destination,")
    file = tmp_path / "zango.csv"
    file.write_text(csv.replace(",1800,", ",1700,"), "utf-8")
    told = command("couriers", "tariffs", *which, "--import", str(file))
    assert told.startswith(f"zango-entregas has {len(csv.splitlines()) - 1} tariffs now")
    _await_quotes(up, "zango-entregas", fee=1700)
    assert command("couriers", "tariffs", *which, "--json")["csv"].strip() == (
        file.read_text("utf-8").strip()
    )


def test_price_list_is_read_from_stdin_too(command: Command) -> None:
    which = ("kwanza-cargas", "--market", "AO", "--account", "entrega")
    csv = command("couriers", "tariffs", *which)
    told = command("couriers", "tariffs", *which, "--import", "-", stdin=csv)
    assert told.startswith(f"kwanza-cargas has {len(csv.splitlines()) - 1} tariffs now")


def test_price_list_with_mistakes_changes_nothing(command: Command, tmp_path: Path) -> None:
    which = ("zango-entregas", "--market", "AO", "--account", "entrega")
    before = command("couriers", "tariffs", *which)
    file = tmp_path / "zango.csv"
    file.write_text(before.replace("same", "atlantis", 1), "utf-8")
    told = command("couriers", "tariffs", *which, "--import", str(file), code=1)
    assert "nothing was changed" in told
    assert command("couriers", "tariffs", *which) == before


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("update", "nobody", "--market", "AO"), 1, "there is no courier company 'nobody'"),
        (
            ("update", "zango-entregas", "--market", "AO"),
            1,
            "only for one alone: name it",
        ),
        (("create", "x y", "--market", "AO"), 1, "lower-case letters, digits and -"),
        (("create", "x", "--market", "XX"), 2, "there is no market 'XX'"),
        (("create", "x", "--market", "AO", "--hours", "mondays"), 2, "are no hours"),
        (("create", "x", "--market", "AO", "--hours", "mon 25:00-26:00"), 2, "are no hours"),
        (("create", "x", "--market", "AO", "--margin-percent", "a"), 2, "is not a percentage"),
        (("create", "x", "--market", "AO", "--phone", "12"), 2, "is not a phone number"),
        (("create", "x", "--market", "AO", "--margin-percent", "-1"), 1, "must not be negative"),
        (("create", "x", "--market", "AO", "--transfers"), 1, "bank transfers need"),
        (("create", "x", "--market", "AO", "--parcel-types", "huge"), 1, "unknown parcel types"),
        (("create", "x", "--market", "AO", "--account", "nobody"), 1, "there is no account"),
        (("tariffs", "x", "--market", "AO", "--import", "/nowhere"), 2, "cannot be read"),
    ],
)
def test_mistakes_are_told_in_a_line(
    command: Command, arguments: tuple[str, ...], code: int, told: str
) -> None:
    printed = command("couriers", *arguments, code=code)
    assert told in printed
    assert printed.startswith("error: ")


def test_origins_are_set_shown_and_taken_back(up: Up, command: Command) -> None:
    which = ("accounts", "origins", "--account", "entrega")
    assert "http://localhost:3000" in command(*which)
    patterns = "https://loja.ao, https://*.loja.ao"
    assert command(*which, "--set", patterns, "--json")["origins"] == [
        "https://loja.ao",
        "https://*.loja.ao",
    ]
    assert command(*which) == "https://loja.ao\nhttps://*.loja.ao\n"
    told = command(*which, "--set", "https://loja.ao/checkout", code=1)
    assert "must be a scheme, a host and perhaps a port" in told
    assert command(*which, "--set", "") == "No origins: publishable keys open nothing\n"


def test_account_without_keys_for_pages_has_no_origins(command: Command) -> None:
    which = ("accounts", "origins", "--account", "kaspi")
    told = command(*which, "--set", "https://loja.ao", code=1)
    assert "accounts that speak kaspi have no keys for web pages" in told


def test_a_companys_dispatching_is_shown_and_changed_within_bounds(
    up: Up, command: Command
) -> None:
    command("couriers", "create", "despacho", "--market", "ao", *_OPEN)
    of = ("couriers", "dispatching", "despacho", "--market", "ao")
    assert command(*of, "--json")["automatic"] is False
    changed = command(*of, "--automatic", "--offer-seconds", "60", "--rounds", "3", "--json")
    assert (changed["automatic"], changed["offer_seconds"], changed["rounds"]) == (True, 60, 3)
    shown = dict(line.rsplit("  ", 1) for line in command(*of, "--by-hand").splitlines())
    assert {name.strip(): value for name, value in shown.items()} == {
        "automatic": "no, by hand",
        "offer seconds": "60",
        "rounds": "3",
        "most each": "4",
        "vanish minutes": "15",
    }
    refused = command(*of, "--rounds", "0", code=2)
    assert "rounds is 0, and has to be from 1 to 50" in refused

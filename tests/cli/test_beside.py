"""Commands beside a running `up`, which they find through its data folder."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from estafette.app import RECORDS
from estafette.cli.banner import Terminal
from estafette.settings.problems import load
from estafette.up.supervisor import Ready
from estafette.usecases.accounts.secrets import new_cipher_key
from tests.cli.orders import order, order_by_page
from tests.cli.stage import Command, Up


def test_an_account_is_created_listed_and_bounded(command: Command) -> None:
    made = command("accounts", "create", "shop", "--market", "kz", "--json")
    assert [key["key"][:8] for key in made["keys"]] == ["kd_live_", "kd_test_"]
    assert command("accounts", "set-rate", "shop", "7", "--json")["burst"] == 14
    listed = {
        account["name"]: account for account in command("accounts", "list", "--json")["accounts"]
    }
    assert listed["shop"]["rate_per_second"] == 7
    assert "shop" in command("accounts", "list")


def test_a_taken_name_is_refused_in_one_line(command: Command) -> None:
    told = command("accounts", "create", "kaspi", "--market", "KZ", code=1)
    assert told == "error: there is an account 'kaspi' already\n"


def test_a_key_is_created_rotated_disabled_enabled_and_revoked(command: Command) -> None:
    made = command("keys", "create", "--account", "kaspi", "--json")
    new = command("keys", "rotate", made["id"], "--account", "kaspi", "--overlap", "1h", "--json")
    assert command("keys", "disable", new["hint"], "--account", "kaspi", "--json")["state"] == (
        "disabled"
    )
    assert command("keys", "enable", new["id"], "--account", "kaspi", "--json")["state"] == "active"
    command("keys", "disable", new["id"], "--account", "kaspi")
    command("keys", "revoke", "-", "--account", "kaspi", stdin=f"{made['key']}\n")
    states = {
        key["id"]: key["state"]
        for key in command("keys", "list", "--account", "kaspi", "--json")["keys"]
    }
    assert (states[made["id"]], states[new["id"]]) == ("ended", "disabled")
    assert made["key"] not in command("keys", "list", "--account", "kaspi")


@pytest.mark.parametrize("what", ["update", "rotate", "disable", "enable", "revoke", "limits"])
def test_a_whole_key_is_not_taken_on_a_command_line(command: Command, what: str) -> None:
    made = command("keys", "create", "--account", "kaspi", "--json")
    told = command("keys", what, made["key"], "--account", "kaspi", code=2)
    assert told.startswith("error: a key is not taken on a command line")
    assert made["key"] not in told
    known = command("keys", "list", "--account", "kaspi", "--json")["keys"]
    assert {key["state"] for key in known if key["id"] == made["id"]} == {"active"}


def test_a_key_has_a_name_a_scope_networks_and_an_end_which_the_list_shows(
    command: Command,
) -> None:
    made = command(
        "keys", "create", "--account", "kaspi", "--name", "Warehouse", "--scope", "no-cancel",
        "--allow", "203.0.113.0/24,2001:db8::/32", "--expires", "90d", "--json",
    )  # fmt: skip
    assert (made["name"], made["scope"]) == ("Warehouse", "no-cancel")
    assert made["networks"] == ["203.0.113.0/24", "2001:db8::/32"]
    new = command("keys", "rotate", made["id"], "--account", "kaspi", "--json")
    assert [new[name] for name in ("name", "scope", "networks", "expires_at")] == [
        made[name] for name in ("name", "scope", "networks", "expires_at")
    ]
    command(
        "keys", "update", new["id"], "--account", "kaspi", "--scope", "read,quote",
        "--allow", "anywhere", "--expires", "never",
    )  # fmt: skip
    shown = next(
        line
        for line in command("keys", "list", "--account", "kaspi").splitlines()
        if new["id"] in line
    )
    for part in ("Warehouse", "read,quote", "anywhere", "never"):
        assert part in shown


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--scope", "everything", "is no scope"),
        ("--allow", "203.0.113.9/24", "203.0.113.0/24 may be meant"),
        ("--expires", "soon", "nor a duration"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_what_can(
    command: Command, option: str, value: str, told: str
) -> None:
    error = command("keys", "create", "--account", "kaspi", option, value, code=2)
    assert told in error


def test_a_publishable_key_is_limited_and_what_its_pages_order_is_confirmed(
    up: Up, command: Command
) -> None:
    key = up.demo["accounts"]["entrega"]["publishable_key"]
    account = ("--account", "entrega")
    shown = command(
        "keys", "limits", key[-4:], *account, "--pickup", "Rua 1; Luanda; Luanda", "--pickup",
        "*; Viana; Luanda", "--methods", "prepaid,cod", "--max-cash", "5000", "--hold", "--json",
    )  # fmt: skip
    assert shown["pickups"] == ["Rua 1; Luanda; Luanda", "*; Viana; Luanda"]
    assert (shown["methods"], shown["max_cash"], shown["held"]) == (["prepaid", "cod"], 5000, True)
    assert command("keys", "limits", key[-4:], *account, "--json") == shown
    told = command("keys", "limits", key[-4:], *account, "--pickup", "Luanda", code=2)
    assert "is no place such as" in told
    ordered = order_by_page(up)
    listed = command("deliveries", "list", *account, "--held", "--json")["deliveries"]
    assert [(one["id"], one["held"], one["key"]["hint"]) for one in listed] == [
        (ordered, True, key[-4:])
    ]
    assert f"publishable …{key[-4:]}" in command("deliveries", "show", ordered)
    by_pages = command("deliveries", "list", *account, "--kind", "publishable", "--json")
    assert [one["id"] for one in by_pages["deliveries"]] == [ordered]
    by_servers = command("deliveries", "list", *account, "--kind", "secret", "--json")
    assert by_servers["deliveries"] == []
    assert command("deliveries", "confirm", ordered, "--json")["status"] == "pending"
    assert "waits for no confirmation" in command("deliveries", "confirm", ordered, code=1)
    command("keys", "limits", key[-4:], *account, "--pickup", "anywhere", "--no-hold")


def test_a_pin_is_not_taken_on_a_command_line(command: Command) -> None:
    id = "00000000-0000-7000-8000-000000000000"
    told = command("deliveries", "advance", id, "--to", "delivered", "--pin", "123456", code=2)
    assert told.startswith("error: a PIN is not taken on a command line")
    assert "123456" not in told


def test_another_secret_key_is_told(
    up: Up, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = json.loads((up.data_dir / "run.json").read_text("utf-8"))
    monkeypatch.setenv("DATABASE_URL", running["dsn"])
    monkeypatch.setenv("ESTAFETTE_SECRET_KEY", new_cipher_key())
    told = command("webhooks", "show", "--account", "kaspi", code=2)
    assert told.startswith("error: a stored secret cannot be read with this secret key")


def test_a_note_cannot_steer_the_terminal(up: Up, command: Command) -> None:
    note = "\x1b[2J\u202etneg\r"
    delivery = order(up, "ORD-N")
    moved = command("deliveries", "advance", delivery, "--note", note, "--json")
    assert moved["history"][-1]["note"] == note
    assert "\ufffd[2J\ufffdtneg\ufffd" in command("deliveries", "show", delivery)


def test_a_delivery_is_shown_and_advanced_by_either_id(up: Up, command: Command) -> None:
    shown_id = order(up, "ORD-D")
    shown = command("deliveries", "show", shown_id, "--json")
    assert (shown["id"], shown["status"], shown["external_ref"]) == (shown_id, "pending", "ORD-D")
    moved = command("deliveries", "advance", shown["uuid"], "--note", "by hand", "--json")
    assert moved["status"] == "assigned"
    assert moved["history"][-1]["note"] == "by hand"
    onwards = ("deliveries", "advance", shown_id, "--to", "delivered")
    told = command(*onwards, code=2)
    assert "it is assigned, and would pass pickup_ready, in_transit, out_for_delivery" in told
    assert command("deliveries", "show", shown_id, "--json")["status"] == "assigned"
    moved = command(*onwards, "--yes", "--json")
    assert moved["status"] == "delivered"
    told = command("deliveries", "advance", shown_id, "--to", "pending", code=1)
    assert told == "error: a delivery that is delivered cannot become pending\n"
    assert shown_id in command("deliveries", "list", "--account", "kaspi")


def test_an_unknown_delivery_is_told(command: Command) -> None:
    unknown = "dlv_" + "a" * 26
    assert "no such delivery" in command("deliveries", "show", unknown, code=1)
    assert "is not the id of a delivery" in command("deliveries", "show", "dlv_1", code=2)


def test_a_price_list_goes_out_and_in_again(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "kz.csv"
    command("tariffs", "export", str(file), "--market", "KZ")
    text = file.read_text("utf-8")
    assert text.startswith("origin,destination,")
    file.write_text(text.replace(",990,", ",991,"), "utf-8")
    imported = command("tariffs", "import", str(file), "--market", "KZ", "--json")
    assert imported["tariffs"] == len(text.splitlines()) - 1
    assert command("tariffs", "export", "--market", "KZ").strip() == file.read_text("utf-8").strip()


def test_a_price_list_with_mistakes_changes_nothing_and_names_them(
    command: Command, tmp_path: Path
) -> None:
    before = command("tariffs", "export", "--market", "KZ")
    file = tmp_path / "kz.csv"
    file.write_text(before.replace("almaty", "atlantis"), "utf-8")
    told = command("tariffs", "import", str(file), "--market", "KZ", code=1)
    assert "line 2: origin: no city has the code 'atlantis'" in told
    assert command("tariffs", "export", "--market", "KZ") == before


def test_the_doctor_finds_nothing_wrong_and_then_an_endpoint_out_of_bounds(
    command: Command,
) -> None:
    found = {f["about"]: f["verdict"] for f in command("doctor", "--json")["findings"]}
    assert found.keys() >= {"settings", "disk", "database", "schema", "clock", "public URL"}
    assert set(found.values()) == {"ok"}
    set_ = ("webhooks", "set", "--account", "kaspi", "--url")
    for place, why in {
        "10.0.0.1": "destination address is not allowed (private network)",
        "169.254.169.254": "destination address is not allowed (link-local)",
        "192.168.1.1": "destination address is not allowed (private network)",
        "nowhere.invalid": "the name is not known",
    }.items():
        warned = command(*set_, f"http://{place}/hook", remarks=True)
        assert f"warning: no webhook will be sent to http://{place}/hook: {why}" in warned
    assert "warning" not in command(*set_, "http://127.0.0.1:9/hook", remarks=True)
    command(*set_, "http://10.0.0.1/hook")
    told = command("doctor", "--json", code=1)["findings"]
    problem = next(finding for finding in told if finding["verdict"] == "problem")
    assert "destination address is not allowed (private network)" in problem["text"]
    assert "ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS" in problem["advice"]
    command("webhooks", "set", "--account", "kaspi", "--url", "")


def test_the_calls_that_the_banner_shows_run_as_they_stand_and_twice(
    up: Up, capsys: pytest.CaptureFixture[str]
) -> None:
    url, accounts = up.demo["base_url"], up.demo["accounts"]
    Terminal(load()).ready(Ready(url, url, accounts, up.data_dir, True, True, 1.0))
    shown = capsys.readouterr().out
    docs = [one.introduction.docs_url(url) for one in RECORDS]
    keys = [key for account in accounts.values() for key in account.values()]
    for part in (url, *keys, "loopback"):
        assert part in shown
    assert sum(page in shown for page in docs) == len(accounts)
    calls = ["curl -sS " + call.partition("\n\n")[0] for call in shown.split("curl ")[1:]]
    answers = dict(zip(accounts, ((_run(call), _run(call)) for call in calls), strict=True))
    assert answers["kaspi"][0]["status"] == "created"
    assert answers["kaspi"][0] == answers["kaspi"][1]
    assert all(quoted["data"] for quoted in answers["entrega"])


def _run(call: str) -> Any:
    """What a pasted call prints."""
    return json.loads(subprocess.run(["bash", "-c", call], capture_output=True, check=True).stdout)


def test_the_banner_tells_commands_where_this_run_is(
    up: Up, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, accounts = up.demo["base_url"], up.demo["accounts"]
    monkeypatch.setattr(sys, "argv", [".venv/bin/estafette", "up"])
    terminal = Terminal(load(data_dir=up.data_dir))
    terminal.ready(Ready(url, url, accounts, up.data_dir, True, True, 1.0))
    shown = capsys.readouterr().out
    assert f"ESTAFETTE_DATA_DIR={up.data_dir} .venv/bin/estafette webhooks set" in shown


def test_migrating_again_does_nothing(command: Command) -> None:
    assert command("migrate", "--json") == {"done": []}

"""Every command that writes leaves an entry in the audit, and `audit list` shows it."""

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest

from estafette.cli.commands import COMMANDS, GROUPS, run
from estafette.cli.session import system_user
from estafette.core.accounts.account import Mode
from estafette.core.accounts.page_limits import PageLimits
from estafette.core.accounts.page_orders import OrderingPage
from estafette.core.audit import By
from estafette.core.ids import new_id
from estafette.usecases.money.handovers import declare_handover
from tests.cli.stage import Command
from tests.rows import tables
from tests.usecases.angola import BY_TRANSFER, VIANA, WITH_BANK, angola_over, new_shop
from tests.usecases.money.cash_stage import cash_stage
from tests.usecases.people.people import account, new_person

# What these do is no act: they look, run processes, print, or bring the database to a version.
READING = {
    "accounts list",
    "audit list",
    "audit show",
    "cash handovers",
    "cash list",
    "cash statement",
    "couriers list",
    "deliveries list",
    "deliveries show",
    "doctor",
    "drivers list",
    "keys list",
    "listen",
    "migrate",
    "operator-keys list",
    "payments list",
    "payments statement",
    "people list",
    "secret-key",
    "serve",
    "tariffs export",
    "up",
    "webhooks attempts",
    "worker",
}


# These are tried in test_refused_start.py, and in tests of the carriers.
ELSEWHERE = {"secret-key accept", "deliveries carry"}


@dataclass
class Stage:
    """A database, and what the commands need to work on."""

    dsn: str
    run: Callable[..., Any]
    account: str = ""
    awaiting: str = ""
    delivery: str = ""
    held: str = ""
    person: str = ""
    cash_company: str = ""
    driver: str = ""
    collected: str = ""


@pytest.fixture
def stage(fresh_database: str, over_fresh_database: Command) -> Stage:
    """An account with a live delivery whose transfer is awaited, one to move, and a held one."""

    def call(*arguments: str, stdin: str = "") -> Any:
        return over_fresh_database(*arguments, "--json", stdin=stdin)

    stage = Stage(fresh_database, call)

    async def made() -> None:
        async with angola_over(fresh_database) as platform:
            shop = await new_shop(platform, Mode.LIVE)
            await shop.company("bank", capabilities=WITH_BANK)
            stage.account = shop.account.name
            stage.awaiting = str((await shop.create(payment=BY_TRANSFER)).id)
            stage.delivery = str((await shop.create()).id)
            other = await new_shop(platform, Mode.LIVE)
            cash = await cash_stage(other, account_id=other.account.id)
            counted, driver = await cash.driver("Kiala"), await cash.driver("Ana")
            await cash.delivered(counted, 7_500)
            stage.collected = str((await cash.delivered(driver, 2_500)).id)
            stage.cash_company, stage.driver = cash.company.slug, str(driver.id)
            cashier = platform.acting(By.command("cashier"))
            await declare_handover(cashier, cash.company.id, counted.id, 7_500)
            page = OrderingPage(new_id(), PageLimits(held=True), b"")
            known = replace(VIANA, phone="923 444 555", phone_e164="+244923444555")
            somebody = await new_person(platform, account(shop.account.id))
            stage.person = somebody.person.email
            stage.held = str((await shop.create(page=page, dropoff=known)).id)

    asyncio.run(made())
    return stage


def _commands() -> set[str]:
    """Every command that there is, by its full name."""
    found = set(COMMANDS)
    for group in (*GROUPS, "secret-key"):
        app = importlib.import_module(f"estafette.cli.{group.replace('-', '_')}").app
        found |= {f"{group} {name}" for name in app if name[0] != "-"}
    return found


def _script(stage: Stage) -> dict[str, tuple[str, list[str], str]]:
    """For each writing command its act, arguments and standard input, in an order that works."""
    of = ["--account", stage.account, "--mode", "live"]
    ao = ["--market", "AO"]
    bank = ["--company", "bank"]
    money, back = (["--amount", "9", "--reference", name] for name in ("R-1", "R-2"))
    key = stage.run("keys", "create", "--account", stage.account, "--mode", "live")["id"]
    other = stage.run("keys", "create", "--account", stage.account, "--mode", "live")["id"]
    page = stage.run("keys", "create", "--account", stage.account, "--kind", "publishable")["id"]
    program = stage.run("operator-keys", "create")["id"]
    guest = "guest@shop.example"
    cash = ["--company", stage.cash_company]
    stage.run("accounts", "create", "kz", "--market", "KZ")
    stage.run("couriers", "create", "moto", "--market", "KZ", "--base-fee", "9", "--base-eta", "9")
    fleet = [*bank, *ao, "--account", stage.account]
    phone = ["923000001", *fleet]
    return {
        "people invite": ("invitation.created", [guest], ""),
        "people withdraw": ("invitation.withdrawn", [guest], ""),
        "people disable": ("person.disabled", [stage.person], ""),
        "people enable": ("person.enabled", [stage.person], ""),
        "people reset": ("person.reset", [stage.person], ""),
        "operator-keys create": ("operator_key.created", ["--name", "billing"], ""),
        "operator-keys update": ("operator_key.changed", [program, "--name", "ERP"], ""),
        "operator-keys disable": ("operator_key.disabled", [program], ""),
        "operator-keys enable": ("operator_key.enabled", [program], ""),
        "operator-keys rotate": ("operator_key.rotated", [program], ""),
        "operator-keys revoke": ("operator_key.revoked", [program], ""),
        "accounts create": ("account.created", ["audited", *ao], ""),
        "accounts set-rate": ("account.changed", [stage.account, "7"], ""),
        "accounts keep": ("account.changed", [stage.account, "--days", "30"], ""),
        "privacy export": ("privacy.exported", ["--phone", "+244923444555"], ""),
        "privacy erase": ("privacy.erased", ["--phone", "+244923444555", "--yes"], ""),
        "accounts origins": (
            "account.changed",
            ["--account", stage.account, "--set", "https://loja.ao"],
            "",
        ),
        "accounts failing": (
            "account.changed",
            ["--account", stage.account, "--attempts", "2", "--then", "return"],
            "",
        ),
        "accounts disable": ("account.disabled", [stage.account], ""),
        "accounts enable": ("account.enabled", [stage.account], ""),
        "keys create": ("key.created", of, ""),
        "keys rotate": ("key.rotated", [key, "--account", stage.account], ""),
        "keys update": ("key.changed", [other, "--account", stage.account, "--name", "ERP"], ""),
        "keys limits": ("key.changed", [page, "--account", stage.account, "--hold"], ""),
        "keys disable": ("key.disabled", [other, "--account", stage.account], ""),
        "keys enable": ("key.enabled", [other, "--account", stage.account], ""),
        "keys revoke": ("key.revoked", [other, "--account", stage.account], ""),
        "webhooks set": ("endpoint.created", [*of, "--url", "https://a.example/x"], ""),
        "webhooks rotate": ("endpoint.rotated", of, ""),
        "webhooks finish-rotation": ("endpoint.rotation_finished", of, ""),
        "webhooks show": ("endpoint.revealed", ["--account", stage.account, "--reveal"], ""),
        "webhooks disable": ("endpoint.disabled", of, ""),
        "webhooks enable": ("endpoint.enabled", of, ""),
        "webhooks headers": (
            "endpoint.changed",
            [*of, "--set", "X-Api-Key", "--value", "-"],
            "gateway-secret",
        ),
        "webhooks test": ("webhooks.tested", of, ""),
        "webhooks resend": ("webhooks.resent", [*of, "--since", "1h"], ""),
        "webhooks remove": ("endpoint.removed", of, ""),
        "tariffs import": ("tariffs.replaced", ["-", "--market", "KZ"], _TARIFFS),
        "couriers create": ("company.created", ["far", *ao, "--connector", "remote"], ""),
        "couriers update": ("company.changed", ["far", *ao, "--margin-fixed", "5"], ""),
        "couriers deactivate": ("company.changed", ["far", *ao], ""),
        "couriers activate": ("company.changed", ["far", *ao], ""),
        "couriers tariffs": ("tariffs.replaced", ["far", *ao, "--import", "-"], _TARIFFS),
        "couriers connect": (
            "company.connected",
            ["far", *ao, "--url", "https://far.invalid", "--secrets", "-"],
            "live_key=sk_live_abc",
        ),
        "couriers dispatching": (
            "company.changed",
            ["bank", *ao, "--account", stage.account, "--automatic"],
            "",
        ),
        "couriers disconnect": ("company.disconnected", ["far", *ao], ""),
        "accounts carriers": ("carriers.changed", ["--account", "kz", "--cheapest", "moto"], ""),
        "drivers add": ("driver.added", ["Ana", *fleet, "--phone", "923 000 001"], ""),
        "drivers update": ("driver.changed", [*phone, "--parcels", "7"], ""),
        "drivers pause": ("driver.changed", phone, ""),
        "drivers resume": ("driver.changed", phone, ""),
        "drivers start-shift": ("shift.started", phone, ""),
        "drivers assign": ("delivery.assigned", [stage.delivery, *phone], ""),
        "drivers take-back": ("delivery.taken_back", [stage.delivery, *fleet], ""),
        "drivers end-shift": ("shift.ended", phone, ""),
        "drivers remove": ("driver.removed", phone, ""),
        "cash declare": (
            "handover.declared",
            [*cash, "--driver", stage.driver, "--amount", "2500"],
            "",
        ),
        "cash withdraw": ("handover.withdrawn", ["H-00002", *cash], ""),
        "cash count": ("handover.counted", ["H-00001", *cash, "--counted", "7500"], ""),
        "cash reverse": ("handover.reversed", ["H-00001", *cash, "--reason", "a slip"], ""),
        "cash reverse-collection": (
            "collection.reversed",
            [stage.collected, "--reason", "not paid"],
            "",
        ),
        "deliveries unlock-pin": ("delivery.pin_unlocked", [stage.delivery], ""),
        "deliveries advance": (
            "delivery.moved",
            [stage.delivery, "--to", "delivered", "--yes", "--note", "left with Dana"],
            "",
        ),
        "payments settle": ("payment.settled", [*of, *money, "--from", "merchant"], ""),
        "payments payout": ("payment.paid_out", [*of, *back, "--to", "company", *bank], ""),
        "payments confirm": ("payment.confirmed", [stage.awaiting], ""),
        "deliveries confirm": ("delivery.released", [stage.held], ""),
        "secret-key rotate": ("secret_key.rotated", [], ""),
        "accounts remove": ("account.removed", ["audited", "--yes"], ""),
    }


_TARIFFS = """\
origin,destination,up_to_km,up_to_grams,fee,pickup_within,delivery_within
*,*,,10000,1000,30m,1h
"""


def _newest(dsn: str) -> dict[str, Any]:
    async def read() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(dsn)
        try:
            return await tables.read(connection, "audit", order="at, id")
        finally:
            await connection.close()

    entries = asyncio.run(read())
    return dict(entries[-1]) if entries else {}


def test_every_command_that_writes_leaves_an_entry_of_who_ran_it(stage: Stage) -> None:
    script = _script(stage)
    missing = _commands() - READING - set(script) - ELSEWHERE
    assert not missing, f"neither known to only read nor tried here: {sorted(missing)}"
    for name, (act, arguments, stdin) in script.items():
        before = _newest(stage.dsn).get("id")
        stage.run(*name.split(), *arguments, stdin=stdin)
        entry = _newest(stage.dsn)
        assert entry["id"] != before, f"`{name}` left no entry"
        assert entry["act"] == act, name
        assert (entry["by_kind"], entry["by_name"]) == ("command", system_user()), name
        for option in {"--reason", "--note"} & {*arguments}:  # nothing erases words from an entry
            assert arguments[arguments.index(option) + 1] not in str(entry), name


def test_the_audit_is_listed_filtered_and_paged(stage: Stage) -> None:
    stage.run("accounts", "set-rate", stage.account, "7")
    stage.run("deliveries", "advance", stage.delivery, "--to", "assigned")
    of = ["audit", "list", "--account", stage.account]
    (moved,) = stage.run(*of, "--act", "delivery")["entries"]
    assert moved["act"] == "delivery.moved"
    assert moved["object"] == stage.delivery
    assert moved["by"] == {"kind": "command", "name": system_user(), "address": None}
    assert moved["changes"] == {"status": ["pending", "assigned"]}
    assert (moved["account"], moved["mode"]) == (stage.account, "live")
    page = stage.run(*of, "--limit", "1")
    assert page["entries"] == [moved]
    rest = stage.run(*of, "--limit", "1", "--after", page["next"])
    assert rest["entries"][0]["act"] == "account.changed"
    assert stage.run(*of, "--by", "nobody")["entries"] == []
    assert stage.run(*of, "--object", stage.delivery)["entries"] == [moved]
    assert stage.run(*of, "--until", "1h")["entries"] == []


@pytest.mark.parametrize(
    "wrong", [["--act", "nonsense"], ["--after", "x"], ["--limit", "0"], ["--since", "soon"]]
)
def test_a_wrong_question_to_the_audit_is_explained(
    stage: Stage, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", "list", *wrong]) == 2
    assert wrong[0].strip("-") in capsys.readouterr().err.replace("'soon'", "since")

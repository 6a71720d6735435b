"""`estafette cash`, as docs/cash.md says it: what is printed there is run here."""

import asyncio
import re
from functools import partial
from pathlib import Path
from shlex import split
from typing import Any

import pytest

from estafette.core.audit import By
from estafette.usecases.money.handovers import confirm_handover
from tests.cli.stage import Command
from tests.rows import tables
from tests.usecases.angola import angola_over, new_shop
from tests.usecases.money.cash_stage import cash_stage

DOCUMENT = Path(__file__).parents[2] / "docs" / "cash.md"


@pytest.fixture
def command(over_database: Command) -> Command:
    return partial(over_database, "cash")


@pytest.fixture
def names(postgres_dsn: str) -> dict[str, str]:
    """A company whose driver has 10,000, and what the document calls them."""

    async def made() -> dict[str, str]:
        async with angola_over(postgres_dsn) as platform:
            shop = await new_shop(platform)
            stage = await cash_stage(shop, account_id=shop.account.id)
            driver = await stage.driver("Kiala\x1b[2J")
            delivery = await stage.delivered(driver, 7_500)
            await stage.delivered(driver, 2_500)
            return {
                "rapida": stage.company.slug,
                "loja": shop.account.name,
                "$DRIVER": str(driver.id),
                "$DELIVERY": str(delivery.id),
            }

    return asyncio.run(made())


def test_each_step_of_the_document_works_as_it_says(
    over_database: Command, postgres_dsn: str, names: dict[str, str]
) -> None:
    text = DOCUMENT.read_text()
    lines = re.findall(r"^ *(estafette .*)$|`(estafette [^`]+)`", text, re.MULTILINE)
    said = dict.fromkeys(one or other for one, other in lines)
    done: list[str] = []

    def run(line: str, code: int = 0) -> Any:
        for name, value in names.items():
            line = line.replace(name, value)
        words = split(line.partition(" > ")[0])[1:]
        return over_database(*words, code=code)

    async def count_by_another() -> None:
        async with angola_over(postgres_dsn) as platform:
            [row] = await tables.read(
                platform.pool, "cash_handovers", {"state": "declared", "declared": 7_500}
            )
            cashier = platform.acting(By.command("cashier"))
            await confirm_handover(cashier, row["company_id"], row["id"], 7_400, "torn")

    printed: dict[str, str] = {}
    for line in said:
        if line.startswith("estafette cash withdraw"):
            refused = run(line, code=1)
            assert "was counted already" in refused
        elif line.startswith("estafette cash count"):
            assert "somebody else has to count it" in run(line, code=1)
            asyncio.run(count_by_another())
        else:
            printed[line] = run(line)
        done.append(line.split()[2])
    assert {"list", "declare", "count", "reverse", "reverse-collection", "statement"} <= {*done}
    of_driver = next(out for line, out in printed.items() if "cash list" in line and "rap" in line)
    assert "10000" in of_driver
    assert "\x1b[2J" not in of_driver
    shown = next(out for line, out in printed.items() if "cash statement" in line)
    assert re.search(r"handed_over\s+-7,500\s+2,500", shown)
    assert re.search(r"In hand at the end.*\s2,500", shown)


def test_who_is_meant_must_be_known(command: Command, names: dict[str, str]) -> None:
    company = ("--company", names["rapida"])
    assert "no company is called" in command("list", "--company", "nobody", code=2)
    unknown = ("count", "H-99999", *company, "--counted", "1")
    assert "no such handover" in command(*unknown, code=1)
    nobody = ("declare", *company, "--driver", names["$DELIVERY"], "--amount", "1")
    assert "has no driver" in command(*nobody, code=1)
    more = ("declare", *company, "--driver", names["$DRIVER"], "--amount", "10001")
    assert "has 10000 in hand" in command(*more, code=1)
    found = command("handovers", *company, "--json")
    assert found == {"handovers": [], "next": None}
    for lists in (("list",), ("list", *company), ("handovers", *company)):
        assert "--after must be" in command(*lists, "--after", "yesterday", code=2)

"""Cash of drivers in the office: per company and driver, declared by one, counted by another."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.people.permission import Role
from estafette.usecases.money.handovers import cash_in_hand, declare_handover
from tests.serving import running
from tests.usecases.angola import new_shop
from tests.usecases.money.cash_stage import CashStage, OneDriver, cash_stage
from tests.web.people import PersonAtBrowser, sign_in, sign_in_at_company


@dataclass
class Till:
    """A driver with 7,500 in hand, the operator's finance and its support."""

    stage: CashStage
    driver: OneDriver
    finance: PersonAtBrowser
    owner: PersonAtBrowser
    support: PersonAtBrowser

    @property
    def company(self) -> str:
        return f"/office/cash/{self.stage.company.id.hex}"

    @property
    def of_driver(self) -> str:
        return f"{self.company}/drivers/{self.driver.id.hex}"

    async def in_hand(self) -> int:
        platform = self.stage.shop.platform
        return (await cash_in_hand(platform, self.driver.company_id, self.driver.id)).room.in_hand


@pytest.fixture
async def till(clean_database: str) -> AsyncIterator[Till]:
    async with running(clean_database) as server:
        stage = await cash_stage(await new_shop(server.platform))
        driver = await stage.driver("<b>Kiala", limit=7_000)
        await stage.delivered(driver, 3_000)
        await stage.delivered(driver, 4_500, stage.other)
        yield Till(
            stage,
            driver,
            await sign_in(server, None, Role.FINANCE),
            await sign_in(server, None, Role.OWNER),
            await sign_in(server, None, Role.SUPPORT),
        )


async def test_cash_is_found_declared_counted_and_taken_back(till: Till) -> None:
    listed = (await till.support.get("/office/cash")).body.decode()
    assert till.company in listed
    assert "7,500" in listed
    declared = await till.finance.fill(till.of_driver, f"{till.of_driver}/declare", amount="7 500")
    assert "H-00001" in (await till.finance.follow(declared)).body.decode()
    page = (await till.owner.get(till.company)).body.decode()
    assert "&lt;b&gt;Kiala" in page
    assert "<b>Kiala" not in page
    [count] = set(re.findall(rf'action="({till.company}/handovers/\w+/count)"', page))
    own = await till.finance.fill(till.company, count, counted="7500")
    assert "Somebody else has to count it" in (await till.finance.follow(own)).body.decode()
    missing = await till.owner.fill(till.company, count, counted="7400")
    assert "Say why" in (await till.owner.follow(missing)).body.decode()
    assert await till.in_hand() == 7_500
    done = await till.owner.fill(till.company, count, counted="7400", reason="a <torn> note")
    shown = (await till.owner.follow(done)).body.decode()
    assert "counted and booked" in shown
    assert "a &lt;torn&gt; note" in shown
    assert await till.in_hand() == 0
    late = await till.owner.send(count, counted="7000", reason="again")
    assert "somebody else meanwhile" in (await till.owner.follow(late)).body.decode()
    back = count.replace("/count", "/reverse")
    taken = await till.owner.fill(till.company, back, reason="wrong driver")
    assert "is taken back" in (await till.owner.follow(taken)).body.decode()
    assert await till.in_hand() == 7_500


async def test_support_looks_and_touches_nothing(till: Till) -> None:
    made = await declare_handover(
        till.stage.acting(till.driver.person_id), till.driver.company_id, till.driver.id, 100
    )
    page = (await till.support.get(till.company)).body.decode()
    assert "H-00001" in page
    assert "/count" not in page
    of_sandbox = await till.support.get(f"{till.company}?mode=sandbox&state=counted")
    assert f'href="{till.company}?mode=sandbox">Clear' in of_sandbox.body.decode()
    refused = await till.support.send(f"{till.company}/handovers/{made.id.hex}/count", counted="1")
    assert refused.status == 403
    assert await till.in_hand() == 7_500


async def test_a_drivers_book_is_a_page_and_a_file(till: Till) -> None:
    page = (await till.finance.get(till.of_driver)).body.decode()
    assert page.count("Cash collected") == 2
    file = await till.finance.get(f"{till.of_driver}/statement.csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert file.body.decode().count("cash_collected") == 2
    times = [line.partition(",")[0] for line in file.body.decode().splitlines()[1:]]
    assert all(re.fullmatch(r"[-0-9]{10}T[:0-9]{8}\.[0-9]{3}Z", time) for time in times), times
    for path in (
        f"{till.company}/drivers/{'0' * 32}",
        "/office/cash/x",
        f"{till.of_driver}?after=x",
    ):
        assert (await till.finance.get(path)).status == 404


async def test_a_companys_dispatcher_counts_on_the_board_of_its_own_company(till: Till) -> None:
    server, company = till.owner.server, till.stage.company
    rui = await sign_in_at_company(server, company.id, Role.DISPATCHER, mode=Mode.LIVE)
    cash = f"{rui.home}/cash"
    of_driver = f"{cash}/drivers/{till.driver.id.hex}"
    made = await declare_handover(
        till.stage.acting(till.driver.person_id), company.id, till.driver.id, 7_500
    )
    own = f"{cash}/handovers/{made.id.hex}"
    assert f"{own}/count" in (await rui.get(cash)).body.decode()
    done = await rui.fill(cash, f"{own}/count", counted="7500")
    assert "counted and booked" in (await rui.follow(done)).body.decode()
    assert await till.in_hand() == 0
    assert "Handed over by a driver" in (await rui.get(of_driver)).body.decode()
    assert "/reverse" not in (await rui.get(cash)).body.decode()
    assert (await rui.send(f"{own}/reverse", reason="mine")).status == 403
    assert (await rui.get(till.company)).status in (303, 403, 404)
    other = await till.stage.shop.company("other")
    theirs = await sign_in_at_company(server, other.id, Role.DISPATCHER, mode=Mode.LIVE)
    for path in (f"{theirs.home}/cash/drivers/{till.driver.id.hex}", cash):
        assert (await theirs.get(path)).status == 404
    stranger = f"{theirs.home}/cash/handovers/{made.id.hex}/count"
    assert (await theirs.send(stranger, counted="7500")).status == 404

"""Cash of drivers over the operator's API: listed, declared, counted by another key, told."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from estafette.core.people.permission import PersonAct
from tests.dialects.operator.calls import NO_ID, Operator, new_operator
from tests.serving import running
from tests.usecases.angola import new_shop
from tests.usecases.money.cash_stage import CashStage, OneDriver, cash_stage


class Desk:
    """Two programs of the operator's, a company, and its driver who has 7,500."""

    def __init__(
        self, stage: CashStage, driver: OneDriver, first: Operator, second: Operator
    ) -> None:
        self.stage, self.driver, self.first, self.second = stage, driver, first, second
        self.path = f"/v1/companies/{stage.company.id}"


@pytest.fixture
async def desk(clean_database: str) -> AsyncIterator[Desk]:
    async with running(clean_database) as server:
        stage = await cash_stage(await new_shop(server.platform))
        driver = await stage.driver(limit=9_000)
        await stage.delivered(driver, 3_000)
        await stage.delivered(driver, 4_500, stage.other)
        yield Desk(stage, driver, await new_operator(server), await new_operator(server))


async def test_cash_is_listed_declared_by_one_and_counted_by_another(desk: Desk) -> None:
    first, second, path = desk.first, desk.second, desk.path
    [of] = (await first.call("GET", "/v1/cash")).told["data"]
    assert (of["company"], of["drivers"], of["in_hand"], of["to_count"]) == ("Moto", 1, 7_500, 0)
    new = {"driver_id": str(desk.driver.id), "amount": 7_500}
    made = await first.call("POST", f"{path}/handovers", new, Idempotency_Key="a")
    assert (made.status, made.told["number"], made.told["state"]) == (201, "H-00001", "declared")
    again = await first.call("POST", f"{path}/handovers", new, Idempotency_Key="a")
    assert again.told == made.told
    [one] = (await first.call("GET", f"{path}/cash")).told["data"]
    assert (one["in_hand"], one["limit"], one["declared"]) == (7_500, 9_000, 7_500)
    own = f"{path}/handovers/{made.told['id']}"
    same = await first.call("POST", f"{own}/count", {"counted": 7_500})
    assert (same.status, same.told["code"]) == (409, "same_person")
    missing = await second.call("POST", f"{own}/count", {"counted": 7_400})
    assert (missing.status, missing.told["code"]) == (409, "reason_needed")
    done = await second.call("POST", f"{own}/count", {"counted": 7_400, "reason": "torn"})
    assert (done.status, done.told["difference"], done.told["reason"]) == (200, 100, "torn")
    late = await second.call("POST", f"{own}/withdraw")
    assert (late.status, late.told["code"]) == (409, "handover_ended")
    listed = await first.call("GET", f"{path}/handovers?state=counted&limit=1")
    assert [row["driver"] for row in listed.told["data"]] == ["Kiala"]
    book = (await first.call("GET", f"{path}/drivers/{desk.driver.id}/statement")).told
    assert [row["amount"] for row in book["entries"]] == [3_000, 4_500, -3_000, -4_500]
    assert (book["opening"], book["closing"]) == (0, 0)
    back = await second.call("POST", f"{own}/reverse", {"reason": "wrong driver"})
    assert (back.status, back.told["state"]) == (200, "reversed")
    account = desk.stage.shop.account.id
    told = (await first.call("GET", f"/v1/accounts/{account}/statement")).told
    assert {row["driver_id"] for row in told["entries"]} == {str(desk.driver.id), None}
    assert {row["handover_id"] for row in told["entries"]} == {made.told["id"], None}


async def test_a_collection_is_taken_back_once(desk: Desk) -> None:
    delivery = await desk.stage.delivered(desk.driver, 500)
    path, why = f"/v1/deliveries/{delivery.id}/reverse-collection", {"reason": "by card"}
    assert (await desk.first.call("POST", path, {"reason": ""})).status == 400
    assert (await desk.first.call("POST", path, why)).status == 200
    again = await desk.first.call("POST", path, why)
    assert (again.status, again.told["code"]) == (409, "nothing_collected")


async def test_what_is_not_there_or_too_much_is_refused(desk: Desk) -> None:
    path, first = desk.path, desk.first
    for way, body in (
        (f"{path}/handovers/{NO_ID}/count", {"counted": 1}),
        (f"{path}/handovers", {"driver_id": NO_ID, "amount": 1}),
        (f"/v1/companies/{uuid4()}/handovers", {"driver_id": str(desk.driver.id), "amount": 1}),
    ):
        assert (await first.call("POST", way, body)).status == 404
    more = {"driver_id": str(desk.driver.id), "amount": 7_501}
    refused = await first.call("POST", f"{path}/handovers", more)
    assert (refused.status, refused.told["code"]) == (409, "more_than_in_hand")
    for query in ("state=gone", "cursor=x", "driver_id=1"):
        assert (await first.call("GET", f"{path}/handovers?{query}")).status == 400
    seeing = await new_operator(first.server, frozenset({PersonAct.CASH_SEE}))
    assert (await seeing.call("POST", f"{path}/handovers", more)).status == 403

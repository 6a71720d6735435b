"""Drivers, assignments and carriers over the operator's API."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from typing import Any, cast
from uuid import UUID

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.driver import DriverState
from estafette.core.fleet.refusals import FleetRefusal
from estafette.dialects.operator.errors import ERRORS, understood
from estafette.usecases.fleet.steps import pick_up
from tests.dialects.operator.calls import NO_ID, Operator, new_operator
from tests.serving import running
from tests.usecases.angola import new_shop
from tests.usecases.fleet.conftest import Fleet


class Desk:
    """A program of the operator's, and the company whose drivers it manages."""

    def __init__(self, fleet: Fleet, operator: Operator) -> None:
        self.fleet = fleet
        self.call = operator.call
        self.path = f"/v1/companies/{fleet.id}"


@pytest.fixture
async def desk(clean_database: str) -> AsyncIterator[Desk]:
    async with running(clean_database) as server:
        shop = await new_shop(server.platform)
        yield Desk(Fleet(shop, await shop.company("moto")), await new_operator(server))


async def test_a_driver_is_added_changed_paused_and_removed(desk: Desk) -> None:
    new = {"name": "Zé", "phone": "+244923000001", "vehicle": "van", "capacity_parcels": 40}
    made = await desk.call("POST", f"{desk.path}/drivers", new, Idempotency_Key="a")
    assert (made.status, made.told["capacity_grams"], made.told["state"]) == (
        201,
        900_000,
        "active",
    )
    again = await desk.call("POST", f"{desk.path}/drivers", new)
    assert (again.status, again.told["code"]) == (409, "phone_taken")
    bad = await desk.call("POST", f"{desk.path}/drivers", {**new, "phone": "923"})
    assert (bad.status, bad.told["details"][0]["field"]) == (400, "phone")
    one = f"{desk.path}/drivers/{made.told['id']}"
    shift = await desk.call("PUT", f"{one}/shift")
    assert (shift.status, shift.told["driver_id"]) == (200, made.told["id"])
    changes = {"paused": True, "zones": ["Luanda"], "cash_limit": 5_000, "capacity_grams": 1}
    changed = await desk.call("PATCH", one, changes)
    assert {changed.told[name] for name in ("state", "cash_limit", "capacity_grams")} == {
        *("paused", 5_000, 1),
    }
    assert (await desk.call("GET", f"{desk.path}/drivers?limit=1")).told == {
        "data": [changed.told],
        "next": None,
    }
    assert (await desk.call("DELETE", f"{one}/shift")).status == 204
    assert (await desk.call("DELETE", f"{one}/shift")).told["code"] == "not_on_shift"
    assert (await desk.call("DELETE", one)).status == 204
    assert (await desk.call("GET", one)).told["state"] == "removed"
    assert (await desk.call("GET", f"{desk.path}/drivers")).told["data"] == []
    assert (await desk.call("GET", f"/v1/companies/{NO_ID}/drivers")).status == 404


async def test_deliveries_are_offered_given_taken_back_and_given_in_bulk(desk: Desk) -> None:
    first, second = await desk.fleet.driver(), await desk.fleet.driver()
    delivery, other = await desk.fleet.delivery(), await desk.fleet.delivery()
    of = f"{desk.path}/deliveries/{delivery.id}"
    wanted = {"driver_id": str(first.id), "offer_seconds": 30}
    offered = await desk.call("POST", f"{of}/assignments", wanted)
    assert (offered.status, offered.told["state"]) == (201, "offered")
    both = {**wanted, "took_over": True}
    assert (await desk.call("POST", f"{of}/assignments", both)).status == 400
    given = {"driver_id": str(second.id), "reason": "nearer"}
    assert (await desk.call("POST", f"{of}/assignments", given)).told["state"] == "accepted"
    told = (await desk.call("GET", f"{of}/assignments")).told["data"]
    assert [row["state"] for row in told] == ["released", "accepted"]
    taken = await desk.call("POST", f"{of}/assignments", {"driver_id": str(first.id)})
    assert (taken.status, taken.told["code"]) == (409, "delivery_taken")
    back = await desk.call("POST", f"{of}/take-back", {"reason": "a mistake"})
    assert (back.status, back.told["status"]) == (200, "pending")
    rows = [
        {"delivery_id": str(delivery.id), "driver_id": str(first.id)},
        {"delivery_id": NO_ID, "driver_id": str(first.id)},
        {"delivery_id": str(other.id), "driver_id": str(first.id)},
    ]
    done = (await desk.call("POST", f"{desk.path}/assignments", {"assignments": rows})).told["data"]
    assert [row["assigned"] for row in done] == [True, False, True]
    assert done[1]["code"] == "delivery_not_of_company"
    assert done[1]["reason"]
    await pick_up(desk.fleet.platform, desk.fleet.id, first.id, other.id)
    held = await desk.call("POST", f"{desk.path}/deliveries/{other.id}/take-back")
    assert (held.status, held.told["code"]) == (409, "parcel_on_board")
    nothing = await desk.call("GET", f"{desk.path}/deliveries/{NO_ID}/assignments")
    assert nothing.status == 404


async def test_who_carries_for_an_account_is_set_and_dropped(desk: Desk) -> None:
    path = f"/v1/accounts/{desk.fleet.shop.account.id}/carriers"
    assert (await desk.call("GET", path)).status == 404
    policy = {"choice": "cheapest", "companies": [str(desk.fleet.id)]}
    assert (await desk.call("PUT", path, policy)).told == policy
    assert (await desk.call("GET", path)).told == policy
    unknown = await desk.call("PUT", path, {**policy, "companies": [NO_ID]})
    assert (unknown.status, unknown.told["code"]) == (409, "refused")
    assert (await desk.call("DELETE", path)).status == 204
    assert (await desk.call("GET", path)).status == 404


def _kinds() -> Iterator[type[FleetRefusal]]:
    yield from FleetRefusal.__subclasses__()


@pytest.mark.parametrize("kind", [*_kinds()], ids=lambda kind: kind.__name__)
def test_every_refusal_of_the_fleet_is_understood(kind: Any) -> None:
    samples: dict[Any, Any] = {
        UUID: UUID(NO_ID),
        UUID | str: NO_ID,
        str: "text",
        int: 7,
        Status: Status.CANCELLED,
        AssignmentState: AssignmentState.EXPIRED,
        DriverState: DriverState.PAUSED,
    }
    facts = {each.name: samples[cast("Any", each.type)] for each in fields(kind)}
    refusal = understood(kind(**facts))
    assert refusal is not None
    reply = ERRORS.reply(refusal)
    assert reply.status in (404, 409)
    assert "estafette" not in reply.body.decode()

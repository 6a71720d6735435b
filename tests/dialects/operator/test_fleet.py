"""Drivers, assignments and carriers over the operator's API."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from datetime import time
from typing import Any, cast
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Company, Connector, Hours
from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.driver import DriverState
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.ids import new_id
from estafette.dialects.operator.app import OPERATIONS
from estafette.dialects.operator.errors import ERRORS, understood
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.fleet.steps import pick_up
from tests.dialects.operator.calls import NO_ID, Operator, new_operator
from tests.edges import KASPI
from tests.serving import delivery_id, running
from tests.usecases.angola import new_shop
from tests.usecases.fleet.conftest import Fleet
from tests.usecases.stage import new_tenant


class Desk:
    """A program of the operator's, and the company whose drivers it manages."""

    def __init__(self, fleet: Fleet, operator: Operator) -> None:
        self.fleet = fleet
        self.call = operator.call
        self.path = f"/v1/companies/{fleet.id}"

    async def carriers(self) -> tuple[str, dict[str, Any]]:
        """Where carriers are set of an account whose API names no company, and a policy for it."""
        account = (await new_tenant(self.fleet.platform, Mode.LIVE)).account
        company = await save_company(self.fleet.platform, _moto(account.id))
        policy = {"choice": "cheapest", "companies": [str(company.id)]}
        return f"/v1/accounts/{account.id}/carriers", policy


def _moto(account_id: UUID, hours: Hours | None = None) -> Company:
    """A company in Kazakhstan that carries for one account."""
    return Company(
        new_id(), "KZ", account_id, "Moto", "moto", Connector.INHOUSE, "Asia/Almaty",
        hours=hours, base_fee=500, base_eta_minutes=30,
    )  # fmt: skip


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
    example = bad.told["details"][0]["reason"].partition("such as ")[2]
    assert example == new["phone"]  # what it advises is taken
    one = f"{desk.path}/drivers/{made.told['id']}"
    shift = await desk.call("PUT", f"{one}/shift")
    assert (shift.status, shift.told["driver_id"]) == (200, made.told["id"])
    changes = {"paused": True, "zones": ["Luanda"], "cash_limit": 5_000, "capacity_grams": 1}
    changed = await desk.call("PATCH", one, changes)
    assert {changed.told[name] for name in ("state", "cash_limit", "capacity_grams")} == {
        *("paused", 5_000, 1),
    }
    by_kind = {"vehicle": "bicycle", "capacity_grams": None}
    changed = await desk.call("PATCH", one, by_kind)
    assert (changed.told["capacity_grams"], changed.told["capacity_parcels"]) == (15_000, 40)
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


async def test_the_second_of_two_who_edit_a_driver_or_carriers_is_told(desk: Desk) -> None:
    new = {"name": "Zé", "phone": "+244923000009", "vehicle": "van"}
    made = await desk.call("POST", f"{desk.path}/drivers", new)
    one, seen = f"{desk.path}/drivers/{made.told['id']}", made.headers["etag"]
    assert (await desk.call("GET", one)).headers["etag"] == seen
    changed = await desk.call("PATCH", one, {"name": "José"}, If_Match=seen)
    assert (changed.status, changed.told["name"]) == (200, "José")
    for method, body in (("PATCH", {"name": "Joãozinho"}), ("DELETE", None)):
        late = await desk.call(method, one, body, If_Match=seen)
        assert (late.status, late.told["code"]) == (412, "edited_meanwhile")
        assert late.headers["etag"] == changed.headers["etag"]
    assert (await desk.call("GET", one)).told["name"] == "José"
    assert (await desk.call("DELETE", one, None, If_Match="*")).status == 204
    path, policy = await desk.carriers()
    first = await desk.call("PUT", path, policy)
    second = await desk.call("PUT", path, {**policy, "choice": "in_order"})
    late = await desk.call("PUT", path, policy, If_Match=first.headers["etag"])
    assert (late.status, late.headers["etag"]) == (412, second.headers["etag"])
    assert (await desk.call("DELETE", path, None, If_Match=first.headers["etag"])).status == 412
    assert (await desk.call("GET", path)).told["choice"] == "in_order"


async def test_a_dispatcher_s_program_sees_and_steers_what_a_board_does(desk: Desk) -> None:
    fleet = desk.fleet
    driver, other = await fleet.driver(), await fleet.driver()
    first, second = await fleet.accepted(driver), await fleet.accepted(driver)
    offers = {
        "assignments": [
            {"delivery_id": str((await fleet.delivery()).id), "driver_id": str(other.id)}
        ],
        "offer_seconds": 60,
    }
    assert (await desk.call("POST", f"{desk.path}/assignments", offers)).told["data"][0]["assigned"]
    board = (await desk.call("GET", f"{desk.path}/board")).told
    (mine,) = [one for one in board["drivers"] if one["driver"]["id"] == str(driver.id)]
    assert (mine["parcels"], len(mine["tour"]), mine["position"]) == (2, 4, None)
    assert sorted(len(one["offered"]) for one in board["deliveries"]) == [0, 0, 1]
    assert board["whole"]
    tour = f"{desk.path}/drivers/{driver.id}/tour"
    stops = (await desk.call("GET", tour)).told["data"]
    order = [{name: one[name] for name in ("delivery_id", "kind")} for one in stops]
    turned = order[2:] + order[:2]
    assert [
        {name: one[name] for name in ("delivery_id", "kind")}
        for one in (await desk.call("PUT", tour, {"stops": turned})).told["data"]
    ] == turned
    impossible = await desk.call("PUT", tour, {"stops": order[::-1]})
    assert (impossible.status, impossible.told["code"]) == (409, "tour_changed")
    said = f"{desk.path}/drivers/{driver.id}/messages"
    written = await desk.call("POST", said, {"text": "Call me"})
    assert (written.status, written.told["read_at"]) == (201, None)
    assert (await desk.call("GET", said)).told["data"] == [written.told]
    assert (await desk.call("POST", said, {"text": "\u0007"})).status == 400
    day = (await desk.call("GET", f"{desk.path}/drivers/{driver.id}/day")).told
    assert ({one["delivery_id"] for one in day["assignments"]}, day["track"]) == (
        {str(first.id), str(second.id)},
        [],
    )
    of = f"{desk.path}/drivers/{driver.id}/day?day="
    assert [
        (await desk.call("GET", of + day)).status for day in ("2026-02-30", "1", "0001-01-01")
    ] == [
        400,
        400,
        400,
    ]
    ids = [str(first.id), NO_ID]
    back = await desk.call("POST", f"{desk.path}/take-backs", {"deliveries": ids})
    assert [one["taken_back"] for one in back.told["data"]] == [True, False]
    found = f"{desk.path}/deliveries/{second.id}/place"
    place = {"driver_id": str(driver.id), "point": "-8.8383, 13.2344", "note": "the blue gate"}
    assert (await desk.call("PUT", found, place)).status == 204
    for wrong, code in (
        ({"point": "somewhere"}, "place_point"),
        ({"point": "48.85, 2.35"}, "place_far"),
        ({"driver_id": str(other.id)}, "place_not_carrying"),
    ):
        refused = await desk.call("PUT", found, place | wrong)
        assert (refused.status, refused.told["code"]) == (409, code)
    assert (await desk.call("GET", f"{desk.path}/deliveries/{first.id}/decisions")).told[
        "data"
    ] == []


async def test_what_is_below_something_that_is_not_there_is_not_found(desk: Desk) -> None:
    other = await desk.fleet.shop.company("other")
    carried = str((await desk.fleet.delivery()).id)
    nothing = {
        **dict.fromkeys(("account", "company", "delivery", "driver", "handover", "person"), NO_ID),
        "organisation": f"company:{NO_ID}",
        "market": "XX",
        "trouble": "none",
    }
    wanted = {
        one.path.format(**nothing | besides)
        for one in OPERATIONS
        if one.method == "GET" and "{" in one.path
        for besides in ({}, {"company": str(desk.fleet.id)}, {"organisation": f"account:{NO_ID}"})
        if "company" not in besides or one.path.count("{") > 1
    }
    of = f"/v1/companies/{other.id}/deliveries/{carried}"
    wanted |= {f"{of}/assignments", f"{of}/decisions"}
    answers = {path: await desk.call("GET", path) for path in sorted(wanted)}
    place = {"driver_id": NO_ID, "point": "-8.8383, 13.2344"}
    answers[f"{of}/place"] = await desk.call("PUT", f"{of}/place", place)
    found = {path: one.status for path, one in answers.items()}
    assert {path: status for path, status in found.items() if status != 404} == {}
    assert {one.told["code"] for one in answers.values()} == {"not_found"}


async def test_a_delivery_is_moved_by_hand(desk: Desk) -> None:
    delivery = await desk.fleet.delivery()
    of = f"/v1/deliveries/{delivery.id}"
    moved = await desk.call("POST", f"{of}/move", {"to": "in_transit", "note": "by phone"})
    assert (moved.status, moved.told["status"]) == (200, "in_transit")
    assert (await desk.call("POST", f"{of}/move", {"to": "pending"})).status == 409
    assert (await desk.call("POST", f"{of}/move", {"to": "lost"})).status == 400
    assert (await desk.call("POST", f"{of}/carry")).told["code"] == "refused"


async def test_it_is_looked_again_who_carries_what_no_carrier_took(clean_database: str) -> None:
    async with running(clean_database) as server:
        operator, tenant = await new_operator(server), await server.tenant(KASPI)
        opens = Hours({"mon": ((time(3), time(3, 1)),)})
        company = await save_company(server.platform, _moto(tenant.account.id, opens))
        path = f"/v1/accounts/{tenant.account.id}/carriers"
        await operator.call("PUT", path, {"choice": "cheapest", "companies": [str(company.id)]})
        server.platform.catalog.forget()
        shown = await tenant.in_mode(Mode.LIVE).create()
        of = f"/v1/deliveries/{delivery_id(shown)}"
        assert (await operator.call("GET", of)).told["status"] == "stalled"
        assert (await operator.call("POST", f"{of}/carry")).status == 409
        await operator.call("PATCH", f"/v1/companies/{company.id}", {"hours": None})
        server.platform.catalog.forget()
        carried = await operator.call("POST", f"{of}/carry")
        assert (carried.status, carried.told["status"]) == (200, "pending")


async def test_how_a_company_dispatches_is_read_and_set(desk: Desk) -> None:
    path = f"{desk.path}/dispatching"
    before = await desk.call("GET", path)
    assert before.told["automatic"] is False
    rules = {**before.told, "automatic": True, "offer_seconds": 60}
    after = await desk.call("PUT", path, rules, If_Match=before.headers["etag"])
    assert (after.status, after.told) == (200, rules)
    assert (await desk.call("PUT", path, rules, If_Match=before.headers["etag"])).status == 412
    for wrong in ({"offer_seconds": 5}, {"rounds": 0}, {"rounds": None}, {"other": 1}):
        assert (await desk.call("PUT", path, rules | wrong)).status == 400
    assert (await desk.call("GET", path)).told == rules


async def test_a_company_has_a_phone(desk: Desk) -> None:
    changed = await desk.call("PATCH", desk.path, {"phone": "+244923000001"})
    assert (changed.status, changed.told["phone"]) == (200, "+244923000001")
    assert (await desk.call("PATCH", desk.path, {"phone": "923"})).status == 400
    assert (await desk.call("PATCH", desk.path, {"phone": None})).told["phone"] is None


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


async def test_what_a_delivery_demands_is_shown_and_nobody_who_lacks_it_is_given_it(
    desk: Desk,
) -> None:
    lacks, has = await desk.fleet.driver(), await desk.fleet.driver(skills=["COLD box"])
    cold, plain = await desk.fleet.delivery(skills=("Cold box",)), await desk.fleet.delivery()
    shown = [await desk.call("GET", f"/v1/deliveries/{one.id}") for one in (cold, plain)]
    assert [one.told["skills"] for one in shown] == [["Cold box"], []]
    of = f"{desk.path}/deliveries/{cold.id}/assignments"
    wrong = await desk.call("POST", of, {"driver_id": str(lacks.id)})
    assert (wrong.status, wrong.told["code"]) == (409, "skills_lacking")
    assert b"Cold box" in wrong.body
    rows = [{"delivery_id": str(one.id), "driver_id": str(lacks.id)} for one in (cold, plain)]
    done = (await desk.call("POST", f"{desk.path}/assignments", {"assignments": rows})).told["data"]
    assert [one["code"] for one in done] == ["skills_lacking", None]
    given = await desk.call("POST", of, {"driver_id": str(has.id)})
    assert (given.status, given.told["state"]) == (201, "accepted")


async def test_who_carries_for_an_account_is_set_and_dropped(desk: Desk) -> None:
    path, policy = await desk.carriers()
    assert (await desk.call("GET", path)).status == 404
    assert (await desk.call("PUT", path, policy)).told == policy
    assert (await desk.call("GET", path)).told == policy
    unknown = await desk.call("PUT", path, {**policy, "companies": [NO_ID]})
    assert (unknown.status, unknown.told["code"]) == (409, "refused")
    assert (await desk.call("DELETE", path)).status == 204
    assert (await desk.call("GET", path)).status == 404
    of_named = f"/v1/accounts/{desk.fleet.shop.account.id}/carriers"
    own = {**policy, "companies": [str(desk.fleet.id)]}
    refused = await desk.call("PUT", of_named, own)
    assert (refused.status, refused.told["code"]) == (409, "refused")
    assert "Each order of this account names its company" in refused.told["message"]
    assert (await desk.call("GET", of_named)).status == 404


def _kinds() -> Iterator[type[FleetRefusal]]:
    yield from FleetRefusal.__subclasses__()


@pytest.mark.parametrize("kind", [*_kinds()], ids=lambda kind: kind.__name__)
def test_every_refusal_of_the_fleet_is_understood(kind: Any) -> None:
    samples: dict[Any, Any] = {
        UUID: UUID(NO_ID),
        UUID | str: NO_ID,
        str: "text",
        tuple[str, ...]: ("text",),
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

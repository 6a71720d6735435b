"""The sandbox's own API over the real server: advance by hand, scenarios, the page."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from estafette.app import DIALECTS
from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.sandbox.scenario import SCENARIOS
from estafette.usecases.accounts.keys import disable_key
from estafette.usecases.deliveries.advance import unlock_pin
from estafette.usecases.sandbox.rehearse import rehearse
from tests.dialects.entrega.answers import created
from tests.edges import ENTREGA, KASPI
from tests.serving import Answer, Server, Tenant

DOCS = Path(__file__).parents[3] / "docs" / "sandbox.md"


def path_of(id: str) -> str:
    return f"/sandbox/v1/deliveries/{id}/advance"


async def advance(tenant: Tenant, id: str, body: Any = None) -> Answer:
    return await tenant.post(path_of(id), body)


async def ordered(tenant: Tenant, scenario: str) -> str:
    """A delivery with that scenario."""
    body = KASPI.body("order-1")
    body["dropoff"]["notes"] = f"sandbox:{scenario}"
    answer = await tenant.post(KASPI.create_path, body)
    assert answer.status == 201, answer.body
    return answer.told["deliveryId"]


async def shown(tenant: Tenant, id: str) -> str:
    """The status that Kaspi shows."""
    return KASPI.status_of((await tenant.call(KASPI.get(id))).told)


def check_refused(answer: Answer, status: int, code: str) -> str:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert set(answer.told) == {"code", "message"}
    assert answer.told["code"] == code
    return answer.told["message"]


@pytest.mark.parametrize("body", [None, b"", b"  ", {}, {"status": None}, {"unknown": 1}])
async def test_without_a_status_the_next_step_is_made(tenant: Tenant, body: Any) -> None:
    id = await tenant.create()
    answer = await advance(tenant, id, body)
    assert answer.status == 200
    told = answer.told
    assert (told["deliveryId"], told["status"], told["milestone"]) == (id, "assigned", "assigned")
    assert told["scenario"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["updatedAt"])
    assert await shown(tenant, id) == "accepted"


async def test_step_by_step_to_the_end_and_no_further(tenant: Tenant) -> None:
    id = await ordered(tenant, "courier_gives_back")
    statuses: list[str] = []
    while (answer := await advance(tenant, id)).status == 200:
        statuses.append(answer.told["status"])
    assert statuses == [
        "assigned",
        "pending",
        "assigned",
        "in_transit",
        "out_for_delivery",
        "delivered",
    ]
    assert answer.told == {
        "code": "conflict",
        "message": "Its scenario leads nowhere from delivered",
    }


async def test_with_a_status_it_goes_there_with_the_note(tenant: Tenant) -> None:
    id = await tenant.create()
    answer = await advance(tenant, id, {"status": "out_for_delivery", "note": "Two streets away"})
    assert answer.told["status"] == "out_for_delivery"
    history = await tenant.get(f"{KASPI.get(id).path}?includeHistory=true")
    assert [entry["status"] for entry in history.told["history"]] == [
        "created",
        "accepted",
        "in_transit",
        "out_for_delivery",
    ]
    assert history.told["history"][-1]["notes"] == "Two streets away"


async def test_a_stall_keeps_what_kaspi_shows(tenant: Tenant) -> None:
    id = await tenant.create()
    await advance(tenant, id, {"status": "in_transit"})
    answer = await advance(tenant, id, {"status": "stalled"})
    assert (answer.told["status"], answer.told["milestone"]) == ("stalled", "in_transit")
    assert await shown(tenant, id) == "in_transit"


async def test_where_no_way_leads_there_is_a_conflict(tenant: Tenant) -> None:
    id = await tenant.create()
    await advance(tenant, id, {"status": "in_transit"})
    message = check_refused(await advance(tenant, id, {"status": "cancelled"}), 409, "conflict")
    assert message == "No way leads from in_transit to cancelled"
    assert await shown(tenant, id) == "in_transit"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_bearer_token_is_as_good_as_the_api_key(tenant: Tenant, scheme: str) -> None:
    id = await tenant.create()
    headers = {"Authorization": f"{scheme} {tenant.key}"}
    answer = await tenant.server.request("POST", path_of(id), None, headers)
    assert answer.status == 200


async def test_without_one_good_key_it_is_unauthorized(tenant: Tenant) -> None:
    id = await tenant.create()
    wrong: list[list[tuple[str, str]]] = [
        [],
        [("x-api-key", "")],
        [("x-api-key", "nobody")],
        [("Authorization", tenant.key)],
        [("Authorization", f"Basic {tenant.key}")],
        [("Authorization", "Bearer")],
        [("x-api-key", tenant.key), ("Authorization", f"Bearer {tenant.key}")],
        [("x-api-key", tenant.key), ("x-api-key", tenant.key)],
    ]
    for headers in wrong:
        answer = await tenant.server.request("POST", path_of(id), None, headers)
        check_refused(answer, 401, "unauthorized")
    assert await shown(tenant, id) == "created"


async def test_a_live_key_is_forbidden(tenant: Tenant) -> None:
    live = tenant.in_mode(Mode.LIVE)
    for id in (await live.create(), await tenant.create()):
        check_refused(await advance(live, id), 403, "forbidden")


async def test_a_disabled_key_is_unauthorized(tenant: Tenant) -> None:
    id = await tenant.create()
    await disable_key(tenant.server.platform, tenant.account, tenant.key)
    check_refused(await advance(tenant, id), 401, "unauthorized")


async def test_other_tenants_and_live_deliveries_are_not_found(
    server: Server, tenant: Tenant
) -> None:
    stranger = await server.tenant(KASPI)
    foreign = [
        await stranger.create(),
        await tenant.in_mode(Mode.LIVE).create(),
        KASPI.unknown_id,
        "dlv_",
        "nonsense",
        "dlv_" + "a" * 10_000,
        "%00",
    ]
    for id in foreign:
        for body in (None, {"status": "assigned"}):
            check_refused(await advance(tenant, id, body), 404, "not_found")


async def test_a_courier_hands_over_with_the_pin_and_five_wrong_ones_lock_it(
    server: Server,
) -> None:
    entrega = await server.tenant(ENTREGA)
    handed, locked = [await created(entrega, "kianda-expresso") for _ in range(2)]
    id, pin = locked["id"], locked["delivery_pin"]
    wrong = {"status": "delivered", "pin": "000000" if pin != "000000" else "111111"}
    for left in (4, 3, 2, 1, 0):
        told = check_refused(await advance(entrega, id, wrong), 422, "pin_wrong")
        assert f"tries left: {left}" in told
    right = {"status": "delivered", "pin": pin}
    check_refused(await advance(entrega, id, right), 422, "pin_locked")
    assert (await entrega.get(f"/v1/deliveries/{id}")).told["data"]["status"] == "pending"
    statuses: list[str] = []
    while (answer := await advance(entrega, id)).status == 200:
        statuses.append(answer.told["status"])
    assert statuses[-1] == "out_for_delivery"  # the simulated courier waits at the door
    await unlock_pin(server.platform, entrega.scope, UUID(id))
    assert (await advance(entrega, id, right)).told["status"] == "delivered"
    right = {"status": "delivered", "pin": handed["delivery_pin"]}
    assert (await advance(entrega, handed["id"], right)).told["status"] == "delivered"


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({"status": "accepted"}, "status must be one of"),
        ({"status": 1}, "status must be one of"),
        ({"status": ""}, "status must be one of"),
        ({"note": 1}, "note must be a text"),
        ({"status": "delivered", "pin": 1}, "pin must be a text"),
        ({"pin": "123456"}, "pin is for status delivered alone"),
        ({"status": "assigned", "pin": "123456"}, "pin is for status delivered alone"),
        ({"note": "x" * 501}, "note must be a text"),
        ({"status": [], "note": {}}, "; note must be"),
        ([], "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"{", "is not JSON"),
        (b'{"status": "assigned", "status": "assigned"}', "twice"),
        (b'{"note": "\\u0000"}', "NUL"),
        (b'{"note": "\\ud800"}', "surrogate"),
        (b"\xff", "UTF-8"),
        (b"[" * 5000, "The body is"),
    ],
)
async def test_a_bad_body_is_refused_and_nothing_moves(
    tenant: Tenant, body: Any, hint: str
) -> None:
    id = await tenant.create()
    assert hint in check_refused(await advance(tenant, id, body), 400, "invalid_request")
    assert await shown(tenant, id) == "created"


async def test_a_note_of_500_characters_is_kept(tenant: Tenant) -> None:
    id = await tenant.create()
    note = "ә" * 500
    assert (await advance(tenant, id, {"note": note})).status == 200
    history = await tenant.get(f"{KASPI.get(id).path}?includeHistory=true")
    assert history.told["history"][-1]["notes"] == note


async def test_a_long_body_is_too_large(tenant: Tenant) -> None:
    id = await tenant.create()
    answer = await advance(tenant, id, b'{"note": "' + b"x" * 300_000 + b'"}')
    check_refused(answer, 413, "payload_too_large")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_another_method_is_refused_with_those_allowed(tenant: Tenant, method: str) -> None:
    answer = await tenant.server.request(method, path_of("x"))
    check_refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/sandbox/", "/sandbox/v1", "/sandbox/v1/scenarios/"])
async def test_an_unknown_path_is_refused_in_the_same_shape(server: Server, path: str) -> None:
    check_refused(await server.request("GET", path), 404, "not_found")


async def test_requests_are_bounded_by_the_accounts_rate(server: Server) -> None:
    tenant = await server.tenant(KASPI, rate_per_second=1, burst=1)
    id = await tenant.create()
    answer = await advance(tenant, id)
    check_refused(answer, 429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1


async def test_the_scenarios_are_listed_with_what_they_do(server: Server) -> None:
    answer = await server.request("GET", "/sandbox/v1/scenarios")
    assert answer.status == 200
    assert [(each["name"], each["summary"]) for each in answer.told["data"]] == [
        (name, scenario.summary) for name, scenario in SCENARIOS.items()
    ]
    assert answer.told["data"][1]["mention"] == "sandbox:no_courier"


async def test_every_listed_mention_is_understood(server: Server, tenant: Tenant) -> None:
    listed = await server.request("GET", "/sandbox/v1/scenarios")
    for each in listed.told["data"]:
        fresh = await server.tenant(KASPI)
        id = await ordered(fresh, each["mention"].removeprefix("sandbox:"))
        assert (await advance(fresh, id)).told["scenario"] == each["name"]


async def test_the_page_tells_of_every_scenario_and_status_and_needs_no_internet(
    server: Server,
) -> None:
    answer = await server.request("GET", "/sandbox/docs")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.body.decode()
    for name, scenario in SCENARIOS.items():
        assert f"sandbox:{name}" in page
        for step in scenario.steps:
            assert step.to is Status.PICKUP_READY or step.note.replace("'", "&#39;") in page
    assert all(f"<code>{status}</code>" in page for status in Status)
    assert not re.findall(r"(?:src|href)=[\"'](?![#?/])", page)
    assert (await server.request("GET", "/sandbox")).body == answer.body


def test_the_written_page_tells_of_every_scenario() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [name for name in SCENARIOS if f"`sandbox:{name}`" not in text] == []


def written_tables() -> dict[str, list[list[str]]]:
    """The rows of each scenario's table on the written page: at, status, note, webhook."""
    tables: dict[str, list[list[str]]] = {}
    name = ""
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            name = line.rpartition("sandbox:")[2].rstrip("`") if "`sandbox:" in line else ""
        elif name and line.startswith("| ") and not line.startswith("| at"):
            row = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
            tables.setdefault(name, []).append(row)
    return tables


@pytest.mark.parametrize("name", sorted(written_tables()))
async def test_the_written_page_shows_what_kaspis_api_shows(tenant: Tenant, name: str) -> None:
    rows = written_tables()[name]
    id = await ordered(tenant, name)
    while (await advance(tenant, id)).status == 200:
        pass
    answer = await tenant.get(f"{KASPI.get(id).path}?includeHistory=true")
    history = [[each["status"], each.get("notes", "")] for each in answer.told["history"]]
    assert [row[1:3] for row in rows] == history
    happenings = rehearse(name, tenant.server.platform.dialects["kaspi"])
    assert [[row[0], row[3]] for row in rows] == [
        [f"{one.at:g}", ", ".join(one.announced) or "none"] for one in happenings
    ]


def test_the_written_page_shows_the_courses_that_entrega_shows() -> None:
    after = DOCS.read_text(encoding="utf-8").partition("## Through Entrega")[2]
    section = after.partition("\n## ")[0]
    rows = re.findall(r"^\| `sandbox:(\w+)` \| (.*) \|$", section, re.MULTILINE)
    assert {"no_courier", "slow"} < {name for name, _ in rows}
    for name, course in rows:
        happenings = rehearse(name, DIALECTS["entrega"])
        assert course == ", ".join(f"{one.at:g} `{one.status}`" for one in happenings)


def test_every_scenario_with_a_course_of_its_own_has_a_table() -> None:
    courses = {name: [step.to for step in each.steps] for name, each in SCENARIOS.items()}
    own = {name for name in courses if courses[name] != courses["delivered"]} | {"delivered"}
    assert set(written_tables()) == own

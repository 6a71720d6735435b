"""What the operator's programs do: with accounts, people, companies, prices, money, trouble."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.people.organisation import PLATFORM
from estafette.usecases.people.operator_keys import (
    disable_operator_key,
    list_operator_keys,
    revoke_operator_key,
    rotate_operator_key,
)
from tests.dialects.operator.calls import NO_ID, Operator, new_operator
from tests.edges import ENTREGA, KASPI
from tests.rows import tables
from tests.serving import Server, delivery_id
from tests.usecases.people.people import new_person


@pytest.fixture
async def operator(server: Server) -> Operator:
    """A program that may do everything."""
    return await new_operator(server)


def a_name() -> str:
    return f"shop-{uuid4().hex[:20]}"


async def new_account(operator: Operator) -> dict[str, Any]:
    made = await operator.call("POST", "/v1/accounts", {"name": a_name(), "market": "AO"})
    assert made.status == 201
    return made.told


async def test_an_account_is_opened_changed_closed_and_opened_again(operator: Operator) -> None:
    made = await new_account(operator)
    path = f"/v1/accounts/{made['id']}"
    assert {(key["mode"], key["kind"]) for key in made["keys"]} == {
        (mode, kind) for mode in ("live", "sandbox") for kind in ("secret", "publishable")
    }
    changes = {"rate_per_second": 7, "personal_data_days": 30}
    changed = await operator.call("PATCH", path, changes)
    told = changed.told
    assert (told["rate_per_second"], told["burst"], told["personal_data_days"]) == (7, 200, 30)
    few = await operator.call("PATCH", path, {"personal_data_days": 1})
    assert (few.status, few.told["details"][0]["field"]) == (400, "personal_data_days")
    assert (await operator.call("POST", f"{path}/close")).told["state"] == "closed"
    assert (await operator.call("POST", f"{path}/open")).told["state"] == "open"
    found = (await operator.call("GET", f"/v1/accounts?name={made['name']}")).told
    assert [each["id"] for each in found["data"]] == [made["id"]]
    assert found["next"] is None


async def test_of_two_who_edit_an_account_the_second_is_told(operator: Operator) -> None:
    path = f"/v1/accounts/{(await new_account(operator))['id']}"
    tag = (await operator.call("GET", path)).headers["ETag"]
    first = await operator.call("PATCH", path, {"burst": 9}, If_Match=tag)
    second = await operator.call("PATCH", path, {"rate_per_second": 3}, If_Match=tag)
    assert (first.status, second.status) == (200, 412)
    assert second.told["code"] == "edited_meanwhile"
    assert second.headers["ETag"] == first.headers["ETag"] != tag
    assert (await operator.call("GET", path)).told["rate_per_second"] == 100


async def test_a_request_that_is_sent_again_is_done_once(operator: Operator) -> None:
    body, once = {"name": a_name(), "market": "KZ"}, {"Idempotency_Key": uuid4().hex}
    answers = await asyncio.gather(
        *(operator.call("POST", "/v1/accounts", body, **once) for _ in range(4))
    )
    made = [answer for answer in answers if answer.status == 201]
    assert made
    assert all(answer.status == 201 or answer.told["code"] == "under_way" for answer in answers)
    again = await operator.call("POST", "/v1/accounts", body, **once)
    assert again.told == made[0].told
    assert again.headers["X-Idempotent-Replay"] == "true"
    assert again.headers["ETag"] == made[0].headers["ETag"]
    other = await operator.call("POST", "/v1/accounts", {**body, "market": "AO"}, **once)
    assert other.told["code"] == "idempotency_mismatch"
    pool = operator.server.platform.pool
    stored = "\n".join(await tables.texts(pool, "operator_answers"))
    assert made[0].told["keys"][0]["key"] not in stored


async def test_an_answer_that_nothing_came_of_leaves_its_idempotency_key_unused(
    operator: Operator,
) -> None:
    once, taken = {"Idempotency_Key": uuid4().hex}, {"name": a_name(), "market": "KZ"}
    assert (await operator.call("POST", "/v1/accounts", taken)).status == 201
    refused = await operator.call("POST", "/v1/accounts", taken, **once)
    assert refused.status == 409
    kept = await operator.call("POST", "/v1/accounts", taken, **once)
    assert (kept.status, kept.headers["X-Idempotent-Replay"]) == (409, "true")
    once = {"Idempotency_Key": uuid4().hex}
    assert (await operator.call("POST", "/v1/accounts", {}, **once)).status == 400
    body = {"name": a_name(), "market": "KZ"}
    assert (await operator.call("POST", "/v1/accounts", body, **once)).status == 201


async def test_a_request_whose_server_died_is_done_anew_after_a_while(operator: Operator) -> None:
    body, key = {"name": a_name(), "market": "KZ"}, uuid4().hex
    first = await operator.call("POST", "/v1/accounts", body, Idempotency_Key=key)
    pool, which = operator.server.platform.pool, {"key": key}
    await tables.change(pool, "operator_answers", which, status=None, body=None, headers=None)
    waits = await operator.call("POST", "/v1/accounts", body, Idempotency_Key=key)
    assert waits.told["code"] == "under_way"
    await tables.change(pool, "operator_answers", which, begun_at=timedelta(minutes=-3))
    anew = await operator.call("POST", "/v1/accounts", body, Idempotency_Key=key)
    assert (first.status, anew.status) == (201, 409)  # its name tells that it is there


async def test_people_are_invited_listed_changed_and_reset(operator: Operator) -> None:
    platform = operator.server.platform
    account = await new_account(operator)
    of = f"/v1/organisations/account:{account['id']}"
    wanted = {"email": f"{uuid4().hex}@shop.example", "role": "owner"}
    invited = await operator.call("POST", f"{of}/invitations", wanted)
    assert invited.status == 201
    assert invited.told["url"].startswith("http://delivery.example/invitation/")
    [listed] = (await operator.call("GET", f"{of}/invitations")).told["data"]
    assert listed["id"] == invited.told["id"]
    assert "url" not in listed
    withdrawn = f"{of}/invitations/{listed['id']}"
    assert (await operator.call("DELETE", withdrawn)).status == 204
    assert (await operator.call("DELETE", withdrawn)).status == 404

    one = await new_person(platform, PLATFORM)
    person = f"/v1/people/{one.person.id}"
    shown = (await operator.call("GET", person)).told
    assert shown["belongs_to"] == [
        {"organisation": "platform", "name": "Estafette", "role": "owner"}
    ]
    await new_person(platform, PLATFORM)
    role = f"/v1/organisations/platform/members/{one.person.id}"
    assert (await operator.call("PUT", f"{role}/role", {"role": "finance"})).status == 204
    wrong = await operator.call("PUT", f"{role}/role", {"role": "driver"})
    assert wrong.status == 409
    assert (await operator.call("POST", f"{person}/disable")).told["state"] == "disabled"
    assert (await operator.call("POST", f"{person}/enable")).told["state"] == "active"
    assert (await operator.call("POST", f"{person}/reset")).status == 201
    assert (await operator.call("DELETE", role)).status == 204
    acts = {
        each["act"]
        for each in (await operator.call("GET", f"/v1/audit?object={one.person.id}")).told["data"]
    }
    assert acts >= {"person.disabled", "person.enabled", "person.reset", "person.removed"}


async def test_a_company_is_added_changed_and_paused(operator: Operator) -> None:
    run = uuid4().hex[:8]
    new = {
        "market": "AO",
        "name": f"Moto {run}",
        "slug": f"moto-{run}",
        "connector": "inhouse",
    }
    made = await operator.call(
        "POST", "/v1/companies", {**new, "hours": {"mon": [["08:00", "18:00"]]}}
    )
    assert made.status == 201
    path = f"/v1/companies/{made.told['id']}"
    changes = {"margin_percent": 12.5, "hours": None, "max_weight_grams": 9000, "active": False}
    changed = await operator.call("PATCH", path, changes, If_Match=made.headers["ETag"])
    told = changed.told
    assert {name: told[name] for name in changes} == changes
    late = await operator.call("PATCH", path, {"name": "Lata"}, If_Match=made.headers["ETag"])
    assert late.status == 412
    bad: list[dict[str, Any]] = [
        {"hours": {"mon": [["8", "x"]]}},
        {"hours": {"x": []}},
        {"nome": "x"},
    ]
    for wrong in bad:
        assert (await operator.call("PATCH", path, wrong)).status == 400
    for name, value in (("time_zone", "Mars/Phobos"), ("base_eta_minutes", 0), ("slug", "Ü")):
        refused = await operator.call("PATCH", path, {name: value})
        assert (refused.status, refused.told["details"][0]["field"]) == (400, name)
    assert (await operator.call("POST", "/v1/companies", new)).status == 409
    second = {**new, "slug": f"moto-2-{run}", "name": f"Moto {run} Norte"}
    assert (await operator.call("POST", "/v1/companies", second)).status == 201
    pages = f"/v1/companies?market=AO&name={run}&limit=1"
    following = pages
    seen: list[str] = []
    while following:
        page = (await operator.call("GET", following)).told
        seen += [each["id"] for each in page["data"]]
        following = page["next"] and f"{pages}&cursor={page['next']}"
    assert made.told["id"] in seen
    assert len(seen) == len(set(seen)) == 2


async def test_keys_of_a_platform_are_never_shown(operator: Operator) -> None:
    new = {"market": "AO", "name": "Far", "slug": f"far-{uuid4().hex[:8]}", "connector": "remote"}
    path = f"/v1/companies/{(await operator.call('POST', '/v1/companies', new)).told['id']}"
    link = {"url": "https://far.example", "live_key": "sk_live_very_secret"}
    for answer in (
        await operator.call("PUT", f"{path}/platform", link),
        await operator.call("GET", f"{path}/platform"),
    ):
        assert answer.status == 200
        assert answer.told["has_key"] == {"live": True, "sandbox": False}
        assert b"very_secret" not in answer.body
    assert (await operator.call("DELETE", f"{path}/platform")).status == 204
    assert (await operator.call("GET", f"{path}/platform")).status == 404


async def test_a_price_list_is_compared_replaced_and_not_by_two(operator: Operator) -> None:
    new = {"market": "KZ", "name": "Tez", "slug": f"tez-{uuid4().hex[:8]}", "connector": "inhouse"}
    path = f"/v1/companies/{(await operator.call('POST', '/v1/companies', new)).told['id']}/tariffs"
    head = b"origin,destination,up_to_km,up_to_grams,fee,pickup_within,delivery_within\n"
    empty = await operator.call("GET", path)
    wanted = head + b"*,same,,5000,1800,2h,10h\n"
    csv = {"Content_Type": "text/csv"}
    compared = await operator.call("PUT", f"{path}?compare=true", wanted, **csv)
    assert (compared.told["change_count"], compared.told["saved"]) == (1, False)
    assert (await operator.call("PUT", path, wanted, **csv)).status == 428
    tag = empty.headers["ETag"]
    saved = await operator.call("PUT", path, wanted, **csv, If_Match=tag)
    assert (saved.status, saved.told["saved"]) == (200, True)
    late = await operator.call("PUT", path, head + b"*,*,,1,2,1h,1d\n", **csv, If_Match=tag)
    assert late.status == 412
    read = await operator.call("GET", path)
    assert b"1800" in read.body
    assert read.headers["ETag"] == saved.headers["ETag"]
    wrong = await operator.call("PUT", path, head + b"*,*,,x,2,1h,1d\n", **csv, If_Match="*")
    assert wrong.status == 400
    assert wrong.told["details"][0]["field"] == "line 2"


async def test_money_is_confirmed_settled_and_told(operator: Operator) -> None:
    account = await new_account(operator)
    path = f"/v1/accounts/{account['id']}"
    paid = {"book": "merchant", "amount": 100, "reference": "TRF-1"}
    refused = await operator.call("POST", f"{path}/settlements", paid)
    assert refused.status == 409
    assert "owes 0 AOA" in refused.told["message"]
    statement = (await operator.call("GET", f"{path}/statement")).told
    assert (statement["currency"], statement["entries"]) == ("AOA", [])
    for wrong in ("from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from=x", "mode=both"):
        assert (await operator.call("GET", f"{path}/statement?{wrong}")).status == 400
    listed = await operator.call("GET", f"/v1/payments?account_id={account['id']}")
    assert listed.told == {"data": [], "next": None}


async def test_transfers_that_are_awaited_are_listed_page_by_page(operator: Operator) -> None:
    tenant = await operator.server.tenant(ENTREGA, Mode.LIVE)
    made = {str(delivery_id(await tenant.create())) for _ in range(3)}
    await tables.change(
        operator.server.platform.pool,
        "deliveries",
        {"account_id": tenant.account.id},
        status=Status.AWAITING_PAYMENT.value,
        terms={"method": "bank_transfer"},
    )
    path = f"/v1/payments?account_id={tenant.account.id}&limit=2"
    first = (await operator.call("GET", path)).told
    second = (await operator.call("GET", f"{path}&cursor={first['next']}")).told
    assert (len(first["data"]), len(second["data"]), second["next"]) == (2, 1, None)
    assert {one["id"] for one in first["data"] + second["data"]} == made
    assert (await operator.call("GET", f"{path}&cursor=x")).status == 400


async def test_deliveries_of_every_account_are_looked_after_without_personal_data(
    operator: Operator,
) -> None:
    tenant = await operator.server.tenant(KASPI, Mode.LIVE)
    made = await tenant.post(KASPI.create_path, KASPI.body(f"ord-{uuid4().hex[:8]}"))
    assert made.status == 201
    [row] = await tables.read(
        operator.server.platform.pool, "deliveries", {"account_id": tenant.account.id}
    )
    path = f"/v1/deliveries/{row['id']}"
    shown = await operator.call("GET", path)
    assert shown.told["account_id"] == str(tenant.account.id)
    assert b"phone" not in shown.body
    assert (await operator.call("POST", f"{path}/unlock-pin")).status == 200
    unpaid = await operator.call("POST", f"{path}/confirm-payment", {"note": "it came"})
    assert (unpaid.status, unpaid.told["code"]) == (409, "conflict")
    assert (await operator.call("POST", f"{path}/settle-dispute")).told["code"] == "not_disputed"
    which = {"id": row["id"]}
    await tables.change(
        operator.server.platform.pool, "deliveries", which, status=Status.STALLED.value
    )
    page = (await operator.call("GET", "/v1/troubles/stalled?mode=live&limit=200")).told
    assert str(row["id"]) in {each["delivery"]["id"] for each in page["data"]}
    assert (await operator.call("GET", "/v1/troubles/other")).status == 404


async def test_what_it_stands_like_is_told(operator: Operator) -> None:
    told = (await operator.call("GET", "/v1/health")).told
    assert told["database"]["newer_migrations"] == []
    assert told["webhooks"]["oldest_due_seconds"] >= 0
    assert told["errands"]["due"] >= 0
    assert 0 < told["disk"]["free_bytes"] <= told["disk"]["whole_bytes"]
    assert any(one["partitions"] and one["newest_partition"] for one in told["tables"])


async def test_what_a_key_did_is_in_the_audit_under_its_id(operator: Operator) -> None:
    account = await new_account(operator)
    known = await list_operator_keys(operator.server.platform)
    [mine] = [key for key in known if operator.key.endswith(key.hint)][-1:]
    query = f"/v1/audit?by={mine.id}&act=account.created"
    [entry] = (await operator.call("GET", query)).told["data"]
    assert (entry["account_id"], entry["by"]["kind"]) == (account["id"], "key")


async def test_a_key_is_rotated_disabled_and_revoked(operator: Operator) -> None:
    platform = operator.server.platform
    new = await rotate_operator_key(platform, operator.key, timedelta(hours=1))
    second = Operator(operator.server, new.key)
    assert (await operator.call("GET", "/v1/health")).status == 200
    assert (await second.call("GET", "/v1/health")).status == 200
    await disable_operator_key(platform, str(new.known.id))
    assert (await second.call("GET", "/v1/health")).status == 403
    await revoke_operator_key(platform, operator.key)
    assert (await operator.call("GET", "/v1/health")).status == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/accounts?limit=0", 400),
        ("/v1/accounts?limit=201", 400),
        ("/v1/accounts?cursor=%00", 400),
        ("/v1/accounts?cursor=AA", 400),
        ("/v1/accounts?nome=x", 400),
        ("/v1/accounts?market=XX", 400),
        ("/v1/audit?cursor=YQ", 400),
        ("/v1/audit?from=yesterday", 400),
        ("/v1/companies?cursor=YQ", 400),
        ("/v1/people?email=%00", 400),
        (f"/v1/accounts/{NO_ID.upper()}", 404),
        (f"/v1/accounts/{NO_ID}", 404),
        ("/v1/accounts/x", 404),
        ("/v1/organisations/platform:x/members", 404),
        ("/v1/organisations/shop:1/members", 404),
        ("/v1/markets/XX/tariffs", 404),
        ("/v1/nothing", 404),
        ("/v2/accounts", 404),
    ],
)
async def test_a_request_that_cannot_be_is_refused(
    operator: Operator, path: str, status: int
) -> None:
    answer = await operator.call("GET", path)
    assert (answer.status, "code" in answer.told) == (status, True)


async def test_another_account_of_entrega_is_seen_with_its_companies(operator: Operator) -> None:
    tenant = await operator.server.tenant(ENTREGA)
    found = (await operator.call("GET", f"/v1/companies?account_id={tenant.account.id}")).told
    assert {each["account_id"] for each in found["data"]} <= {str(tenant.account.id)}

"""A delivery whose personal data was erased is shown as the contract says, and as nobody's."""

import asyncio
import json
import re
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
import requests
import schemathesis

from estafette.core.deliveries.delivery import Status
from estafette.usecases.deliveries.personal_data import erase_what_is_over
from estafette.usecases.deliveries.privacy import erase_phone
from tests.documents import document_of
from tests.edges import ENTREGA, Call, Edge
from tests.rows import tables
from tests.serving import Server, Tenant, delivery_id

TO_THE_END = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)


async def _answer(tenant: Tenant, call: Call) -> requests.Response:
    return await asyncio.to_thread(
        requests.request,
        call.method,
        f"{tenant.server.url}{call.path}",
        headers=tenant.authorization(),
        timeout=60,
    )


def _conforms(edge: Edge, call: Call, answer: requests.Response) -> None:
    """Asserts that an answer is of the contract's shape."""
    document = document_of(edge.name)
    schema: Any = schemathesis.openapi.from_dict(deepcopy(document))
    path = call.path.removeprefix(edge.base).partition("?")[0]
    [template] = [
        known
        for known in document["paths"]
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path)
        and "get" in document["paths"][known]
    ]
    schema[template]["GET"].validate_response(answer)


async def test_an_erased_delivery_is_shown_in_the_shape_of_its_contract(
    edge: Edge, server: Server
) -> None:
    tenant = await server.tenant(edge)
    id = await tenant.create()
    await tenant.move(id, *TO_THE_END, note="Ring twice")
    before = await tenant.ask(edge.get(id))
    _, recipient = await _stops(tenant, id)
    assert (await erase_phone(server.platform, recipient["phone_e164"], tenant.account)).erased == 1
    for call in (edge.get(id), edge.list, Call("GET", f"{edge.get(id).path}/events")):
        answer = await _answer(tenant, call)
        if answer.status_code == 404 and call.path.endswith("/events"):
            continue  # not every dialect shows them
        assert answer.status_code == 200, answer.text
        _conforms(edge, call, answer)
        for personal in (recipient["address"], recipient["name"], "Ring twice"):
            assert personal not in answer.text
    after = await tenant.ask(edge.get(id))
    assert edge.status_of(after) == edge.status_of(before)
    page = await server.request("GET", f"/track/{id}")
    assert page.status == 410
    assert recipient["name"].encode() not in page.body


METADATA: dict[str, Any] = {
    "CPF Joana Prata": 123456789,
    "tel": 244931222333,
    "nested": {"Joana Prata": [-8.81234]},
    "before": "Joana",
}
SAID = ("Joana", "123456789", "244931222333", "8.81234")


async def _all_stored(tenant: Tenant) -> str:
    """Everything that any table has of an account, as text."""
    pool, account_id = tenant.server.platform.pool, tenant.account.id
    found = [row for _, row in await tables.stored_of(pool, account_id)]
    answers = await tables.values(pool, "idempotency", "body", {"account_id": account_id})
    return "\n".join(found + [body.decode() for body in answers if body])


async def _stops(tenant: Tenant, id: str) -> list[dict[str, Any]]:
    """Where a stored delivery is fetched and brought, and from and to whom."""
    pool, where = tenant.server.platform.pool, {"id": delivery_id(id)}
    (stored,) = await tables.read(pool, "deliveries", where)
    return [json.loads(stored["pickup"]), json.loads(stored["dropoff"])]


async def _personal(tenant: Tenant, id: str) -> set[str]:
    """What a stored delivery tells of its people."""
    pool, where = tenant.server.platform.pool, {"id": delivery_id(id)}
    parcel = json.loads(await tables.value(pool, "deliveries", "parcel", where))
    stops = await _stops(tenant, id)
    names = ("address", "name", "phone", "phone_e164", "notes", "latitude", "longitude")
    return {parcel["description"]} | {
        str(stop[name]) for stop in stops for name in names if stop.get(name)
    }


@pytest.mark.parametrize("is_under_way", [False, True], ids=["after its end", "under way"])
async def test_an_answer_that_is_repeated_after_an_erasure_tells_nothing_of_it(
    edge: Edge, server: Server, is_under_way: bool
) -> None:
    tenant = await server.tenant(edge)
    body = await tenant.body("kept")
    if "options" in body:
        body["options"] = {"metadata": METADATA}
    headers = {"Idempotency-Key": "kept"}
    first = await tenant.post(edge.create_path, body, headers)
    id = edge.id_of(first.told)
    personal = await _personal(tenant, id) | set(SAID if "options" in body else ())
    phone = next(each for each in personal if each.startswith("+") and " " not in each)
    assert personal & {each for each in personal if each in await _all_stored(tenant)} == personal
    if is_under_way:
        done = await erase_phone(server.platform, phone, tenant.account)
        assert [one.id for one in done.put_off] == [delivery_id(id)]
    await tenant.move(id, *TO_THE_END, note="Ring twice")
    if is_under_way:
        await erase_what_is_over(server.platform, timedelta(days=180))
    else:
        assert (await erase_phone(server.platform, phone, tenant.account)).erased == 1
    stored = await _all_stored(tenant)
    assert [each for each in personal if each in stored] == []
    again = await tenant.post(edge.create_path, body, headers)
    assert again.status == edge.created_status
    assert edge.replay_header in again.headers
    assert edge.id_of(again.told) == id
    assert edge.status_of(again.told) == edge.status_of(first.told)
    assert again.told.keys() == first.told.keys()
    assert await tenant.count("deliveries") == 1


async def test_a_cancelled_deliverys_answer_is_erased_too(edge: Edge, server: Server) -> None:
    tenant = await server.tenant(edge)
    id = await tenant.create()
    cancel = edge.cancel(id)
    headers = {"Idempotency-Key": "cancelled"}
    first = await tenant.call(cancel, headers)
    personal = await _personal(tenant, id)
    phone = next(each for each in personal if each.startswith("+") and " " not in each)
    await erase_phone(server.platform, phone, tenant.account)
    again = await tenant.call(cancel, headers)
    assert (again.status, edge.status_of(again.told)) == (200, edge.status_of(first.told))
    assert [each for each in personal if each in again.body.decode()] == []


async def test_another_deliverys_answer_that_names_an_erased_one_stays(server: Server) -> None:
    tenant = await server.tenant(ENTREGA)
    erased = await tenant.create()
    body = await tenant.body()
    body["options"] = {"metadata": {"replaces": erased, "note": "Leave it with Rosa"}}
    first = await tenant.post(ENTREGA.create_path, body, {"Idempotency-Key": "second"})
    await tenant.move(erased, *TO_THE_END)
    await erase_phone(server.platform, "+244923444555", tenant.account)
    again = await tenant.post(ENTREGA.create_path, body, {"Idempotency-Key": "second"})
    assert again.body == first.body

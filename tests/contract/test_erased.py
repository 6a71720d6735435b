"""A delivery whose personal data was erased is shown as the contract says, and as nobody's."""

import asyncio
import re
from importlib.resources import files
from typing import Any

import requests
import schemathesis
import yaml

from estafette.core.delivery import Status
from estafette.usecases.privacy import erase_phone
from tests.edges import Call, Edge
from tests.serving import Server, Tenant, delivery_id

TO_THE_END = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)


async def _answer(tenant: Tenant, call: Call) -> requests.Response:
    return await asyncio.to_thread(
        requests.request,
        call.method,
        f"{tenant.server.url}{call.path}",
        headers=tenant.authorization(),
        timeout=20,
    )


def _conforms(edge: Edge, call: Call, answer: requests.Response) -> None:
    """Asserts that an answer is of the contract's shape."""
    text = (files("estafette.dialects") / edge.name / "openapi.yaml").read_bytes()
    document: dict[str, Any] = yaml.safe_load(text)
    schema: Any = schemathesis.openapi.from_dict(document)
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
    phones = await server.platform.pool.fetchrow(
        "select pickup ->> 'phone_e164' as sender, dropoff ->> 'phone_e164' as recipient,"
        " dropoff ->> 'address' as address, dropoff ->> 'name' as name"
        " from deliveries where id = $1",
        delivery_id(id),
    )
    assert phones is not None
    assert (await erase_phone(server.platform, phones["recipient"], tenant.account)).erased == 1
    for call in (edge.get(id), edge.list, Call("GET", f"{edge.get(id).path}/events")):
        answer = await _answer(tenant, call)
        if answer.status_code == 404 and call.path.endswith("/events"):
            continue  # not every dialect shows them
        assert answer.status_code == 200, answer.text
        _conforms(edge, call, answer)
        for personal in (phones["address"], phones["name"], "Ring twice"):
            assert personal not in answer.text
    after = await tenant.ask(edge.get(id))
    assert edge.status_of(after) == edge.status_of(before)
    page = await server.request("GET", f"/track/{id}")
    assert page.status == 200
    assert phones["name"].encode() not in page.body

"""A request costs in proportion to its size, whatever stands in it: every text of every operation.

The fields are found in the contracts and in the models, so that a new one is covered by being
there.
"""

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest

from estafette.core.accounts.account import MARKETS, Mode
from estafette.core.couriers.company import Company, Connector
from estafette.core.ids import new_id
from estafette.couriers.entrega import schemas as remote
from estafette.couriers.sandbox.app import Advance
from estafette.dialects.operator import schemas as operator
from estafette.http.refusals import InvalidRequest
from estafette.http.request import BODY_LIMIT
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.couriers.links import Link, connect
from tests.contract.costs import FLOOR, Meter, checked, hostile
from tests.contract.operations import EVERY, OPERATIONS, SECRET, Call, Operation, texts_of
from tests.edges import EDGES, Edge
from tests.schemas import Document, TextField, replaced
from tests.serving import Server, Tenant, running
from tests.web.drivers import DriverAtPhone, driver_stage, now_ms
from tests.web.people import OUR_PAGE

_WITH_BODY = pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.body], ids=str)


# Every text costs little


@pytest.fixture
async def server(fresh_database: str) -> AsyncIterator[Server]:
    """The real server over a database of its own: what others left there would be read as well."""
    async with running(fresh_database) as server:
        yield server


@pytest.fixture
async def tenants(server: Server) -> Mapping[str, Tenant]:
    """A tenant of each dialect."""
    return {edge.name: await server.tenant(edge, rate_per_second=100_000) for edge in EDGES}


@_WITH_BODY
async def test_any_text_in_a_body_costs_by_its_length(
    server: Server, tenants: Mapping[str, Tenant], operation: Operation
) -> None:
    tenant = tenants[operation.edge.name]
    call = operation.call(tenant, await tenant.create())
    assert await checked(server, call, operation.fields()) == []


@EVERY
async def test_any_text_in_a_path_query_or_header_costs_by_its_length(
    server: Server, tenants: Mapping[str, Tenant], operation: Operation
) -> None:
    tenant = tenants[operation.edge.name]
    id = await tenant.create()
    call = operation.call(tenant, id)
    names = [each["name"] for each in operation.parameters if each["in"] == "query"]
    assert await _checked_head(server, call, id, ["unknown", *names]) == []


_HEADERS = (
    "Idempotency-Key",
    "X-Request-Id",
    "Origin",
    "Content-Type",
    "Accept-Language",
    "Last-Event-ID",
    "X-Forwarded-For",
    "Forwarded",
    "Authorization",
    "X-Api-Key",
    "X-Entrega-Signature",
)


_HEADER_UNITS = ("a", "a.", "a;q=0,", "1,", "\xe9", "https://*.", "Bearer ", "=", "for=", "[::")


async def _checked_head(server: Server, call: Call, id: str, names: list[str]) -> list[str]:
    meter = Meter(server, call)
    await meter.calibrate()
    wrong: list[str] = []

    async def check(where: str, size: int, **changes: Any) -> None:
        if problem := await meter.check(size, **changes):
            wrong.append(f"{where}: {problem}")

    texts = hostile(900)
    for text in texts:
        written = quote(text[:900])
        for name in names:
            path = f"{call.path}?{name}={written}"
            await check(f"{name}={ascii(text)[:40]}", len(path), path=path)
        if id in call.path:
            path = call.path.replace(id, written)
            await check(f"path {ascii(text)[:40]}", len(path), path=path)
    for query in ("a=1&" * 1_500, "&" * 6_000, "a&" * 3_000, ";" * 6_000, "%" * 6_000):
        await check(query[:10], len(query), path=f"{call.path}?{query}")
        path = "".join(f"{names[-1]}={each}&" for each in range(300))
        await check("many times", len(path), path=f"{call.path}?{path}")
    for header in _HEADERS:
        for unit in _HEADER_UNITS:
            text = (unit * 6_000)[:6_000]
            await check(f"{header}: {unit}", len(text), headers={header: text})
    return wrong


@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_any_text_for_the_sandbox_costs_by_its_length(
    server: Server, tenants: Mapping[str, Tenant], edge: Edge
) -> None:
    tenant = tenants[edge.name]
    path = f"/sandbox/v1/deliveries/{await tenant.create()}/advance"
    call = Call("POST", path, {"status": "assigned", "note": "n"}, {"x-api-key": tenant.key})
    assert await checked(server, call, [TextField(("status",), None), *texts_of(Advance)]) == []


@pytest.fixture
async def company(server: Server) -> UUID:
    """A courier company with a platform of its own."""
    id = new_id()
    zone = MARKETS["AO"].time_zone
    company = Company(id, "AO", None, "Far", f"far-{id.hex}", Connector.REMOTE, zone, active=False)
    await save_company(server.platform, company)
    secrets = {Mode.LIVE: SECRET}
    await connect(server.platform, company, Link(id, "https://far.example", secrets, secrets))
    return id


async def test_any_text_of_another_platform_costs_by_its_length(
    server: Server, company: UUID
) -> None:
    body: dict[str, Any] = {"delivery_id": "up-1", "data": {"metadata": {}}}
    call = Call("POST", f"/upstream/{company}/webhooks", body, {})
    assert (await call.send(server)).status == 204
    assert await checked(server, call, texts_of(remote.Hint)) == []
    assert await _checked_head(server, call, str(company), ["unknown"]) == []


@pytest.mark.parametrize("end", ["", "/events"], ids=["page", "stream"])
@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_any_request_for_a_tracking_page_costs_by_its_length(
    server: Server, tenants: Mapping[str, Tenant], edge: Edge, end: str
) -> None:
    tenant = tenants[edge.name]
    id = await tenant.create()
    if end:  # a stream of what has ended is answered at once
        assert (await tenant.call(edge.cancel(id))).status == 200
    call = Call("GET", f"/track/{id}{end}", None, {})
    assert await _checked_head(server, call, id, ["unknown", "lang", "seen"]) == []


@pytest.fixture
async def phone(server: Server) -> DriverAtPhone:
    """A driver on shift, signed in."""
    return await (await driver_stage(server)).driver_at_phone()


async def test_any_text_of_a_tap_costs_by_its_length(server: Server, phone: DriverAtPhone) -> None:
    texts = dict.fromkeys(("reason", "note", "pin", "point"), "x")
    body = {
        "driver": str(phone.driver.id),
        "device": str(phone.device),
        "now": now_ms(),
        "taps": [phone.made("attempt_failed", phone.driver.id, **texts)],
    }
    of_taps = [TextField(("taps", "0", "facts", name), 500) for name in texts]
    kinds = [TextField(("driver",), None), TextField(("taps", "0", "kind"), None)]
    call = Call("POST", "/driver/taps", body, {**OUR_PAGE, **_of_phone(phone)})
    assert (await call.send(server)).status == 200
    assert await checked(server, call, [*of_taps, *kinds]) == []


async def test_any_text_of_a_drivers_proof_costs_by_its_length(
    server: Server, phone: DriverAtPhone
) -> None:
    names = ("driver", "key", "about", "kind", "stage", "at", "now", "said", "latitude")
    plain = dict.fromkeys(names, "x") | {"driver": str(phone.driver.id)}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = {**OUR_PAGE, **_of_phone(phone), **form}
    call = Call("POST", "/driver/proofs", urlencode(plain).encode(), sent)
    assert (await call.send(server)).status == 400
    meter = Meter(server, replace(call, body=None))
    await meter.calibrate()
    wrong: list[str] = []
    for name in ("key", "kind", "at", "said"):
        for text in hostile(5_000):
            body = urlencode(plain | {name: text}).encode()
            if problem := await meter.check(len(body), body=body):
                wrong.append(f"{name}: {ascii(text)[:40]}: {problem}")
    assert wrong == []


def _of_phone(phone: DriverAtPhone) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in phone.cookies.items())}


def _bodies(of: type[operator.Closed] = operator.Closed) -> Iterator[type[operator.Closed]]:
    for kind in of.__subclasses__():
        yield kind
        yield from _bodies(kind)


@pytest.mark.parametrize("model", [*_bodies()], ids=lambda model: model.__name__)
def test_any_text_in_a_body_of_the_operators_costs_by_its_length(
    model: type[operator.Closed],
) -> None:
    schema = model.model_json_schema(by_alias=True)
    plain, fields = Document(schema).sample(schema), texts_of(model)

    def cost(body: Any) -> float:
        began = time.process_time()
        with suppress(InvalidRequest):
            operator.read_json(model, body, operator.ANYWHERE)
        return time.process_time() - began

    least = min(cost(plain) for _ in range(4))
    for field in [*fields, TextField(("unknown",), None)]:
        for text in hostile(20_000):
            value = {text[:200]: text} if field.is_free else text
            body = replaced(plain, field.path, value)
            most = FLOOR + 6 * least + len(text) * 1e-6
            assert min(cost(body) for _ in range(2)) <= most, f"{field}: {ascii(text)[:40]}"


# What a key may make of the processor


_COSTLY = {
    "objects": "[{}]",
    "members": '{{"a%d": {}}}',
    "texts": '["\\u0416"]',
    "numbers": "[1.5]",
    "escapes": '"\\"\\\\"',
    "nothing": '"xxxx"',
}
_TOKENS = 40
_SHARE = 3


def _costly(kind: str, size: int) -> str:
    """JSON of just below `size` bytes, of many values of a kind."""
    unit = _COSTLY[kind]
    begin, one, end = unit[0], unit[1:-1], unit[-1]
    between = "" if begin == '"' else ","
    written = [one % number if "%" in one else one for number in range(size // (len(one) + 4))]
    return begin + between.join(written) + end


async def _spent(server: Server, tenant: Tenant, call: Call, body: bytes) -> tuple[float, int]:
    """What the processor spends until the key may no more, in seconds, and on how many."""
    await tenant.call(tenant.edge.list)  # the key is known from here on
    began = time.process_time()
    for count in range(2 * _TOKENS):
        if (await call.send(server, body=body)).status == 429:
            return time.process_time() - began, count
    raise AssertionError("the key may do what it pleases")


@pytest.mark.parametrize("kind", _COSTLY)
@pytest.mark.parametrize("edge", EDGES, ids=str)
async def test_what_a_key_may_make_of_the_processor_does_not_depend_on_its_bodies(
    server: Server, edge: Edge, kind: str
) -> None:
    operation = next(
        each for each in OPERATIONS if each.edge is edge and each.name.endswith("/quotes")
    )

    async def spent(unknown: str) -> float:
        tenant = await server.tenant(edge, rate_per_second=1, burst=_TOKENS)
        call = operation.call(tenant, "x")
        plain = json.dumps(call.body).encode()
        body = plain[:-1] + b', "unknown": ' + unknown.encode() + b"}"
        assert len(body) <= BODY_LIMIT
        return (await _spent(server, tenant, call, body))[0]

    plain = min([await spent("1") for _ in range(2)])
    for size in (15 * 1024, BODY_LIMIT - 2048):
        most = _SHARE * plain + FLOOR
        found = await spent(_costly(kind, size))
        if found > most:  # once more: something else may have made it so
            found = await spent(_costly(kind, size))
        assert found <= most, f"{size} bytes: {found:.3f} s of the processor, {plain:.3f} s plain"

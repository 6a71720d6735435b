"""A request costs in proportion to its size, whatever stands in it: every text of every operation.

The fields are found in the contracts and in the models, so that a new one is covered by being
there. What a request costs is the processor's time of this process, in which server and caller are,
measured by what a plain request of the same operation costs here and now.
"""

import hashlib
import hmac
import json
import signal
import time
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
import yaml
from pydantic import BaseModel

from estafette.core.accounts.account import MARKETS, Mode
from estafette.core.couriers.company import Company, Connector
from estafette.core.ids import new_id
from estafette.couriers.entrega import schemas as remote
from estafette.couriers.sandbox.app import Advance
from estafette.dialects import entrega, kaspi
from estafette.dialects.entrega import schemas as entrega_schemas
from estafette.dialects.kaspi import schemas as kaspi_schemas
from estafette.http.request import BODY_LIMIT
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.couriers.links import Link, connect
from tests.edges import EDGES, Edge
from tests.schemas import Document, TextField, objects, replaced
from tests.serving import Answer, Server, Tenant, running

_UNITS = (
    *("a", "aa.", "1 ", "+1", "(", "://", "http://a?", "@", "a@", "ab_", "sandbox:", "Almaty, "),
    *("Алматы aа ", "\u0301", "\u0316\u0301", "\uff9e\u0345", "\ufdfa", "\u202e", "\u200b"),
    *("\U0001f468\u200d", "٣", "\u00a0", "\n \n", '\\"', "\ud7ff"),
)
_ENDS = {"": "", "tel:1;phone-context=": "!", "a": "\u0316", "https://": "/"}
_LONG = 20_000
"""How long the texts are that no field takes, in characters."""


def _hostile(length: int) -> list[str]:
    """Texts of just that length."""
    texts = [(unit * length)[:length] for unit in _UNITS]
    for begin, end in _ENDS.items():
        middle = length - len(begin) - len(end)
        texts += [f"{begin}{('aa.' * length)[:middle]}{end}"] if middle > 0 else []
    marks = (length - 1) // 2
    texts.append("a" + "\u0301" * marks + "\u0316" * marks)
    return texts


class _TooSlowError(BaseException):
    """A request has held the processor for seconds; even a pattern of `re` is cut off so."""


@contextmanager
def _cut_off(seconds: float) -> Generator[None]:
    def stop(_signal: int, _frame: object) -> None:
        raise _TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass(frozen=True)
class _Call:
    """A request, and how it is refused in its API's shape."""

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]
    edge: Edge | None = None

    async def send(self, server: Server, **changes: Any) -> Answer:
        """Sends it with another path, body or headers; a body is sent as raw UTF-8."""
        told = {**self.__dict__, **changes}
        data = told["body"]
        if data is not None and not isinstance(data, bytes):
            data = json.dumps(data, ensure_ascii=False).encode()
        headers = {**self.headers, **changes.get("headers", {})}
        if "/upstream/" in self.path and data is not None:
            digest = hmac.new(_SECRET.encode(), data, hashlib.sha256).hexdigest()
            headers.setdefault("x-entrega-signature", f"sha256={digest}")
        return await server.request(self.method, told["path"], data, headers)


_SECRET = "whsec-x"


class _Meter:
    """Measures requests of one operation by a plain one of it."""

    def __init__(self, server: Server, call: _Call) -> None:
        self._server = server
        self._call = call
        self._plain = 0.0
        self._per_byte = 0.0

    async def calibrate(self) -> None:
        """Finds out what a plain request costs, and each byte more of a body that says nothing."""
        small = [(await self._cost(_LIMIT, {}))[0] for _ in range(4)]
        self._plain = min(small)
        if self._call.body is not None:
            large = replaced(self._call.body, ("unknown",), "x" * 50_000)
            costs = [(await self._cost(_LIMIT, {"body": large}))[0] for _ in range(3)]
            self._per_byte = max(0.0, (min(costs) - self._plain) / 50_000)

    async def check(self, size: int, **changes: Any) -> str | None:
        """What is wrong with the answer to a changed request of some `size` in bytes, or None."""
        allowed = _FLOOR + 6 * self._plain + 12 * size * max(self._per_byte, self._plain / 200_000)
        cost, answer = 0.0, None
        for _ in range(4):
            try:
                cost, answer = await self._cost(max(allowed * 20, 1.0), changes)
            except _TooSlowError:
                return "it never ends"
            if answer.status >= 500:
                return f"status {answer.status}"
            if cost <= allowed:
                break
        else:
            return f"{cost * 1000:.1f} ms where {allowed * 1000:.1f} are allowed"
        if (
            answer.status >= 400
            and self._call.edge
            and answer.headers["content-type"][:9] != "text/html"
        ):
            self._call.edge.check_error(answer.status, answer.headers, answer.body)
        return None

    async def _cost(self, limit: float, changes: Mapping[str, Any]) -> tuple[float, Answer]:
        began = time.process_time()
        with _cut_off(limit):
            answer = await self._call.send(self._server, **changes)
        return time.process_time() - began, answer


_LIMIT = 10.0
_FLOOR = (
    0.005  # seconds; where the processor's time is counted in coarse steps, a request takes none
)


async def _checked(server: Server, call: _Call, fields: list[TextField]) -> list[str]:
    """What is wrong with hostile texts in the fields of a request's body, and in unknown ones."""
    meter = _Meter(server, call)
    await meter.calibrate()
    wrong: list[str] = []

    async def check(where: object, text: str, body: Any) -> None:
        if problem := await meter.check(len(text.encode()), body=body):
            wrong.append(f"{where}: {ascii(text)[:60]} ({len(text)}): {problem}")

    for field in fields:
        lengths = {_LONG, min(field.longest or _LONG, _LONG)}
        for text in (text for length in lengths for text in _hostile(length)):
            value = {text[:200]: text} if field.is_free else text
            await check(field, text, replaced(call.body, field.path, value))
    for path in objects(call.body):
        for text in _hostile(_LONG)[-4:]:
            value = {"a": [text], text[:5_000]: 1}
            await check((*path, "unknown"), text, replaced(call.body, (*path, "unknown"), value))
    return wrong


# What is walked


def _document(edge: Edge) -> dict[str, Any]:
    contracts = {"kaspi": kaspi, "entrega": entrega}
    app = import_module(f"{contracts[edge.name].__name__}.app")
    return yaml.safe_load(app.CONTRACT)


@dataclass(frozen=True)
class _Operation:
    """An operation of a contract, with what may be put into it."""

    edge: Edge
    name: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    document: Document

    def __str__(self) -> str:
        return f"{self.edge}-{self.name}"

    def call(self, tenant: Tenant, id: str) -> _Call:
        """A plain request of it."""
        method, template = self.name.split(" ", 1)
        path = template
        for each in self.parameters:
            if each["in"] == "path":
                own = each["name"] in self.edge.delivery_parameters
                value = id if own else str(each.get("example", "x"))
                path = path.replace(f"{{{each['name']}}}", value)
        body = None if self.body is None else self.document.sample(self.body)
        headers = tenant.authorization(self.name)
        return _Call(method, self.edge.base + path, body, headers, self.edge)

    def fields(self) -> list[TextField]:
        """The texts of its body."""
        return [] if self.body is None else list(self.document.texts(self.body))


def _operations() -> Iterator[_Operation]:
    for edge in EDGES:
        root = _document(edge)
        document = Document(root)
        for path, item in root["paths"].items():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                own = (*item.get("parameters", ()), *operation.get("parameters", ()))
                body = document.resolved(operation.get("requestBody", {})).get("content", {})
                yield _Operation(
                    edge,
                    f"{method.upper()} {path}",
                    tuple(document.resolved(each) for each in own),
                    next(iter(body.values()))["schema"] if body else None,
                    document,
                )


OPERATIONS = list(_operations())
_EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
_WITH_BODY = pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.body], ids=str)


def _models(module: Any) -> list[type[BaseModel]]:
    values: list[Any] = [getattr(module, name) for name in dir(module)]
    kinds = [each for each in values if isinstance(each, type) and issubclass(each, BaseModel)]
    return [each for each in kinds if each.__module__ == module.__name__]


def _texts(model: type[BaseModel]) -> list[TextField]:
    schema = model.model_json_schema(by_alias=True)
    return list(Document(schema).texts(schema))


# Every text has a length


@_EVERY
def test_every_text_of_an_operation_has_a_length(operation: _Operation) -> None:
    texts = [each for each in operation.fields() if not each.is_free]
    for parameter in operation.parameters:
        texts += operation.document.texts(parameter["schema"], (parameter["name"],))
    assert [str(each) for each in texts if each.longest is None] == []


_FORMATTED = {"date-time", "uuid"}  # whose reader knows how long they are


@pytest.mark.parametrize("model", [Advance, *_models(remote)], ids=lambda model: model.__name__)
def test_every_text_that_is_read_without_a_contract_has_a_length(model: type[BaseModel]) -> None:
    schema = model.model_json_schema()
    endless = [each for each in Document(schema).texts(schema) if each.longest is None]
    known = [each for each in endless if each.is_free or _is_formatted(schema, each)]
    assert [str(each) for each in endless if each not in known] == []


def _is_formatted(schema: Mapping[str, Any], field: TextField) -> bool:
    document = Document(schema)
    found = document.resolved(schema)
    for name in field.path:
        found = document.resolved(found["items"] if name == "0" else found["properties"][name])
    return found.get("format") in _FORMATTED


_BODIES = {
    "kaspi": (
        (kaspi_schemas.DeliveryRequest, "DeliveryRequest"),
        (kaspi_schemas.QuoteRequest, "QuoteRequest"),
        (kaspi_schemas.CancelRequest, "CancelRequest"),
        (kaspi_schemas.TestRequest, "TestWebhookRequest"),
    ),
    "entrega": (
        (entrega_schemas.QuoteRequest, "QuoteRequest"),
        (entrega_schemas.DeliveryRequest, "DeliveryRequest"),
    ),
}


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_the_lengths_of_the_contract_are_those_of_the_code(edge: Edge) -> None:
    root = _document(edge)
    schemas = root["components"]["schemas"]
    for model, name in _BODIES[edge.name]:
        promised = {each.path: each.longest for each in Document(root).texts(schemas[name])}
        for each in _texts(model):
            if each.path == ("type",):
                continue  # a word of a list in the contract
            assert each.path in promised, f"{name}.{each}"
            assert each.longest in (None, promised[each.path]), f"{name}.{each}"


def test_what_a_quote_binds_is_at_most_16_kib_of_text() -> None:
    for edge, name in ((EDGES[0], "QuoteRequest"), (EDGES[1], "QuoteRequest")):
        root = _document(edge)
        fields = Document(root).texts(root["components"]["schemas"][name])
        assert sum(4 * (field.longest or 0) for field in fields) <= 16 * 1024


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
    server: Server, tenants: Mapping[str, Tenant], operation: _Operation
) -> None:
    tenant = tenants[operation.edge.name]
    call = operation.call(tenant, await tenant.create())
    assert await _checked(server, call, operation.fields()) == []


@_EVERY
async def test_any_text_in_a_path_query_or_header_costs_by_its_length(
    server: Server, tenants: Mapping[str, Tenant], operation: _Operation
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


async def _checked_head(server: Server, call: _Call, id: str, names: list[str]) -> list[str]:
    meter = _Meter(server, call)
    await meter.calibrate()
    wrong: list[str] = []

    async def check(where: str, size: int, **changes: Any) -> None:
        if problem := await meter.check(size, **changes):
            wrong.append(f"{where}: {problem}")

    texts = _hostile(900)
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
    call = _Call("POST", path, {"status": "assigned", "note": "n"}, {"x-api-key": tenant.key})
    assert await _checked(server, call, [TextField(("status",), None), *_texts(Advance)]) == []


@pytest.fixture
async def company(server: Server) -> UUID:
    """A courier company with a platform of its own."""
    id = new_id()
    zone = MARKETS["AO"].time_zone
    company = Company(id, "AO", None, "Far", f"far-{id.hex}", Connector.REMOTE, zone, active=False)
    await save_company(server.platform, company)
    secrets = {Mode.LIVE: _SECRET}
    await connect(server.platform, company, Link(id, "https://far.example", secrets, secrets))
    return id


async def test_any_text_of_another_platform_costs_by_its_length(
    server: Server, company: UUID
) -> None:
    body: dict[str, Any] = {"delivery_id": "up-1", "data": {"metadata": {}}}
    call = _Call("POST", f"/upstream/{company}/webhooks", body, {})
    assert (await call.send(server)).status == 204
    assert await _checked(server, call, _texts(remote.Hint)) == []
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
    call = _Call("GET", f"/track/{id}{end}", None, {})
    assert await _checked_head(server, call, id, ["unknown", "lang", "seen"]) == []


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


async def _spent(server: Server, tenant: Tenant, call: _Call, body: bytes) -> tuple[float, int]:
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
        most = _SHARE * plain + _FLOOR
        found = min([await spent(_costly(kind, size)) for _ in range(2)])
        assert found <= most, f"{size} bytes: {found:.3f} s of the processor, {plain:.3f} s plain"

"""What every answer has: no cache keeps it, and no browser guesses what it is."""

from collections.abc import Mapping

import pytest

from estafette.http.pages import asset
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.accounts.keys import disable_key, list_keys
from tests import hostile
from tests.edges import Call
from tests.serving import Answer, Tenant
from tests.target import Target

LONG = "a" * 20_000
IDS = (*hostile.IDS, LONG, "%00" * 100, "x%00" + "y" * 100, "%c0%80", "%F4%90%80%80")


def check_private(answer: Answer, why: object) -> None:
    """No cache keeps it, unless it says itself that it is a file that may be kept."""
    assert answer.headers.get("x-content-type-options") == "nosniff", why
    assert answer.headers.get("cache-control") == "no-store", (why, answer.headers)


async def _disabled(tenant: Tenant) -> Tenant:
    """Another account of the dialect, all of whose keys are disabled."""
    other = await tenant.server.tenant(tenant.edge)
    platform = tenant.server.platform
    account = await find_account(platform, other.account.name)
    for key in await list_keys(platform, account):
        await disable_key(platform, account, str(key.id))
    platform.catalog.forget()
    return other


async def test_no_answer_of_a_contracts_operation_is_kept_by_a_cache(target: Target) -> None:
    nobody = target.tenant.with_key("nobody")
    for operation in target.operations:
        if "docs" in operation.path or operation.is_public:
            continue
        call = operation.call(target.edge, target.delivery, await target.tenant.body())
        for tenant in (target.tenant, nobody):
            check_private(await tenant.call(call), operation.name)
        check_private(await target.tenant.call(Call(operation.method, call.path, b"{")), call)
        check_private(await target.tenant.call(Call("PATCH", call.path)), call)


@pytest.mark.parametrize("mounted", ["/delivery", "/v1", "/sandbox/v1", "/upstream", "/track"])
async def test_no_refusal_of_any_part_is_kept_by_a_cache(target: Target, mounted: str) -> None:
    for path in (mounted, f"{mounted}/nothing", f"{mounted}/v1/x/%00", f"{mounted}/{LONG}"):
        for method in ("GET", "POST"):
            answer = await target.tenant.call(Call(method, path))
            assert 400 <= answer.status < 500, (path[:100], answer.status)
            check_private(answer, (method, path[:100]))
    answer = await target.tenant.server.request("GET", "/healthz")
    check_private(answer, "/healthz")


async def test_what_is_no_http_is_answered_so_too(target: Target) -> None:
    (answer,) = await target.talk(b"NONSENSE\r\n\r\n")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


async def test_files_may_be_kept_as_before(target: Target) -> None:
    server = target.tenant.server
    for path in (asset("product.css"), asset("docs.js"), "/widget.js"):
        answer = await server.request("GET", path)
        assert answer.status == 200, path
        assert "max-age" in answer.headers["cache-control"], path
        assert answer.headers["x-content-type-options"] == "nosniff", path


async def test_strange_ids_in_any_path_are_refused_whatever_key_is_shown(target: Target) -> None:
    tenants = {
        "good": target.tenant,
        "disabled": await _disabled(target.tenant),
        "unknown": target.tenant.with_key("nobody"),
    }
    headers: Mapping[str, str] = {"Idempotency-Key": "k-1"}
    async with target.nothing_stored():
        for operation in target.operations:
            if "{" not in operation.path:
                continue
            for id in IDS:
                path = _with(operation.path, id)
                for kind, tenant in tenants.items():
                    answer = await tenant.call(Call(operation.method, path, b"{}"), headers)
                    why = (operation.name, id[:50], kind, answer.status)
                    assert answer.status in (400, 401, 403, 404, 405, 422), why
                    if kind == "disabled":
                        assert answer.status in (401, 403, 404, 405), why


def _with(template: str, value: str) -> str:
    """The path with a value in the place of each parameter."""
    return "/".join(value if part.startswith("{") else part for part in template.split("/"))


@pytest.mark.parametrize(
    "template",
    [
        "POST /sandbox/v1/deliveries/{id}/advance",
        "POST /upstream/{id}",
        "POST /upstream/v1/{id}",
        "GET /track/{id}",
        "GET /track/{id}/events",
        "GET /track/static/{id}",
        "GET /assets/{id}",
        "GET /assets/x/{id}",
        "GET /errors/{id}",
    ],
)
async def test_strange_ids_elsewhere_are_refused(target: Target, template: str) -> None:
    method, _, path = template.partition(" ")
    for id in IDS:
        answer = await target.tenant.call(Call(method, _with(path, id)))
        assert answer.status < 500, (template, id[:50], answer.status)
        assert b"Traceback" not in answer.body
        for name in answer.headers:
            assert "injected" not in name.lower()


_HEADERS = (b"x-api-key", b"authorization", b"idempotency-key", b"x-request-id", b"origin")


async def test_strange_headers_and_queries_are_no_crash(target: Target) -> None:
    path = target.edge.list.path.partition("?")[0]
    key = target.edge.authorize(target.tenant.key)
    for raw in (b"\xff\xfe", b"\xed\xa0\x80", "ж".encode(), b"a" * 20_000):
        for name in (
            b"x-api-key",
            b"authorization",
            b"idempotency-key",
            b"x-request-id",
            b"origin",
        ):
            head = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            (answer,) = await target.talk(head + name + b": " + raw + b"\r\n\r\n")
            assert 400 <= answer.status < 500, (name, raw[:10], answer.status)
    for query in hostile.QUERIES:
        for name in (
            "limit",
            "cursor",
            "search",
            "status",
            "externalOrderId",
            "createdFrom",
            query,
        ):
            answer = await target.tenant.get(f"{path}?{name}={query}", key)
            assert answer.status < 500, (name, query[:50])

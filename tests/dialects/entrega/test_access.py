"""Who may call what: keys, their kinds, their end."""

import pytest

from estafette.core.accounts.account import Mode
from estafette.usecases.accounts.keys import disable_key, revoke_key
from tests.dialects.entrega.answers import DELIVERIES, QUOTES, refused
from tests.edges import ENTREGA, Call
from tests.serving import Server, Tenant

_MERCHANT = [
    Call("GET", "/v1/couriers"),
    Call("POST", QUOTES, {}),
    Call("POST", DELIVERIES, {}),
    Call("GET", DELIVERIES),
    Call("GET", f"{DELIVERIES}/x"),
    Call("DELETE", f"{DELIVERIES}/x"),
    Call("GET", f"{DELIVERIES}/x/events"),
]
_WIDGET = [
    Call("GET", "/v1/widget/couriers"),
    Call("POST", "/v1/widget/quotes", {}),
    Call("POST", "/v1/widget/deliveries", {}),
    Call("GET", "/v1/widget/deliveries/x"),
]
_UNAUTHORIZED = {"title": "Unauthorized", "status": 401, "detail": "Missing or invalid API key"}


def _name(call: Call) -> str:
    return f"{call.method} {call.path}"


@pytest.mark.parametrize("call", [*_MERCHANT, *_WIDGET], ids=_name)
async def test_no_operation_works_without_a_good_key(
    server: Server, entrega: Tenant, call: Call
) -> None:
    key = entrega.key
    shown: list[list[tuple[str, str]]] = [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer nobody")],
        [("Authorization", key)],
        [("Authorization", f"Basic {key}")],
        [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")],
        [("x-api-key", key)],
    ]
    for headers in shown:
        answer = await server.request(call.method, call.path, call.body, headers)
        told = refused(answer, 401)
        assert told == {"type": "http://delivery.example/errors/unauthorized", **_UNAUTHORIZED}
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_scheme_is_written_in_any_case(server: Server, entrega: Tenant) -> None:
    for scheme in ("bearer", "BEARER", "Bearer "):
        headers = {"Authorization": f"{scheme} {entrega.key}"}
        assert (await server.request("GET", DELIVERIES, None, headers)).status == 200


@pytest.mark.parametrize("call", _MERCHANT, ids=_name)
async def test_publishable_keys_are_forbidden_on_the_merchant_api(
    server: Server, entrega: Tenant, call: Call
) -> None:
    headers = entrega.authorization("GET /widget/couriers")
    told = refused(await server.request(call.method, call.path, call.body, headers), 403)
    assert told["title"] == "Forbidden"


@pytest.mark.parametrize("call", _WIDGET, ids=_name)
async def test_secret_keys_are_forbidden_on_the_widget_api_wherever_from(
    entrega: Tenant, call: Call
) -> None:
    refused(await entrega.call(call), 403)
    refused(await entrega.call(call, {"Origin": "https://loja.example"}), 403)


@pytest.mark.parametrize("mode", Mode, ids=str)
async def test_keys_tell_their_kind_and_mode(entrega: Tenant, mode: Mode) -> None:
    word = "live" if mode is Mode.LIVE else "test"
    assert entrega.keys[mode].startswith(f"sk_{word}_")
    assert entrega.page_keys[mode].startswith(f"pk_{word}_")


async def test_disabled_and_revoked_keys_are_invalid(server: Server, entrega: Tenant) -> None:
    await disable_key(server.platform, entrega.account, entrega.key)
    refused(await entrega.get(DELIVERIES), 401)
    live = entrega.in_mode(Mode.LIVE)
    await revoke_key(server.platform, live.account, live.key)
    refused(await live.get(DELIVERIES), 401)


async def test_too_many_requests_are_told_when_to_come_back(server: Server) -> None:
    tenant = await server.tenant(ENTREGA, rate_per_second=1, burst=1)
    assert (await tenant.get(DELIVERIES)).status == 200
    answer = await tenant.get(DELIVERIES)
    refused(answer, 429)
    assert int(answer.headers["Retry-After"]) >= 1

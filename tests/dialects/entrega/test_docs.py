"""The contract as it is served, the page to try it, the pages that explain errors."""

import re

import yaml

from estafette.dialects.entrega.app import CONTRACT
from estafette.dialects.entrega.errors import CODES, KINDS
from tests.edges import ENTREGA
from tests.serving import Server


async def test_contract_is_served_as_json_without_a_key(server: Server) -> None:
    answer = await server.request("GET", "/v1/openapi.json")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.told == yaml.safe_load(CONTRACT)
    assert answer.told["servers"][0]["url"] == ENTREGA.base


async def test_page_takes_everything_from_this_server(server: Server) -> None:
    page = await server.request("GET", "/v1/docs")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    text = page.body.decode()
    assert 'data-contract="openapi.json"' in text
    addresses = re.findall(r'(?:src|href)="([^"#?][^"]*)"', text)
    assert "openapi.json" in addresses
    for address in addresses:
        assert "//" not in address
        path = address if address.startswith("/") else f"/v1/{address}"
        assert (await server.request("GET", path)).status == 200


async def test_every_kind_of_error_has_a_page_that_needs_only_this_server(server: Server) -> None:
    for status, kind in KINDS.items():
        page = await server.request("GET", f"/errors/{kind.slug}")
        assert page.status == 200
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        text = page.body.decode()
        assert kind.title in text
        assert str(status) in text
        for address in re.findall(r'(?:src|href)="([^"#?]+)"', text):
            assert (await server.request("GET", address)).status == 200
    codes = (await server.request("GET", "/errors/unprocessable_entity")).body.decode()
    assert all(f"<code>{code}</code>" in codes for code in CODES)


async def test_errors_are_listed_on_a_page(server: Server) -> None:
    text = (await server.request("GET", "/errors")).body.decode()
    assert all(f'href="/errors/{kind.slug}"' in text for kind in KINDS.values())


async def test_type_of_a_refusal_leads_to_its_page(server: Server) -> None:
    told = (await server.request("GET", "/v1/deliveries")).told
    path = told["type"].removeprefix("http://delivery.example")
    assert (await server.request("GET", path)).status == 200


async def test_unknown_error_is_not_found(server: Server) -> None:
    for path in ("/errors/nonsense", "/errors/unauthorized/x", "/errors/"):
        answer = await server.request("GET", path)
        ENTREGA.check_error(answer.status, answer.headers, answer.body)
        assert answer.status == 404

"""The contract as it is served, for machines and for people."""

import re

import yaml

from estafette.dialects.kaspi.app import CONTRACT
from tests.edges import KASPI
from tests.serving import Server


async def test_contract_is_served_without_a_key(server: Server) -> None:
    answer = await server.request("GET", "/delivery/openapi.yaml")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/yaml"
    assert answer.body.decode() == CONTRACT


async def test_contract_leads_to_the_server_that_serves_it(server: Server) -> None:
    assert yaml.safe_load(CONTRACT)["servers"][0]["url"] == KASPI.base


async def test_page_takes_everything_from_this_server(server: Server) -> None:
    page = await server.request("GET", "/delivery/docs")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    text = page.body.decode()
    addresses = re.findall(r'(?:src|href)="([^"#?][^"]*)"', text)
    assert "openapi.yaml" in addresses
    for address in addresses:
        assert "//" not in address
        path = address if address.startswith("/") else f"/delivery/{address}"
        assert (await server.request("GET", path)).status == 200


async def test_page_shows_the_changelog(server: Server) -> None:
    text = (await server.request("GET", "/delivery/docs")).body.decode()
    for release in yaml.safe_load(CONTRACT)["info"]["x-changelog"]:
        assert f"<h3>{release['version']} " in text
    assert "<code>POST /v1/quotes</code>" in text

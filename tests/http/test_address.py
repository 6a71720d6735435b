"""Whose address a request comes from, and what proxies may say of it."""

from ipaddress import ip_network
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from structlog.testing import capture_logs

from estafette.http.address import ClientAddresses, counted
from estafette.http.fallback import plain
from estafette.http.observe import Observer
from estafette.metrics import RequestMetrics
from tests.serving import listening
from tests.wire import request, wire

_PROXIES = ClientAddresses([ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")])


def _scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    client = None if peer is None else (peer, 1234)
    return {"type": "http", "client": client, "headers": [(b"host", b"x"), *headers]}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 10.9.9.9"], "203.0.113.7"),  # a row of proxies
        ("10.0.0.1", ["203.0.113.7", "10.9.9.9,10.8.8.8"], "203.0.113.7"),
        ("2001:db8:ffff::1", ["203.0.113.7"], "203.0.113.7"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),  # an IPv4 proxy on an IPv6 socket
        ("10.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7:5555"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", ["[2001:db8::1]"], "2001:db8::1"),
        ("10.0.0.1", ["2001:DB8:0::0:1"], "2001:db8::1"),
        ("10.0.0.1", ["fe80::1%eth0"], "fe80::1"),
        ("10.0.0.1", [" \t203.0.113.7 "], "203.0.113.7"),
        ("10.0.0.1", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"),  # a caller within
        ("10.0.0.1", [], "10.0.0.1"),
    ],
)
def test_the_last_hop_that_is_no_trusted_proxy_is_the_caller(
    peer: str, forwarded: list[str], address: str
) -> None:
    assert _PROXIES.of(_scope(peer, *forwarded)) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.9", ["203.0.113.7"], "198.51.100.9"),  # no proxy of ours
        ("10.0.0.1", ["127.0.0.1, 203.0.113.7"], "203.0.113.7"),  # what the caller wrote itself
        ("10.0.0.1", ["127.0.0.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["127.0.0.1, 203.0.113.7, 10.2.2.2"], "203.0.113.7"),
        ("198.51.100.9", ["10.0.0.1"], "198.51.100.9"),  # it only says that it is one
    ],
)
def test_what_a_caller_says_of_itself_is_ignored(
    peer: str, forwarded: list[str], address: str
) -> None:
    assert _PROXIES.of(_scope(peer, *forwarded)) == address


@pytest.mark.parametrize(
    "junk",
    [
        *("unknown", "_hidden", "localhost", "", " ", "203.0.113", "203.0.113.256", "0203.0.113.7"),
        *("203.0.113.7:", "203.0.113.7:99999", "203.0.113.7:x", "203.0.113.7:²", "[2001:db8::1"),
        *("[2001:db8::1]x", "[2001:db8::1]:", "1" * 65, "203.0.113.7\x00", "ÿ", "for=203.0.113.7"),
        '"203.0.113.7"',
    ],
)
def test_behind_an_entry_that_is_no_address_the_caller_is_the_proxy_that_wrote_it(
    junk: str,
) -> None:
    assert _PROXIES.of(_scope("10.0.0.1", junk)) == "10.0.0.1"
    assert _PROXIES.of(_scope("10.0.0.1", f"127.0.0.1, {junk}, 10.2.2.2")) == "10.2.2.2"


def test_a_list_without_end_costs_little() -> None:
    endless = ",".join(["10.0.0.2"] * 7_000)
    assert _PROXIES.of(_scope("10.0.0.1", f"203.0.113.7,{endless}")) == "10.0.0.2"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    for peer in ("127.0.0.1", "10.0.0.1", "::1"):
        assert ClientAddresses().of(_scope(peer, "203.0.113.7")) == peer
    assert ClientAddresses().of(_scope(None, "203.0.113.7")) is None


def test_a_proxy_nearby_that_is_not_trusted_is_remarked_on_once() -> None:
    addresses = ClientAddresses()
    with capture_logs() as lines:
        addresses.of(_scope("8.8.8.8", "203.0.113.7"))  # anybody may write it
        assert lines == []
        for _ in range(3):
            addresses.of(_scope("10.0.0.1", "203.0.113.7"))
    (line,) = lines
    assert (line["log_level"], line["client"]) == ("warning", "10.0.0.1")
    assert "ESTAFETTE_TRUSTED_PROXIES" in line["event"]


@pytest.mark.parametrize(
    ("address", "as_what"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_caller_is_counted_by_its_network(address: str, as_what: str) -> None:
    assert counted(address) == as_what


async def test_the_application_and_the_log_are_told_the_callers_address() -> None:
    async def client(asked: Request) -> Response:
        assert asked.client is not None
        return PlainTextResponse(f"{asked.client.host} {asked.client.port}")

    with capture_logs() as lines:
        observer = Observer(
            Router([Route("/", client)]),
            logger=structlog.stdlib.get_logger("estafette.http"),
            metrics=RequestMetrics(CollectorRegistry()),
            addresses=ClientAddresses([ip_network("127.0.0.0/8")]),
        )
        async with listening(observer, plain) as port, wire(port) as connection:
            said = {"X-Forwarded-For": "192.0.2.66, 203.0.113.7"}
            connection.send(request("GET", "/", said))
            answer = await connection.answer()
            assert answer is not None
            assert answer.body == b"203.0.113.7 0"
    assert [(line["event"], line["client"]) for line in lines] == [("request", "203.0.113.7")]

"""Where applications are mounted: by a path prefix, or by a host name of their own."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Receive, Scope, Send

from estafette.http.fallback import Words
from estafette.http.mounts import Mount, Mounted, Mounts
from estafette.http.observe import Observer
from estafette.http.reply import HttpReply, send_reply
from estafette.http.resource import resources
from estafette.metrics import RequestMetrics
from tests.serving import listening
from tests.wire import wire

_URL = "https://delivery.example:8443"
_BY_PATH, _BY_HOST = Mount("/v1"), Mount(host="lisbon")


def _application(name: str) -> ASGIApp:
    async def told(_scope: Scope, _receive: Receive) -> HttpReply:
        return HttpReply(200, name.encode())

    async def crash(_scope: Scope, _receive: Receive) -> HttpReply:
        raise ZeroDivisionError

    paths = {"/v1/things": told, "/things": told, "/v1/crash": crash, "/crash": crash}
    return resources(
        {path: {"GET": handler} for path, handler in paths.items()},
        lambda _: HttpReply(404, f"unknown to {name}".encode()),
    )


def _mounts(*mounts: Mount, url: str = _URL) -> Mounts:
    async def rest(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send_reply(send, HttpReply(200, b"rest"))

    def mounted(mount: Mount) -> Mounted:
        name = mount.host or mount.prefix
        words = f"crash of {name}".encode()

        def crash(_status: int) -> Words:
            return Words("text/plain", words)

        return Mounted(mount, _application(name), crash)

    return Mounts(url, [mounted(each) for each in mounts], rest)


class _Silent:
    def info(self, event: str, /, **facts: object) -> None: ...

    def error(self, event: str, /, **facts: object) -> None: ...


@asynccontextmanager
async def _served(registry: CollectorRegistry) -> AsyncGenerator[int]:
    mounts = _mounts(_BY_PATH, _BY_HOST)
    observer = Observer(
        mounts,
        logger=_Silent(),
        metrics=RequestMetrics(registry),
        fallback=mounts.fallback,
    )
    async with listening(observer, mounts.fallback) as port:
        yield port


async def _ask(port: int, host: str, path: str) -> str:
    async with wire(port) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = await connection.answer()
        assert answer is not None
        return answer.body.decode()


@pytest.mark.parametrize(
    ("host", "path", "told"),
    [
        ("delivery.example", "/v1/things", "/v1"),
        ("delivery.example:8443", "/v1/things", "/v1"),
        ("127.0.0.1", "/v1/things", "/v1"),
        ("lisbon.delivery.example", "/v1/things", "lisbon"),
        ("LISBON.delivery.example.:8443", "/v1/things", "lisbon"),
        ("lisbon.localhost:8000", "/v1/things", "lisbon"),
        ("lisbon.delivery.example", "/things", "lisbon"),
        ("lisbon.delivery.example", "/", "unknown to lisbon"),
        ("lisbon.elsewhere.example", "/v1/things", "/v1"),
        ("porto.lisbon.delivery.example", "/v1/things", "/v1"),
        ("lisbon", "/v1/things", "/v1"),
        ("delivery.example", "/things", "rest"),
    ],
)
async def test_a_host_name_of_its_own_wins_over_a_prefix(host: str, path: str, told: str) -> None:
    async with _served(CollectorRegistry()) as port:
        assert await _ask(port, host, path) == told


async def test_where_the_code_cannot_speak_the_owner_by_host_has_the_word() -> None:
    async with _served(CollectorRegistry()) as port:
        assert await _ask(port, "lisbon.localhost", "/v1/crash") == "crash of lisbon"
        assert await _ask(port, "delivery.example", "/v1/crash") == "crash of /v1"
        assert await _ask(port, "lisbon.localhost", "/v1/\x01") == "crash of lisbon"


async def test_routes_of_two_owners_are_measured_apart() -> None:
    registry = CollectorRegistry()
    async with _served(registry) as port:
        for host in ("delivery.example", "lisbon.localhost", "lisbon.localhost"):
            await _ask(port, host, "/v1/things")
        await _ask(port, "lisbon.localhost", "/nothing")

    def count(route: str, status: str = "200") -> float | None:
        labels: Mapping[str, str] = {"method": "GET", "route": route, "status": status}
        return registry.get_sample_value("estafette_http_requests_total", dict(labels))

    assert count("/v1/things") == 1
    assert count("//lisbon/v1/things") == 2
    assert count("//lisbon/*", "404") == 1


@pytest.mark.parametrize("two", [(_BY_PATH, _BY_PATH), (_BY_HOST, _BY_HOST)], ids=str)
def test_no_two_are_mounted_at_one_place(two: tuple[Mount, Mount]) -> None:
    with pytest.raises(ValueError, match="mounted at"):
        _mounts(*two)


@pytest.mark.parametrize(
    ("prefix", "host"),
    [("", ""), ("/v1", "lisbon"), ("v1", ""), ("/v1/x", ""), ("/", ""), ("", "a.b"), ("", "-a")],
)
def test_a_mount_is_one_part_of_a_path_or_of_a_host_name(prefix: str, host: str) -> None:
    with pytest.raises(ValueError, match=r"mounted|is not one part"):
        Mount(prefix, host)


@pytest.mark.parametrize(
    ("server", "url"),
    [
        (_URL, "https://lisbon.delivery.example:8443"),
        ("http://localhost:8000", "http://lisbon.localhost:8000"),
        ("http://127.0.0.1:8000", "http://lisbon.localhost:8000"),
        ("http://[::1]", "http://lisbon.localhost"),
    ],
)
def test_the_address_of_a_host_name_stands_before_the_servers(server: str, url: str) -> None:
    assert _BY_HOST.url(server) == url
    assert _BY_PATH.url(server) == f"{server}/v1"

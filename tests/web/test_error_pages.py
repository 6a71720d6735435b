"""Errors are pages for people who come with a browser, and as ever for programs."""

import aiohttp
import pytest

from tests.serving import Answer, Server

_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
_JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
_PATHS = {
    "/nothing": "text/plain; charset=utf-8",
    "/delivery/nothing": "application/json",
    "/v1/nothing": "application/problem+json",
    "/sandbox/nothing": "application/json",
    "/errors/nothing": "application/problem+json",
    "/assets/nothing": "text/plain; charset=utf-8",
}


async def _asked(server: Server, path: str, headers: dict[str, str]) -> Answer:
    return await server.request("GET", path, headers=headers)


@pytest.mark.parametrize("path", _PATHS)
async def test_a_person_sees_a_page_where_a_program_gets_its_shape(
    server: Server, path: str
) -> None:
    page = await _asked(server, path, {"Accept": _BROWSER, "Accept-Language": "ru"})
    assert page.status == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-language"] == "ru"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert "Здесь ничего нет" in page.body.decode()
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.9", _JAVA, "?", ""):
        told = await _asked(server, path, {"Accept": accept})
        assert (told.status, told.headers["content-type"]) == (404, _PATHS[path]), accept
    for key in ("Authorization", "X-API-Key"):
        told = await _asked(server, path, {"Accept": _BROWSER, key: "Bearer sk_test_x"})
        assert told.headers["content-type"] == _PATHS[path]


async def test_a_page_keeps_what_its_refusal_says_besides(server: Server) -> None:
    page = await server.request("DELETE", "/v1/docs", headers={"Accept": "text/html"})
    assert page.status == 405
    assert page.headers["allow"] == "GET, HEAD"
    assert page.headers["x-request-id"]
    assert "Not in this way" in page.body.decode()


async def test_the_page_of_an_error_has_no_body_for_head(server: Server) -> None:
    async with aiohttp.ClientSession() as client:
        head = await client.head(f"{server.url}/nothing", headers={"Accept": "text/html"})
        assert head.status == 404
        assert int(head.headers["content-length"]) > 1000


async def test_an_address_does_not_become_markup(server: Server) -> None:
    path = "/nothing?lang=<script>&x=%22><script>alert(1)</script>"
    page = await _asked(server, path, {"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert b"<script>alert" not in page.body

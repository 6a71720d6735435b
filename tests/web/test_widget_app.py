"""`/widget.js` over HTTP."""

import re

from estafette.web.widget import SCRIPT
from tests.serving import Server


async def test_script_may_be_loaded_by_pages_of_anywhere(server: Server) -> None:
    answer = await server.request("GET", "/widget.js", None, {"Origin": "https://loja.example"})
    assert (answer.status, answer.body) == (200, SCRIPT)
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=600" in answer.headers["Cache-Control"]


async def test_script_that_a_browser_has_is_not_sent_again(server: Server) -> None:
    tag = (await server.request("GET", "/widget.js")).headers["ETag"]
    for condition in (tag, f"W/{tag}", f'"older", {tag}', "*"):
        answer = await server.request("GET", "/widget.js", None, {"If-None-Match": condition})
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert "Cache-Control" in answer.headers
        assert "Content-Length" not in answer.headers
    changed = await server.request("GET", "/widget.js", None, {"If-None-Match": '"older"'})
    assert changed.status == 200


async def test_head_tells_what_get_would(server: Server) -> None:
    get = await server.request("GET", "/widget.js")
    head = await server.request("HEAD", "/widget.js")
    assert (head.status, head.body) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]


async def test_nothing_else_can_be_done_with_the_script(server: Server) -> None:
    answer = await server.request("POST", "/widget.js", b"{}")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert (await server.request("GET", "/widget.js/more")).status == 404


def test_script_needs_nothing_that_a_strict_policy_forbids() -> None:
    text = SCRIPT.decode()
    forbidden = ("eval(", "new Function", "innerHTML", "outerHTML", "insertAdjacentHTML",
                 "document.write", '"style"', "import(")  # fmt: skip
    assert [each for each in forbidden if each in text] == []
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)[\w.]+", text) == []

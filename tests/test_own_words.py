"""What is refused is told in our words: no framework's, and none that change with its version."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest

from estafette.dialects.entrega import schemas as entrega
from estafette.dialects.kaspi import schemas as kaspi
from estafette.http.fields import Context, read
from estafette.http.refusals import BadBody, InvalidRequest
from estafette.http.strict_json import decode
from estafette.scraping import scraped
from tests.processes import free_port
from tests.schemas import Document, Path, replaced
from tests.serving import running

_PHRASES = {status.phrase.lower() for status in HTTPStatus}
_PATHS = (
    "/",
    "/nothing",
    "/favicon.ico",
    "/%00",
    "/delivery",
    "/delivery/nothing",
    "/v1",
    "/v1/nothing",
    "/v1/docs/nothing",
    "/assets",
    "/assets/x/nothing",
    "/errors/nothing",
    "/sandbox",
    "/sandbox/docs",
    "/upstream",
    "/upstream/nothing/webhooks",
    "/track",
    "/track/nothing",
    "/track/static/nothing",
    "/widget.js",
    "/widget.js/",
    "/healthz",
    "/readyz/",
    "/metrics",
)


async def test_no_path_is_refused_in_the_words_of_a_framework(postgres_dsn: str) -> None:
    refused = 0
    async with running(postgres_dsn, metrics_token="a-token") as server:
        for path in _PATHS:
            for method in ("GET", "POST", "PUT", "OPTIONS"):
                answer = await server.request(method, path)
                if answer.status < 400:
                    continue
                refused += 1
                text = answer.body.decode().strip().lower()
                assert text, (method, path)
                assert text not in _PHRASES, (method, path)
                assert (
                    "detail" not in text
                    or "problem" in answer.headers["content-type"]
                    or ("html" in answer.headers["content-type"])
                ), (method, path)
                if answer.status == 405:
                    assert answer.headers["allow"], (method, path)
    assert refused > 50


async def test_the_port_of_the_metrics_speaks_so_too() -> None:
    port = free_port()
    async with (
        scraped("127.0.0.1", port, "a-token"),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        for method, path, told in (
            ("GET", "/nothing", "Nothing is served under this path\n"),
            ("POST", "/metrics", "This path knows GET, HEAD\n"),
            ("GET", "/metrics", "The token is missing or wrong\n"),
        ):
            async with session.request(method, path) as answer:
                assert await answer.text() == told


_BODIES = (
    kaspi.DeliveryRequest,
    kaspi.QuoteRequest,
    kaspi.CancelRequest,
    kaspi.TestRequest,
    entrega.QuoteRequest,
    entrega.DeliveryRequest,
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    10**400,
    -(10**400),
    2**63,
    "",
    "x" * 100_000,
    [],
    [[1]],
    {},
    {"a": 1},
)
_BEGINNINGS = ("is ", "must ", "contains ")


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for name, member in value.items():  # pyright: ignore[reportUnknownVariableType] - JSON
            yield from _places(member, (*path, str(name)))  # pyright: ignore[reportUnknownArgumentType]


@pytest.mark.parametrize("model", _BODIES, ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_every_fault_of_a_field_completes_a_sentence_of_ours(model: Any) -> None:
    schema = model.model_json_schema(by_alias=True)
    body = Document(schema).sample(schema)
    reasons: set[str] = set()
    for place in _places(body):
        for value in _VALUES:
            try:
                read(model, replaced(body, place, value), Context("KZ", sandbox=True))
            except InvalidRequest as refusal:
                reasons |= {each.reason for each in refusal.details}
    assert reasons
    assert {reason for reason in reasons if not reason.startswith(_BEGINNINGS)} == set()
    assert {reason for reason in reasons if "nput" in reason or "dictionary" in reason} == set()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "a name in double quotes is missing (line 1, column 2)"),
        (b"{'a': 1}", "a name in double quotes is missing (line 1, column 2)"),
        (b'{"a" 1}', "a colon is missing (line 1, column 6)"),
        (b'{"a": 1\n"b": 2}', "a comma is missing (line 2, column 1)"),
        (b'{"a": }', "a value is missing (line 1, column 7)"),
        (b"order=1", "a value is missing (line 1, column 1)"),
        (b"{} {}", "there is more after its end (line 1, column 4)"),
        (b'{"a": "b', "a text has no end (line 1, column 7)"),
        (b'"a\nb"', "a text contains a control character (line 1, column 3)"),
        (b'"\\x"', "a text contains an unknown escape (line 1, column 2)"),
    ],
)
def test_what_is_no_json_is_told_without_python(body: bytes, told: str) -> None:
    with pytest.raises(BadBody) as refused:
        decode(body)
    assert refused.value.reason == f"is not JSON: {told}"

"""Whatever is sent, within its contract or not: no crash, and nothing undocumented."""

import asyncio
import threading
from collections.abc import Generator
from importlib import import_module
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.generation import GenerationMode

from estafette.dialects.operator.app import CONTRACT
from tests.dialects.operator.calls import new_operator
from tests.serving import running

_openapi: Any = import_module("schemathesis.specs.openapi.checks")  # typed in part only
_CHECKS: list[Any] = [
    import_module("schemathesis.checks").not_a_server_error,
    _openapi.status_code_conformance,
    _openapi.content_type_conformance,
    _openapi.response_headers_conformance,
    _openapi.response_schema_conformance,
]
_SETTINGS = settings(
    max_examples=4,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.generate],
)
_DOCUMENT: dict[str, Any] = yaml.safe_load(CONTRACT)
_OPERATIONS = [
    f"{method.upper()} {path}" for path, item in _DOCUMENT["paths"].items() for method in item
]


@pytest.fixture(scope="module")
def served(postgres_dsn: str) -> Generator[tuple[Any, list[str]]]:
    """The contract at a server in a thread of its own, and a key for each operation."""
    found: list[tuple[Any, list[str]]] = []
    ready, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with running(postgres_dsn) as server:
            schema: Any = schemathesis.openapi.from_dict(_DOCUMENT)
            schema.config.update(base_url=f"{server.url}/operator")
            keys = [(await new_operator(server)).key for _ in range(8)]
            found.append((schema, keys))
            ready.set()
            await over.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield found[0]
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(over.set)
        thread.join()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", _OPERATIONS)
def test_operation_answers_as_documented(
    served: tuple[Any, list[str]], name: str, mode: GenerationMode
) -> None:
    method, path = name.split()
    schema, keys = served
    operation = schema[path][method]
    if mode is GenerationMode.NEGATIVE and "parameters" not in operation.definition.raw:
        return  # there is nothing to be wrong
    headers = {"Authorization": f"Bearer {keys[_OPERATIONS.index(name) % len(keys)]}"}

    @seed(20_261_129)
    @_SETTINGS
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=_CHECKS)

    answers()

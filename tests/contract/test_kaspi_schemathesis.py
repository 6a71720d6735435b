"""The running server against its own contract: whatever is sent, no crash and nothing undocumented.

Two passes: each operation by itself with values that fit and that do not, and chains of operations,
in which ids that were answered are used in what follows.
"""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from estafette.dialects.kaspi.app import CONTRACT
from tests.edges import KASPI
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
    max_examples=30,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.generate],
)
_PHONES = st.from_regex(r"\+7 70[1-8] [0-9]{3} [0-9]{2} [0-9]{2}", fullmatch=True)
_OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in yaml.safe_load(CONTRACT)["paths"].items()
    for method, operation in item.items()
}
_CASES = [
    (name, mode)
    for name, operation in _OPERATIONS.items()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode is GenerationMode.POSITIVE or "parameters" in operation
]


@dataclass(frozen=True)
class _Target:
    url: str
    key: str


@contextmanager
def _served(dsn: str) -> Generator[_Target]:
    """A server in a thread of its own, since schemathesis waits for answers without a loop."""
    found: list[_Target] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with running(dsn) as server:
            tenant = await server.tenant(KASPI, rate_per_second=100_000)
            found.append(_Target(server.url, tenant.key))
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


@pytest.fixture(scope="module")
def target(postgres_dsn: str) -> Generator[_Target]:
    """The server and a key."""
    with _served(postgres_dsn) as target:
        yield target


@pytest.fixture(scope="module")
def contract(target: _Target) -> Any:
    """The contract of the running server."""
    schemathesis.openapi.format("phone", _PHONES)
    schema: Any = schemathesis.openapi.from_dict(yaml.safe_load(CONTRACT))
    schema.config.update(base_url=f"{target.url}{KASPI.base}")
    return schema


@pytest.mark.parametrize(("name", "mode"), _CASES)
def test_operation_answers_as_documented(
    contract: Any, target: _Target, name: str, mode: GenerationMode
) -> None:
    method, path = name.split()
    operation = contract[path][method]
    headers = {"x-api-key": target.key}

    @seed(20_260_304)
    @_SETTINGS
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=_CHECKS)

    answers()


@pytest.mark.parametrize("name", _OPERATIONS)
def test_operation_wants_a_key_where_the_contract_says_so(
    contract: Any, target: _Target, name: str
) -> None:
    method, path = name.split()

    @seed(20_260_304)
    @settings(_SETTINGS, max_examples=3)
    @given(case=contract[path][method].as_strategy())
    def guarded(case: Any) -> None:
        case.call_and_validate(headers={"x-api-key": target.key}, checks=[_openapi.ignored_auth])

    guarded()


def test_chains_of_operations_answer_as_documented(contract: Any, target: _Target) -> None:
    machine: Any = contract.as_state_machine()

    class Chains(machine):
        """Every step shows the key."""

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": {"x-api-key": target.key}}

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            case.validate_response(response, checks=_CHECKS)

    Chains.run(settings=settings(_SETTINGS, max_examples=25, stateful_step_count=6))

"""The running server against its own contract: whatever is sent, no crash and nothing undocumented.

Two passes: each operation by itself with values that fit and that do not, and chains of operations,
in which ids that were answered are used in what follows.
"""

import asyncio
from collections.abc import Callable, Generator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest
import schemathesis
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from estafette.usecases.couriers.companies import companies_of, save_company
from tests.contract.made_up import (
    CHECKS,
    OPENAPI,
    SEED,
    SETTINGS,
    answers_as_documented,
    contract,
    operations,
    served,
)
from tests.documents import document_of
from tests.edges import EDGES, Edge
from tests.serving import Server, Tenant

_PHONES = st.from_regex(r"\+7 70[1-8] [0-9]{3} [0-9]{2} [0-9]{2}", fullmatch=True)
_DOCUMENTS = {edge.name: document_of(edge.name) for edge in EDGES}
_OPERATIONS = [
    pytest.param(edge, name, id=f"{edge}-{name}")
    for edge in EDGES
    for name in operations(_DOCUMENTS[edge.name])
]
_MODES = pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)


@dataclass(frozen=True)
class _Target:
    """A server, and for each dialect what it is called with."""

    url: str
    tenants: Mapping[str, Tenant]
    contracts: Mapping[str, Any]
    new_tenant: Callable[[Edge], Tenant]

    def headers(self, edge: Edge, operation: str) -> dict[str, str]:
        return self.tenants[edge.name].authorization(operation)


async def _tenant(server: Server, edge: Edge) -> Tenant:
    """A tenant whose courier companies, where it has some, carry whatever is made up."""
    tenant = await server.tenant(edge, rate_per_second=100_000)
    for company in await companies_of(server.platform, tenant.account):
        anything = replace(company, service_zones=(), hours=None)
        await save_company(server.platform, anything)
    return tenant


def _contract(edge: Edge, url: str) -> Any:
    document = deepcopy(_DOCUMENTS[edge.name])
    for item in document["paths"].values():
        for operation in item.values():
            for answer in operation["responses"].values():
                for name, link in answer.get("links", {}).items():
                    if name in edge.follows:
                        link["requestBody"] = edge.follows[name]
    return contract(document, f"{url}{edge.base}")


async def _prepared(server: Server, loop: asyncio.AbstractEventLoop) -> _Target:
    tenants = {edge.name: await _tenant(server, edge) for edge in EDGES}
    contracts = {edge.name: _contract(edge, server.url) for edge in EDGES}

    def new_tenant(edge: Edge) -> Tenant:
        return asyncio.run_coroutine_threadsafe(_tenant(server, edge), loop).result()

    return _Target(server.url, tenants, contracts, new_tenant)


@pytest.fixture(scope="module")
def target(postgres_dsn: str) -> Generator[_Target]:
    """The server with its tenants and contracts."""
    schemathesis.openapi.format("phone", _PHONES)
    with served(postgres_dsn, _prepared) as target:
        yield target


@_MODES
@pytest.mark.parametrize(("edge", "name"), _OPERATIONS)
def test_operation_answers_as_documented(
    target: _Target, edge: Edge, name: str, mode: GenerationMode
) -> None:
    schema, headers = target.contracts[edge.name], target.headers(edge, name)
    answers_as_documented(schema, name, mode, headers, examples=12)


@pytest.mark.parametrize(("edge", "name"), _OPERATIONS)
def test_operation_wants_a_key_where_the_contract_says_so(
    target: _Target, edge: Edge, name: str
) -> None:
    method, path = name.split()
    headers = target.headers(edge, name)

    @seed(SEED)
    @settings(SETTINGS, max_examples=3)
    @given(case=target.contracts[edge.name][path][method].as_strategy())
    def guarded(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=[OPENAPI.ignored_auth])

    guarded()


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_chains_of_operations_answer_as_documented(target: _Target, edge: Edge) -> None:
    machine: Any = target.contracts[edge.name].as_state_machine()

    class Chains(machine):
        """Each chain has a tenant of its own: what is drawn next follows from what is answered."""

        def setup(self) -> None:
            machine.setup(self)
            self._tenant = target.new_tenant(edge)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            operation = f"{case.operation.method.upper()} {case.operation.path}"
            return {"headers": self._tenant.authorization(operation)}

        def validate_response(self, response: Any, case: Any, **kwargs: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    Chains.run(settings=settings(SETTINGS, max_examples=15, stateful_step_count=6))

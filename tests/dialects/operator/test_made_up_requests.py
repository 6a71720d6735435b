"""Whatever is sent, within its contract or not: no crash, and nothing undocumented."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest
from schemathesis.generation import GenerationMode

from estafette.dialects.operator.app import CONTRACT
from tests.contract.made_up import answers_as_documented, contract, operations, served
from tests.dialects.operator.calls import new_operator
from tests.documents import document_in
from tests.serving import Server

_DOCUMENT = document_in(CONTRACT)
_OPERATIONS = operations(_DOCUMENT)


async def _prepared(server: Server, _: asyncio.AbstractEventLoop) -> tuple[Any, list[str]]:
    keys = [(await new_operator(server)).key for _ in range(8)]
    return contract(_DOCUMENT, f"{server.url}/operator"), keys


@pytest.fixture(scope="module")
def target(postgres_dsn: str) -> Generator[tuple[Any, list[str]]]:
    """The contract at a server in a thread of its own, and keys to call it with."""
    with served(postgres_dsn, _prepared) as found:
        yield found


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", _OPERATIONS)
def test_operation_answers_as_documented(
    target: tuple[Any, list[str]], name: str, mode: GenerationMode
) -> None:
    schema, keys = target
    headers = {"Authorization": f"Bearer {keys[_OPERATIONS.index(name) % len(keys)]}"}
    answers_as_documented(schema, name, mode, headers, examples=4)

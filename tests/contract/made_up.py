"""Requests that schemathesis makes up from a contract, and how a server is held against it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from importlib import import_module
from typing import Any, TypeVar

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.generation import GenerationMode

from tests.patience import LONGEST_SECONDS
from tests.serving import Server, running

T = TypeVar("T")

OPENAPI: Any = import_module("schemathesis.specs.openapi.checks")  # typed in part only
CHECKS: list[Any] = [
    import_module("schemathesis.checks").not_a_server_error,
    OPENAPI.status_code_conformance,
    OPENAPI.content_type_conformance,
    OPENAPI.response_headers_conformance,
    OPENAPI.response_schema_conformance,
]
SETTINGS = settings(
    max_examples=20,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.generate],
)
SEED = 20_260_304


def operations(document: Mapping[str, Any]) -> list[str]:
    """The operations of a contract, such as `GET /v1/quotes`."""
    return [
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item
    ]


def contract(document: dict[str, Any], url: str) -> Any:
    """A contract as schemathesis knows it, served at this URL."""
    schema: Any = schemathesis.openapi.from_dict(deepcopy(document))
    schema.config.update(base_url=url, request_timeout=LONGEST_SECONDS)
    return schema


def answers_as_documented(
    schema: Any, name: str, mode: GenerationMode, headers: dict[str, str], examples: int
) -> None:
    """Calls one operation with values that fit, or that do not, and checks what is answered."""
    method, path = name.split()
    operation = schema[path][method]
    if mode is GenerationMode.NEGATIVE and "parameters" not in operation.definition.raw:
        return  # there is nothing to be wrong

    @seed(SEED)
    @settings(SETTINGS, max_examples=examples)
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    answers()


@contextmanager
def served(
    dsn: str, prepare: Callable[[Server, asyncio.AbstractEventLoop], Awaitable[T]]
) -> Generator[T]:
    """What is prepared at a server in a thread, since schemathesis waits without a loop."""
    found: list[T] = []
    ready, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with running(dsn) as server:
            found.append(await prepare(server, loop))
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

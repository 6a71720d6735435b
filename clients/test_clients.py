"""Clients that are generated from the contracts as they are served compile, and do their work."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from clients.conftest import Served, Workshop
from clients.examples import examples
from clients.tools import (
    DRIVE,
    GENERATORS,
    NODE,
    OUT,
    PYTHON,
    dev_tool,
    npm_tool,
    python_tool,
    run,
)
from tests.edges import EDGES, Edge

_KNOWN = (
    "OpenAPI 3.1 support is still in beta",  # openapi-generator says it of every such contract
    "Failed to get the schema name: null",  # openapi-generator says it of webhooks
    "Unsupported content_type application/yaml",  # of the contract itself, which clients do not ask
)
"""What generators warn of and is let be, with the reason."""

_PACKAGES = {
    ("openapi-python-client", "kaspi"): ("kaspi-delivery-api-client", "kaspi_delivery_api_client"),
    ("openapi-python-client", "entrega"): ("entrega-api-client", "entrega_api_client"),
    ("openapi-generator-python", "kaspi"): (".", "openapi_client"),
    ("openapi-generator-python", "entrega"): (".", "openapi_client"),
}
"""Where the generators of Python put the client, and what its module is called."""

_PYTHONS = ("openapi-python-client", "openapi-generator-python")
_TYPESCRIPTS = ("openapi-typescript", "hey-api")


def _package(workshop: Workshop, generator: str, edge: Edge) -> tuple[Path, str]:
    """Return the folder that a client's module is in, and the module's name."""
    folder, name = _PACKAGES[generator, edge.name]
    return workshop.client(generator, edge).folder / folder, name


@pytest.mark.parametrize("generator", GENERATORS)
def test_generators_warn_of_nothing(workshop: Workshop, edge: Edge, generator: str) -> None:
    said = workshop.client(generator, edge).said.splitlines()
    warnings = [line for line in said if "warn" in line.lower() and "INFO" not in line]
    parts = [line for line in said if "annot parse" in line or "omitted" in line]
    found = [line for line in (*warnings, *parts) if not any(known in line for known in _KNOWN)]
    headings = ("Warning(s) encountered", "WARNING parsing GET /openapi.yaml within contract")
    assert [line for line in found if not line.startswith(headings)] == []


@pytest.mark.parametrize("generator", _PYTHONS)
def test_python_reads_and_writes_the_examples(
    workshop: Workshop, served: Served, edge: Edge, generator: str
) -> None:
    folder, name = _package(workshop, generator, edge)
    with urllib.request.urlopen(served.contract(edge)) as answer:
        contract: dict[str, Any] = yaml.safe_load(answer.read())
    program = [PYTHON, "-W", "error", DRIVE / "examples.py", name]
    run(program, folder, json.dumps(examples(contract)), PYTHONPATH=str(folder))


def test_python_is_of_the_types_that_it_is_used_by(workshop: Workshop) -> None:
    """What is driven is checked against its client, which is a caller's use of the types."""
    roots: list[dict[str, Any]] = []
    for generator in _PYTHONS:
        for edge in EDGES:
            folder, _ = _package(workshop, generator, edge)
            root = workshop.client(generator, edge).folder
            roots.append({"root": str(root), "extraPaths": [str(folder)]})
    configuration = {
        "include": [f"{root['root']}/drive.py" for root in roots],
        "executionEnvironments": roots,
        "typeCheckingMode": "standard",
    }
    file = OUT / "pyrightconfig.json"
    file.write_text(json.dumps(configuration))
    run([dev_tool("basedpyright"), "--pythonpath", PYTHON, "--project", file], OUT)


@pytest.mark.parametrize("generator", _PYTHONS)
def test_python_does_its_work(
    workshop: Workshop, served: Served, edge: Edge, generator: str
) -> None:
    folder, _ = _package(workshop, generator, edge)
    program = workshop.client(generator, edge).folder / "drive.py"
    command = [PYTHON, "-W", "error", program, *served.arguments(edge)]
    run(command, folder, PYTHONPATH=str(folder))


@pytest.fixture(scope="session")
def javascript(workshop: Workshop) -> Path:
    """All TypeScript, with its examples, checked strictly and compiled."""
    for generator in _TYPESCRIPTS:
        for edge in EDGES:
            workshop.client(generator, edge)
    configuration = {
        "compilerOptions": {
            "strict": True,
            "noUncheckedIndexedAccess": True,
            "target": "es2023",
            "module": "nodenext",
            "types": ["node"],
            "rootDir": ".",
            "outDir": "javascript",
            "skipLibCheck": True,
        },
        "include": [f"*/{generator}/**/*.ts" for generator in _TYPESCRIPTS],
    }
    (OUT / "tsconfig.json").write_text(json.dumps(configuration))
    run([*npm_tool("tsc"), "--project", OUT / "tsconfig.json"], OUT)
    return OUT / "javascript"


@pytest.mark.parametrize("generator", _TYPESCRIPTS)
def test_typescript_compiles_and_does_its_work(
    javascript: Path, served: Served, edge: Edge, generator: str
) -> None:
    program = javascript / edge.name / generator / "drive.js"
    run([NODE, program, *served.arguments(edge)], OUT)


def test_go_reads_and_writes_the_examples_and_does_its_work(
    workshop: Workshop, served: Served, edge: Edge
) -> None:
    folder = workshop.client("openapi-generator-go", edge).folder
    run([python_tool("go"), "build", "-o", "programs/", "./..."], folder)
    run([folder / "programs" / "examples"], folder)
    run([folder / "programs" / "drive", *served.arguments(edge)], folder)

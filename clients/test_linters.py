"""Linters find nothing in the contracts that are served, by the rules that they recommend."""

import json

import pytest

from clients.conftest import Served
from clients.tools import HERE, OUT, ToolFailedError, npm_tool, run
from tests.edges import Edge

_POOR = {
    "openapi": "3.1.0",
    "info": {"title": "Poor", "version": "1"},
    "servers": [{"url": "/"}],
    "paths": {},
}


def test_spectral_finds_nothing(served: Served, edge: Edge) -> None:
    rules = HERE / "spectral.yaml"
    command = [*npm_tool("spectral"), "lint", "--ruleset", rules, "--fail-severity", "hint"]
    run([*command, served.contract(edge)], HERE)


def test_redocly_finds_nothing(served: Served, edge: Edge) -> None:
    command = [*npm_tool("redocly"), "lint", "--config", HERE / "redocly.yaml", "--format", "json"]
    said = run([*command, served.contract(edge)], HERE)
    found = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert found["problems"] == [], found["problems"]


def test_what_linters_find_is_noticed(edge: Edge) -> None:
    OUT.mkdir(exist_ok=True)
    poor = OUT / f"poor-{edge}.json"
    poor.write_text(json.dumps(_POOR))
    rules = HERE / "spectral.yaml"
    command = [*npm_tool("spectral"), "lint", "--ruleset", rules, "--fail-severity", "hint"]
    with pytest.raises(ToolFailedError, match="info-contact"):
        run([*command, poor], HERE)
    command = [*npm_tool("redocly"), "lint", "--config", HERE / "redocly.yaml", "--format", "json"]
    assert "info-license" in run([*command, poor], HERE)

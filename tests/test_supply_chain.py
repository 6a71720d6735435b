"""What Estafette is made of is written down, and asked about."""

import gzip
import importlib.util
import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bill_of_materials_names_every_locked_package_with_its_hashes() -> None:
    sbom = _script("sbom")
    written = sbom.document()
    assert sbom.document() == written
    found = json.loads(written)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"]["name"] == "estafette"
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pinned = set(re.findall(r"(?m)^([a-z0-9._-]+)(?:\[[^]]*\])?==", lock))
    npm = json.loads((ROOT / "frontend/package-lock.json").read_text("utf-8"))["packages"]
    names = {part["name"] for part in found["components"]}
    assert len(pinned) > 20
    assert names == pinned | {place.removeprefix("node_modules/") for place in npm if place}
    for part in found["components"]:
        assert part["version"]
        assert part["purl"].startswith(("pkg:pypi/", "pkg:npm/"))
        assert part["hashes"]
    every = sum(len(part["hashes"]) for part in found["components"] if "pypi" in part["purl"])
    assert every == lock.count("--hash=sha256:")


def test_a_build_fetches_from_npm_what_the_pages_take_and_nothing_else() -> None:
    frontend = ROOT / "frontend"
    wanted = json.loads((frontend / "package.json").read_text("utf-8"))["dependencies"]
    locked = json.loads((frontend / "package-lock.json").read_text("utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert len(locked) == 1 + len(wanted)  # `scripts/frontend_lock.py` writes it


_VULNERABLE: dict[str, Any] = {
    "dependencies": [
        {"name": "fine", "version": "1", "vulns": []},
        {
            "name": "bad",
            "version": "2",
            "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3"]}],
        },
        {"name": "unknown", "skip_reason": "not found"},
    ]
}


def test_a_known_vulnerability_is_named_and_what_nobody_knows_is_counted() -> None:
    audit = _script("audit")
    vulnerable, unknown, asked = audit.python_finding(json.dumps(_VULNERABLE))
    assert vulnerable == ["bad 2: PYSEC-1, mended in 3"]
    assert (unknown, asked) == (1, 3)
    npm = {
        "vulnerabilities": {"x": {"severity": "high", "range": "<2"}},
        "metadata": {"dependencies": {"total": 4}},
    }
    assert audit.npm_finding(json.dumps(npm)) == (["x: high, in <2"], 0, 4)


@pytest.mark.parametrize("report", ["", "no json", "{}", '{"error": {}, "statusCode": 405}', "[]"])
def test_a_service_that_says_nothing_is_not_taken_for_one_that_says_all_is_well(
    report: str,
) -> None:
    audit = _script("audit")
    for read in (audit.python_finding, audit.npm_finding):
        with pytest.raises((ValueError, KeyError, TypeError)):
            read(report)


def test_services_out_of_reach_are_a_warning(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "npm_config_registry")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "audit.py")],
        env={**os.environ, **dict.fromkeys(names, nowhere), "HOME": str(tmp_path), "NO_PROXY": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning: PyPI" in done.stderr
    assert "warning: npm (frontend)" in done.stderr
    assert "warning: npm (clients)" in done.stderr
    assert "no known vulnerability" not in done.stderr


class _Registry(HTTPServer):
    """A registry of npm that knows of one vulnerability, and keeps what it was asked about."""

    def __init__(self, vulnerable: str) -> None:
        self.asked: list[set[str]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked.append(set(json.loads(gzip.decompress(body))))
                known = {"id": 1, "url": "", "title": "bad", "severity": "high"}
                advisory = {vulnerable: [{**known, "vulnerable_versions": "*"}]}
                self._answer(advisory if vulnerable in asked[-1] else {})

            def do_GET(self) -> None:
                self._answer({"name": vulnerable, "versions": {}})

            def _answer(self, told: object) -> None:
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


def test_both_trees_of_npm_are_asked_about_without_an_npm_of_the_machine(tmp_path: Path) -> None:
    with _Registry("@hey-api/openapi-ts") as registry:
        Thread(target=registry.serve_forever, args=(0.05,), daemon=True).start()
        here = f"http://127.0.0.1:{registry.server_port}"
        nowhere = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
        own = {"npm_config_registry": here, "HOME": str(tmp_path), "PATH": ""}
        own |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1")
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "audit.py")],
            env={**os.environ, **nowhere, **own},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        registry.shutdown()
    trees = [
        {
            place.rpartition("node_modules/")[2]
            for place in json.loads((ROOT / tree / "package-lock.json").read_text())["packages"]
            if place
        }
        for tree in ("frontend", "clients")
    ]
    assert registry.asked == trees, done.stderr
    assert done.returncode == 1
    assert "npm (frontend): no known vulnerability" in done.stderr
    assert "vulnerable: npm (clients): @hey-api/openapi-ts: high" in done.stderr


def test_no_committed_file_that_installs_names_a_registry() -> None:
    locks = [*ROOT.glob("requirements*.lock")]
    locks += [ROOT / folder / "package-lock.json" for folder in ("frontend", "clients")]
    assert len(locks) > 4
    for lock in locks:
        text = lock.read_text("utf-8")
        assert not re.search(r"(?m)^--?(?:index|extra-index|find-links|trusted)", text), lock
        assert '"resolved"' not in text, lock
    assert not (ROOT / "uv.lock").exists()

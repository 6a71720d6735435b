"""What Estafette is made of is written down, and asked about."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
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
    assert "warning: npm" in done.stderr
    assert "no known vulnerability" not in done.stderr


def test_no_committed_file_that_installs_names_a_registry() -> None:
    locks = [*ROOT.glob("requirements*.lock")]
    locks += [ROOT / folder / "package-lock.json" for folder in ("frontend", "clients")]
    assert len(locks) > 4
    for lock in locks:
        text = lock.read_text("utf-8")
        assert not re.search(r"(?m)^--?(?:index|extra-index|find-links|trusted)", text), lock
        assert '"resolved"' not in text, lock
    assert not (ROOT / "uv.lock").exists()

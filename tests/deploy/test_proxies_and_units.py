"""The examples for nginx, Caddy and systemd, read as those who use them do."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from estafette.settings import PREFIX, SETTINGS, Settings
from tests.deploy.conftest import ROOT

DEPLOY = ROOT / "deploy"
NGINX = DEPLOY / "nginx/estafette.conf"
CADDY = DEPLOY / "caddy/Caddyfile"
UNITS = [DEPLOY / f"systemd/estafette-{name}.service" for name in ("serve", "worker")]

Block = list[tuple[list[str], "Block"]]
"""Directives with what stands in their braces."""


def _nginx(text: str) -> Block:
    """The directives of an nginx configuration."""
    words = re.findall(r"[{};]|\"[^\"]*\"|[^\s{};#]+", re.sub(r"#.*", "", text))
    return _block(words, ends=";")


def _caddy(text: str) -> Block:
    """The directives of a Caddyfile, which end with their lines; `{$NAME}` is a word."""
    lines = [re.sub(r"(^|\s)#.*", "", line).split() for line in text.splitlines()]
    return _block([word for line in lines for word in (*line, "\n")], ends="\n")


def _block(words: list[str], ends: str) -> Block:
    stack: list[Block] = [[]]
    directive: list[str] = []
    for word in words:
        if word == "{":
            inner: Block = []
            stack[-1].append((directive, inner))
            stack.append(inner)
            directive = []
        elif word == "}":
            assert not directive, f"{directive} does not end"
            stack.pop()
        elif word == ends:
            if directive:
                stack[-1].append((directive, []))
            directive = []
        else:
            directive.append(word)
    assert len(stack) == 1, "braces do not match"
    return stack[0]


def _values(block: Block, *names: str) -> list[list[str]]:
    """What follows directives that begin with these words."""
    count = len(names)
    return [words[count:] for words, _ in block if tuple(words[:count]) == names]


def _inside(block: Block, *words: str) -> Block:
    (found,) = (inner for start, inner in block if tuple(start) == words)
    return found


def _seconds(text: str) -> int:
    unit = {"s": 1, "m": 60, "h": 3600}[text[-1]]
    return int(text[:-1]) * unit


HEARTBEAT_SECONDS = 15
IDLE_SECONDS = Settings().idle_seconds


def test_nginx_hides_metrics_streams_unbuffered_and_overwrites_the_callers_address() -> None:
    read = _nginx(NGINX.read_text("utf-8"))
    plain, secure = (inner for words, inner in read if words == ["server"])
    assert _values(_inside(plain, "location", "/"), "return")[0][0] == "308"
    assert _values(_inside(secure, "location", "=", "/metrics"), "return") == [["404"]]
    assert _values(secure, "proxy_set_header", "X-Forwarded-For") == [["$remote_addr"]]
    assert _values(secure, "proxy_set_header", "Connection") == [['""']]

    (pattern,) = (words[2] for words, _ in secure if words[:2] == ["location", "~"])
    assert re.match(pattern, "/track/dlv_agrcgxgbor32blmoy5fii4rfri/events")
    stream = _inside(secure, "location", "~", pattern)
    assert _values(stream, "proxy_buffering") == [["off"]]
    assert _seconds(_values(stream, "proxy_read_timeout")[0][0]) > 4 * HEARTBEAT_SECONDS
    places_of_apps = _inside(secure, "location", "=", "/driver/traccar")
    assert _values(places_of_apps, "access_log") == [["off"]]
    for place in (stream, places_of_apps, _inside(secure, "location", "/")):
        assert _values(place, "proxy_pass") == [["http://estafette"]]
        # one of its own would take the place of all that stand above
        assert not _values(place, "proxy_set_header")
    upstream = _inside(read, "upstream", "estafette")
    assert _seconds(_values(upstream, "keepalive_timeout")[0][0]) < IDLE_SECONDS


def test_caddy_hides_metrics_streams_unbuffered_and_overwrites_the_callers_address() -> None:
    read = _caddy(CADDY.read_text("utf-8"))
    (site,) = (inner for words, inner in read if words and words[0].startswith("{$ESTAFETTE_SITE"))
    (matcher,) = _values(site, "respond")
    assert matcher == ["@inside", "404"]
    assert "/metrics" in _values(site, "@inside", "path")[0]
    (proxy,) = (inner for words, inner in site if words[0] == "reverse_proxy")
    assert _values(proxy, "flush_interval") == [["-1"]]
    assert _values(proxy, "header_up", "X-Forwarded-For") == [["{remote_host}"]]
    transport = _inside(proxy, "transport", "http")
    assert _seconds(_values(transport, "keepalive")[0][0]) < IDLE_SECONDS
    timeouts = _inside(_inside(_inside(read), "servers"), "timeouts")
    assert _values(timeouts, "read_header")
    assert not _values(timeouts, "write")  # streams would end


def _unit(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_run_our_commands_as_nobody_special_and_wait_for_their_end(path: Path) -> None:
    unit = _unit(path)
    name = path.stem.removeprefix("estafette-")
    assert unit["ExecStart"] == [f"/opt/estafette/venv/bin/estafette {name}"]
    assert unit["User"] == ["estafette"]
    assert unit["Restart"] == ["always"]
    assert int(unit["TimeoutStopSec"][0]) > Settings().shutdown_seconds
    assert int(unit["LimitNOFILE"][0]) > 2 * Settings().max_connections
    for hardened in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "MemoryDenyWriteExecute"):
        assert unit[hardened] == ["yes"]
    assert unit["ProtectSystem"] == ["strict"]


def test_the_units_differ_in_what_they_run_alone() -> None:
    serve, worker = (_unit(path) for path in UNITS)
    for told in (serve, worker):
        del told["ExecStart"], told["Description"]
    assert serve == worker


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="comes with systemd")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_systemd_understands_the_units_and_finds_them_hardened(path: Path, tmp_path: Path) -> None:
    unit = tmp_path / path.name
    unit.write_text(path.read_text("utf-8").replace("/opt/estafette/venv/bin/estafette", "/bin/sh"))

    def analyse(*words: str) -> Any:
        command = ["systemd-analyze", *words, str(unit)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    verified = analyse("verify", "--man=no")
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = analyse("security", "--offline=true", "--threshold=20")  # 2.0 of 10
    assert judged.returncode == 0, judged.stdout[-500:]


def test_the_settings_of_the_units_are_settings() -> None:
    text = (DEPLOY / "systemd/estafette.env").read_text("utf-8")
    named = set(re.findall(r"(?m)^(\w+)=", text))
    assert named <= {PREFIX + name.upper() for name in SETTINGS} | {"DATABASE_URL"}
    assert {"DATABASE_URL", "ESTAFETTE_SECRET_KEY", "ESTAFETTE_PUBLIC_URL"} <= named
    assert re.search(r"(?m)^ESTAFETTE_SECRET_KEY=$", text)


def test_the_command_of_the_machine_is_sound_shell() -> None:
    command = DEPLOY / "systemd/estafette"
    assert command.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(command)], check=True)

"""`up` where others are served: what its processes may reach, and what they know."""

from pathlib import Path

import pytest

from estafette.cli.banner import Terminal
from estafette.settings.problems import load
from estafette.up.environment import for_children
from estafette.up.supervisor import Ready
from tests.cli.stage import Up, caller, running_up, set_environment
from tests.folders import own_folder
from tests.secret_key import CIPHER_KEY

_LOOPBACK = "127.0.0.0/8,::1/128"


def _environment(pid: int) -> dict[str, str]:
    """What a process was told when it began."""
    read = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace")
    return {line.partition("=")[0]: line.partition("=")[2] for line in read.split("\0") if line}


def _networks(up: Up) -> str:
    name = "ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS"
    return _environment(up.children()["worker"]).get(name, "")


@pytest.mark.parametrize(
    ("given", "networks"),
    [
        ({}, _LOOPBACK),
        ({"host": "0.0.0.0"}, ""),
        ({"public_url": "https://delivery.example"}, ""),
        ({"webhook_allowed_networks": ""}, ""),
        ({"host": "0.0.0.0", "webhook_allowed_networks": _LOOPBACK}, _LOOPBACK),
    ],
)
def test_webhooks_reach_loopback_only_where_nobody_else_is_served_or_it_is_said(
    given: dict[str, str], networks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_environment(monkeypatch, **given)
    told = for_children(load(), "postgresql:///x", [CIPHER_KEY], 8000, None)
    assert told["ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS"] == networks


def test_an_endpoint_on_this_machine_is_told_not_to_be_allowed_where_others_are_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    public = "https://delivery.example"
    with own_folder() as folder, running_up(folder / "data", public_url=public) as up:
        assert _networks(up) == ""
        set_environment(monkeypatch, data_dir=str(up.data_dir))
        command = caller(monkeypatch, capsys)
        command("webhooks", "set", "--url", "http://127.0.0.1:9/hook", "--account", "kaspi")
        told = command("doctor", "--json", code=1)["findings"]
        (finding,) = [one for one in told if one["about"] == "webhooks"]
        assert "not allowed" in finding["text"]


def test_what_runs_knows_what_it_needs_and_leaves_no_image_of_itself() -> None:
    with own_folder() as folder, running_up(folder / "data") as up:
        assert _networks(up) == _LOOPBACK
        children = up.children()
        told = _environment(children["postgres"])
        assert not [name for name in told if "ESTAFETTE" in name or "DATABASE" in name]
        key = _environment(children["worker"])["ESTAFETTE_SECRET_KEY"]
        assert key not in told.values()
        for name in ("serve", "worker"):
            limits = Path(f"/proc/{children[name]}/limits").read_text("ascii").splitlines()
            (core,) = [line for line in limits if line.startswith("Max core file size")]
            assert core.split()[4] == "0"
        for file in (up.data_dir).iterdir():
            if file.is_file():
                assert file.stat().st_mode & 0o077 == 0, file


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"host": "0.0.0.0"}, "Others may connect on 0.0.0.0"),
        ({"public_url": "https://d.example"}, "Others may connect as https://d.example"),
        ({}, ""),
    ],
)
def test_the_banner_warns_of_others(
    settings: dict[str, str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS", raising=False)
    url = settings.get("public_url", "http://localhost:8000")
    accounts = {"kaspi": {"api_key": "kd_test_x", "webhook_secret": "whsec_x"}}
    ready = Ready("http://localhost:8000", url, accounts, tmp_path, True, not settings, 1.0)
    Terminal(load(**settings)).ready(ready)
    shown = capsys.readouterr().out
    assert (told or "Webhooks: ") in shown
    assert ("demo" in shown) is bool(told)
    assert ("ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS" in shown) is bool(told)

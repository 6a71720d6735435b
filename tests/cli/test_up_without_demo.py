"""`up` for real work: no demo accounts, and those from before can be taken away."""

from pathlib import Path

import pytest

from estafette.cli.banner import Terminal
from estafette.settings.problems import load
from estafette.up.supervisor import Ready
from tests.cli.stage import Command, Up, caller, set_environment
from tests.folders import own_folder


def _accounts(command: Command) -> list[str]:
    return [account["name"] for account in command("accounts", "list", "--json")["accounts"]]


def test_a_start_without_a_demo_has_none_and_says_what_is_left_of_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_folder() as folder:
        data = folder / "data"
        set_environment(monkeypatch, data_dir=str(data))
        command = caller(monkeypatch, capsys)
        bare = Up(data, "--no-demo")
        try:
            assert bare.await_ready().demo["accounts"] == {}
            assert _accounts(command) == []
        finally:
            bare.end()
        assert Up(data).await_ready().end() == 0
        bare = Up(data, demo="false")
        try:
            bare.await_ready()
            assert any("the demo account kaspi is here from before" in said for said in bare.said)
            for name in ("kaspi", "entrega"):
                command("accounts", "remove", name, "--yes")
            assert _accounts(command) == []
        finally:
            bare.end()


def test_the_banner_without_a_demo_says_how_to_open_an_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "http://localhost:8000"
    Terminal(load()).ready(Ready(url, url, {}, tmp_path, True, True, 1.0))
    assert "accounts create NAME --market KZ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("loopback", "networks", "suggested"),
    [
        (True, "", "http://localhost:3000/webhooks"),
        (False, "", "https://shop.example/webhooks"),
        (False, "127.0.0.0/8", "http://localhost:3000/webhooks"),
    ],
)
def test_the_banner_suggests_an_address_that_webhooks_may_reach(
    loopback: bool,
    networks: str,
    suggested: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "https://delivery.example"
    accounts = {"kaspi": {"api_key": "kd_test_x", "webhook_secret": "whsec_x"}}
    settings = load(public_url=url, webhook_allowed_networks=networks)
    Terminal(settings).ready(Ready(url, url, accounts, tmp_path, True, loopback, 1.0))
    assert f"--url {suggested}\n" in capsys.readouterr().out

"""Connecting courier companies to their own platforms from the command line."""

import asyncio
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.cli.stage import Command
from tests.rows import tables

_URL = "http://127.0.0.1:1/"  # nobody answers there
_SECRETS = """
# of the platform's operator
live_key = sk_live_abc
live_webhook_secret="whsec_live"
sandbox_key=sk_test_abc
"""


@pytest.fixture
def command(over_database: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `couriers …` in this process."""
    monkeypatch.setenv("ESTAFETTE_PUBLIC_URL", "https://near.example")
    return partial(over_database, "couriers")


@pytest.fixture
def far(command: Command, postgres_dsn: str) -> Iterator[str]:
    """A remote company of the whole market, for this test alone."""
    slug = f"far-{uuid4().hex[:8]}"
    command("create", slug, "--market", "AO", "--connector", "remote")
    yield slug
    command("deactivate", slug, "--market", "AO")


@pytest.fixture
def secrets(tmp_path: Path) -> str:
    """A file with keys and secrets."""
    file = tmp_path / "far.secrets"
    file.write_text(_SECRETS, "utf-8")
    return str(file)


def _stored(dsn: str, company_id: str) -> dict[str, Any]:
    async def read() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            (link,) = await tables.read(connection, "company_links", {"company_id": company_id})
            return link
        finally:
            await connection.close()

    found = asyncio.run(read())
    return dict(found) if found else {}


def test_a_company_is_connected_and_its_secrets_are_kept_encrypted_and_told_to_nobody(
    command: Command, far: str, secrets: str, postgres_dsn: str
) -> None:
    which = (far, "--market", "ao", "--url", _URL, "--secrets", secrets)
    told = command("connect", *which, "--json")
    assert told["url"] == "http://127.0.0.1:1"
    company_id = told["webhook_url"].split("/")[4]
    assert told["webhook_url"] == f"https://near.example/upstream/{company_id}/webhooks"
    modes = {each["mode"]: each for each in told["modes"]}
    assert (modes["live"]["webhooks"], modes["sandbox"]["webhooks"]) == (True, False)
    assert modes["live"]["answers"] is False
    assert "no connection" in modes["live"]["problem"]
    stored = _stored(postgres_dsn, company_id)
    assert stored["base_url"] == "http://127.0.0.1:1"
    assert stored["sandbox_webhook_secret"] is None
    assert all(
        word not in bytes(value)
        for value in stored.values()
        if isinstance(value, bytes)
        for word in (b"sk_", b"whsec")
    )
    printed = command("connect", *which)
    assert told["webhook_url"] in printed
    assert "sandbox: none is known" in printed
    for secret in ("sk_live_abc", "sk_test_abc", "whsec_live"):
        assert secret not in printed + json.dumps(told)


def test_secrets_come_from_stdin_as_json_too(command: Command, far: str) -> None:
    text = json.dumps({"live_key": "sk_live_abc"})
    which = (far, "--market", "AO", "--url", "https://far.invalid", "--secrets", "-", "--json")
    told = command("connect", *which, stdin=text)
    assert [each["mode"] for each in told["modes"]] == ["live"]


def test_a_company_is_disconnected_once(command: Command, far: str, secrets: str) -> None:
    which = (far, "--market", "AO")
    command("connect", *which, "--url", _URL, "--secrets", secrets)
    assert "not connected any more" in command("disconnect", *which)
    assert command("disconnect", *which, "--json") == {"courier": far, "was_connected": False}


@pytest.mark.parametrize(
    ("url", "text", "code", "told"),
    [
        ("ftp://far.example", "live_key=a", 2, "must begin with https://"),
        ("http://far.example", "live_key=a", 2, "without TLS"),
        ("http://10.0.0.1", "live_key=a", 2, "without TLS"),
        ("http://[::1", "live_key=a", 2, "is not a URL"),
        ("https://user@far.example", "live_key=a", 1, "must not hold a user"),
        ("https://far.example?x=1", "live_key=a", 1, "must not hold a user"),
        (_URL, "", 1, "at least one mode needs a key"),
        (_URL, "live_webhook_secret=a", 1, "at least one mode needs a key"),
        (_URL, "live_key", 2, "line 1 of the secrets is not NAME=VALUE"),
        (_URL, "live_key=", 2, "live_key has no value"),
        (_URL, "key=a", 2, "there is no 'key'"),
        (_URL, '{"live_key": 7}', 2, "live_key has no value"),
        (_URL, "{", 2, "no JSON object"),
        (_URL, "live_key=a b", 1, "without spaces"),
    ],
)
def test_mistakes_change_nothing_and_are_told_in_a_line(
    command: Command, far: str, url: str, text: str, code: int, told: str
) -> None:
    arguments = ("connect", far, "--market", "AO", "--url", url, "--secrets", "-")
    printed = command(*arguments, code=code, stdin=text)
    assert told in printed
    assert printed.startswith("error: ")
    assert len(printed.splitlines()) == 1


def test_an_allowed_network_needs_no_tls(
    command: Command, far: str, secrets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESTAFETTE_WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8,::1/128,192.0.2.0/24")
    which = (far, "--market", "AO", "--url", "http://[::1]:1", "--secrets", secrets)
    assert "does not answer" in command("connect", *which)


def test_only_a_remote_company_is_connected(command: Command, secrets: str) -> None:
    slug = f"near-{uuid4().hex[:8]}"
    command("create", slug, "--market", "AO")
    which = (slug, "--market", "AO", "--url", _URL, "--secrets", secrets)
    assert "reached as inhouse" in command("connect", *which, code=1)
    command("deactivate", slug, "--market", "AO")
    assert "cannot be read" in command("connect", *which[:-1], "/nowhere", code=2)

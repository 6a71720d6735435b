"""Endpoints and webhooks by commands beside a running `up`: set, tried, sent again, listened to."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from estafette.webhooks.signing import hmac_sha256_hex
from tests.cli.orders import order
from tests.cli.stage import Command, Up, environment


class _Receiver:
    """A developer's local port: keeps what is posted to it."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((dict(self.headers.items()), body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[_Receiver]:
    running = _Receiver()
    yield running
    running.close()


def test_a_webhook_secret_is_shown_only_when_asked_or_made(up: Up, command: Command) -> None:
    secret = up.demo["accounts"]["kaspi"]["webhook_secret"]
    url = "http://127.0.0.1:9/hook"
    assert secret not in command("webhooks", "set", "--account", "kaspi", "--url", url)
    assert secret not in command("webhooks", "show", "--account", "kaspi")
    assert secret in command("webhooks", "show", "--account", "kaspi", "--reveal")
    added = command(
        "webhooks", "set", "--account", "kaspi", "--url", url, "--name", "second", "--json"
    )
    assert added["secret"].startswith("whsec_")
    second = ("--account", "kaspi", "--name", "second")
    told = command("webhooks", "remove", *second)
    assert told == "second (sandbox) is removed; 0 webhooks that waited for it will not be sent\n"
    assert "second" not in command("webhooks", "show", "--account", "kaspi")
    assert "no endpoint" in command("webhooks", "remove", *second, code=1)


def test_the_secrets_of_a_new_account_are_shown_by_the_command_that_its_creation_names(
    command: Command,
) -> None:
    made = command("accounts", "create", "newcomer", "--market", "AO")
    shows = next(line for line in made.splitlines() if "--reveal" in line).split("estafette ")[1]
    endpoints = command(*shows.split(), "--json")["endpoints"]
    assert {(each["mode"], each["name"]) for each in endpoints} == {
        ("live", "default"),
        ("sandbox", "default"),
    }
    assert len({each["secret"] for each in endpoints}) == 2
    entries = command("audit", "list", "--account", "newcomer", "--json")["entries"]
    assert [each["act"] for each in entries[:2]] == ["endpoint.revealed"] * 2


def test_a_webhook_secret_is_rotated_and_the_rotation_finished(command: Command) -> None:
    command("accounts", "create", "turner", "--market", "KZ")
    turned = command("webhooks", "rotate", "--account", "turner", "--json")
    assert turned["next_secret_from"]
    command("webhooks", "finish-rotation", "--account", "turner")
    endpoints = command("webhooks", "show", "--account", "turner", "--reveal", "--json")
    sandbox = next(e for e in endpoints["endpoints"] if e["mode"] == "sandbox")
    assert (sandbox["secret"], sandbox["next_secret"]) == (turned["new_secret"], None)


def test_webhooks_are_tried_listed_and_sent_again(
    up: Up, command: Command, receiver: _Receiver
) -> None:
    command("webhooks", "set", "--account", "kaspi", "--url", receiver.url)
    command("webhooks", "test", "--account", "kaspi")
    delivery = order(up, "ORD-W")

    def attempts(count: int) -> list[dict[str, Any]]:
        while True:
            of = ("--account", "kaspi", "--delivery", delivery, "--json")
            found = command("webhooks", "attempts", *of)["attempts"]
            if len(found) >= count:
                return found

    first = attempts(1)[0]
    assert (first["type"], first["outcome"], first["http_status"]) == (
        "delivery.created",
        "delivered",
        202,
    )
    told = [json.loads(body) for _, body in receiver.received]  # of deliveries before it, too
    event = next(one["eventId"] for one in told if one["data"]["deliveryId"] == delivery)
    assert (first["event"], first["delivery"]) == (event, delivery)
    assert event in command("webhooks", "attempts", "--account", "kaspi")
    again = ("webhooks", "resend", "--account", "kaspi", "--json")
    assert command(*again, "--event", event, "--delivery", delivery) == {"resent": 1}
    attempts(2)
    assert command(*again, "--message", first["message_id"]) == {"resent": 1}
    attempts(3)
    told = command(*again, "--since", "1h")  # what other tests did without a URL was never told
    assert (told["resent"], told["is_all"]) == (0, True)
    assert command(*again, "--since", "1h")["never_told"] == 0
    assert command(*again, "--since", "1h", "--all")["resent"] >= 1
    command("webhooks", "set", "--account", "kaspi", "--url", "")


def test_what_waits_for_a_disabled_endpoint_is_told_and_sent_once_it_is_enabled(
    up: Up, command: Command, receiver: _Receiver
) -> None:
    of = ("--account", "kaspi", "--name", "waits")
    command("webhooks", "set", *of, "--url", "http://127.0.0.1:9/")
    order(up, "ORD-WAITS")
    disabled = command("webhooks", "disable", *of, "--json")
    assert (disabled["enabled"], disabled["waiting"]) == (False, 1)
    told = command("webhooks", "show", "--account", "kaspi")
    assert "1, which are sent once it is enabled" in told
    assert "webhooks that wait for it: 1" in command("doctor")
    command("webhooks", "set", *of, "--url", receiver.url)
    count = len(receiver.received)
    enabled = command("webhooks", "enable", *of)
    assert "estafette webhooks resend --account kaspi --mode sandbox --name waits" in enabled
    while len(receiver.received) == count:
        time.sleep(0.05)
    command("webhooks", "remove", *of)


def test_sending_again_what_there_is_not_is_refused(command: Command) -> None:
    again = ("webhooks", "resend", "--account", "kaspi")
    unknown = "a" * 26
    told = command(*again, "--event", f"wh_{unknown}", "--delivery", f"dlv_{unknown}", code=1)
    assert "no such event" in told
    assert "no such message" in command(*again, "--message", f"wh_test_{unknown}", code=1)
    assert command(*again, "--since", "0s").startswith("0 messages")


def test_a_test_of_an_unknown_type_is_refused_and_the_types_are_named(command: Command) -> None:
    told = command("webhooks", "test", "--account", "kaspi", "--type", "delivery.lost", code=2)
    assert "delivery.created, delivery.accepted, delivery.in_transit" in told


def test_an_endpoint_needs_a_name(command: Command) -> None:
    url = ("--account", "kaspi", "--url", "http://127.0.0.1:9/hook")
    assert "the name '' must be" in command("webhooks", "set", *url, "--name", "", code=1)


def test_what_happens_is_heard_and_forwarded_signed(up: Up, receiver: _Receiver) -> None:
    arguments = ["listen", "--account", "kaspi", "--forward-to", receiver.url, "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "estafette", *arguments],
        env={**environment(up.data_dir), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as listening:
        assert listening.stdout is not None
        assert json.loads(listening.stdout.readline())["event"] == "listening"
        delivery = order(up, "ORD-L")
        heard = json.loads(listening.stdout.readline())
        listening.terminate()
    assert (heard["delivery"], heard["status"]) == (delivery, "pending")
    assert heard["forwarded"] == {"delivery.created": 202}
    headers, body = receiver.received[-1]
    signed = headers["X-Kaspi-Timestamp"].encode() + b"." + body
    secret = up.demo["accounts"]["kaspi"]["webhook_secret"].encode()
    assert headers["X-Kaspi-Signature"] == hmac_sha256_hex(secret, signed)
    assert json.loads(body)["data"]["deliveryId"] == delivery

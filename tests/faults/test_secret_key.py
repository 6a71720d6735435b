"""The key of stored secrets is changed under running servers and workers, as documented."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path

from estafette.core.accounts.account import Mode
from estafette.usecases.accounts.secrets import new_cipher_key
from estafette.usecases.webhooks.endpoints import list_endpoints, set_endpoint
from tests.edges import KASPI
from tests.processes import CIPHER_KEY as OLD
from tests.processes import Process, ServerProcess, calling
from tests.receivers import ReceivedRequest, Receiver

NEW = new_cipher_key()
READING = {"secret_key": OLD, "other_secret_keys": NEW}
WRITING = {"secret_key": NEW, "other_secret_keys": OLD}
ALONE = {"secret_key": NEW}


def _rotate(dsn: str, folder: Path) -> dict[str, int]:
    """What `estafette secret-key rotate` tells, run with the settings of the step."""
    told = {f"ESTAFETTE_{name.upper()}": value for name, value in WRITING.items()}
    kept = {name: value for name, value in os.environ.items() if "ESTAFETTE" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "estafette", "secret-key", "rotate", "--json"],
        env={**kept, **told, "DATABASE_URL": dsn, "ESTAFETTE_DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _is_signed(request: ReceivedRequest, secret: str) -> bool:
    signed = f"{request.headers['x-kaspi-timestamp']}.".encode() + request.body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return request.headers["x-kaspi-signature"].removeprefix("sha256=") == expected


async def test_no_webhook_is_missed_and_none_is_signed_wrongly_while_the_key_is_changed(
    fresh_database: str, tmp_path: Path
) -> None:
    steps = (READING, WRITING, ALONE)
    given = {"webhook_allowed_networks": "127.0.0.0/8", "sandbox_step_seconds": "0"}
    servers = [ServerProcess(fresh_database, tmp_path, **step, **given) for step in steps]
    workers = [Process("worker", fresh_database, tmp_path, **step, **given) for step in steps]
    try:
        async with Receiver() as receiver, calling(fresh_database, *servers) as reached:
            tenant = await reached[0].tenant(KASPI, Mode.SANDBOX)
            await set_endpoint(reached[0].platform, tenant.scope, receiver.url)
            (secret,) = [
                one.secret
                for one in await list_endpoints(reached[0].platform, tenant.account.id)
                if one.scope == tenant.scope
            ]
            for number, (server, worker) in enumerate(zip(servers, workers, strict=True)):
                server.come_up()  # beside the one of the step before
                worker.come_up()
                on_both = reached[max(0, number - 1) : number + 1]
                for each in on_both:
                    answer = await each.request(
                        "POST",
                        KASPI.create_path,
                        KASPI.body(f"order-{number}-{each.port}"),
                        KASPI.authorize(tenant.key),
                    )
                    assert answer.status == KASPI.created_status, answer.body
                await receiver.wait_for(2 * number + 1)
                if number:
                    servers[number - 1].stop()
                    workers[number - 1].stop()
                if WRITING is steps[number]:
                    assert _rotate(fresh_database, tmp_path)["endpoints"] > 0
                    again = _rotate(fresh_database, tmp_path)
                    assert (again["endpoints"], again["unreadable"]) == (0, 0)
            assert len(receiver.requests) == 5
            assert all(_is_signed(request, secret) for request in receiver.requests)
    finally:
        for process in (*servers, *workers):
            process.stop()

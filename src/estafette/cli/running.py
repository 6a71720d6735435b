"""Running one process of Estafette: for the commands, and for `up`, which starts them as children.

`up` comes here by `python -m estafette.cli.running NAME`, past the command line's own machinery,
whose loading would be a good part of a start.
"""

import asyncio
import json
import resource
import signal
import sys
from collections.abc import Coroutine
from types import FrameType
from typing import Any

from estafette.cli.output import OK, CommandError, say
from estafette.cli.session import no_secret_key
from estafette.settings import PREFIX, Settings
from estafette.settings.problems import load


def serve(found: Settings, *, as_json: bool = False) -> int:
    """Runs one HTTP server until it is told to end."""
    _check(found, "server", as_json=as_json)
    from estafette.app import server

    return _until_ended(server.serve(found), found, "metrics_port")


def work(found: Settings, *, as_json: bool = False) -> int:
    """Runs one worker until it is told to end."""
    _check(found, "worker", as_json=as_json)
    from estafette.app import worker

    return _until_ended(worker.work(found), found, "worker_metrics_port")


def prepare(found: Settings) -> int:
    """Migrates, seeds, makes the demo accounts: known keys as JSON on stdin, result on stdout."""
    from estafette.usecases.seed import prepare_demo

    remembered = json.loads(sys.stdin.read() or "{}")
    if found.secret_key is None:
        raise no_secret_key()
    keys = (found.secret_key, *found.other_secret_keys)
    try:
        prepared = asyncio.run(
            prepare_demo(
                _database(found),
                keys,
                remembered if found.demo else None,
                city=found.demo_city,
            )
        )
    except ValueError as error:
        raise CommandError(str(error), code="settings") from error
    accounts = {
        name: {**account.keys, "webhook_secret": account.webhook_secret}
        for name, account in prepared.accounts.items()
    }
    say(json.dumps({"done": prepared.done, "accounts": accounts, "people": prepared.people}))
    return OK


def _check(found: Settings, process: str, *, as_json: bool) -> None:
    from estafette.logs import lines

    _database(found)
    if found.secret_key is None:
        raise no_secret_key()
    _leave_no_core()
    lines.configure(found.log_level, "json" if as_json else found.log_format, process=process)


def _leave_no_core() -> None:
    """Lets a crash leave no image of this process on the disk: it holds keys and addresses."""
    _, highest = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, highest))


def _database(found: Settings) -> str:
    if found.database_url is None:
        raise CommandError(
            "DATABASE_URL is not set: give a PostgreSQL 15 or newer,"
            " or run `estafette up`, which brings one",
            code="settings",
            exit_code=2,
        )
    return found.database_url


def _until_ended(work: Coroutine[Any, Any, None], found: Settings, metrics: str) -> int:
    """Runs what ends by SIGTERM or SIGINT; a signal that finds no other handler ends it too.

    uvicorn raises the signal that stopped it once more when it has stopped, which by default would
    kill the process before the rest is closed. `metrics` is the setting of its port of metrics.
    """
    import uvloop

    from estafette.http.server import CannotListenError

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(OK)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    try:
        uvloop.run(work)
    except CannotListenError as error:
        name = metrics if error.port and error.port == getattr(found, metrics) else "port"
        hint = f"choose another with {PREFIX}{name.upper()}"
        raise CommandError(f"{error.strerror}; {hint}", code="port") from error
    return OK


def main(name: str) -> int:
    """Runs a child of `up`; returns its exit code."""
    from estafette.up import child

    if name != "prepare":
        child.end_with_stdin()
    try:
        found = load()  # what looks misspelt our parent has remarked on
        return {"serve": serve, "worker": work, "prepare": prepare}[name](found)
    except Exception as error:
        from estafette.cli.errors import explain

        return explain(error, as_json=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

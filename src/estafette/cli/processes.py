"""The commands that run something: everything, one process of it, or a step before it."""

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
from types import FrameType
from typing import Annotated, Any

from cyclopts import Parameter

from estafette.cli.output import OK, AsJson, CommandError, say, say_json
from estafette.cli.session import no_secret_key, settings
from estafette.settings import Settings

Host = Annotated[str | None, Parameter(help="The address to listen on (ESTAFETTE_HOST).")]
Port = Annotated[int | None, Parameter(help="The port to listen on (ESTAFETTE_PORT); 0: any.")]
EndWithStdin = Annotated[bool, Parameter(name="--end-with-stdin", negative="", show=False)]


def up(*, host: Host = None, port: Port = None, json: AsJson = False) -> int:
    """Run everything on this machine: PostgreSQL, the server, the worker, the sandbox couriers.

    Without DATABASE_URL an embedded PostgreSQL keeps its data in the data folder. Ctrl-C ends all
    of it; the next start finds everything again.
    """
    from estafette.cli.banner import JsonLines, Terminal
    from estafette.supervisor import Supervisor, SupervisorError

    found = settings(host=host, port=port)
    try:
        Supervisor(found, JsonLines() if json else Terminal(found)).run()
    except SupervisorError as error:
        raise CommandError(str(error), code="up") from error
    except PermissionError as error:
        raise CommandError(
            f"{error.filename}: permission denied; choose another folder with ESTAFETTE_DATA_DIR",
            code="data_dir",
        ) from error
    return OK


def serve(
    *,
    host: Host = None,
    port: Port = None,
    json: AsJson = False,
    end_with_stdin: EndWithStdin = False,
) -> int:
    """Run one HTTP server over DATABASE_URL, until SIGTERM; --json logs JSON on a terminal too."""
    from estafette import app

    found = _ready_to_run(settings(host=host, port=port), "server", json, end_with_stdin)
    _run_until_told(app.serve(found))
    return OK


def worker(*, json: AsJson = False, end_with_stdin: EndWithStdin = False) -> int:
    """Run one worker over DATABASE_URL: webhooks, sandbox couriers, upkeep of the tables."""
    from estafette import app

    found = _ready_to_run(settings(), "worker", json, end_with_stdin)
    _run_until_told(app.work(found))
    return OK


def _run_until_told(work: Coroutine[Any, Any, None]) -> None:
    """Runs what ends by SIGTERM or SIGINT; a signal that finds no other handler ends it too.

    uvicorn raises the signal that stopped it once more when it has stopped, which by default would
    kill the process before the rest is closed.
    """
    import uvloop

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(OK)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    uvloop.run(work)


def _ready_to_run(found: Settings, process: str, as_json: bool, end_with_stdin: bool) -> Settings:
    from estafette import child, logs

    if end_with_stdin:
        child.end_with_stdin()
    _database(found)
    if found.secret_key is None:
        raise no_secret_key()
    logs.configure(found.log_level, "json" if as_json else found.log_format, process=process)
    return found


def _database(found: Settings) -> str:
    if found.database_url is None:
        raise CommandError(
            "DATABASE_URL is not set: give a PostgreSQL 15 or newer,"
            " or run `estafette up`, which brings one",
            code="settings",
            exit_code=2,
        )
    return found.database_url


def migrate(*, json: AsJson = False) -> int:
    """Bring the database to this version, and give markets without cities and prices theirs."""
    from estafette.cli.session import database
    from estafette.usecases.seed import prepare_database

    done = asyncio.run(prepare_database(database(settings())))
    if json:
        say_json({"done": done})
    else:
        say("\n".join(done) or "Nothing to do: the database is of this version")
    return OK


def secret_key(*, json: AsJson = False) -> int:
    """Print a new key for ESTAFETTE_SECRET_KEY."""
    from estafette.usecases.secrets import new_cipher_key

    key = new_cipher_key()
    if json:
        say_json({"secret_key": key})
    else:
        say(key)
    return OK


def prepare() -> int:
    """Migrate, seed and make the demo accounts: JSON of known keys on stdin, result on stdout."""
    from estafette.usecases.seed import prepare_demo

    found = settings()
    if found.secret_key is None:
        raise no_secret_key()
    remembered = json.loads(sys.stdin.read() or "{}")
    try:
        prepared = asyncio.run(prepare_demo(_database(found), found.secret_key, remembered))
    except ValueError as error:
        raise CommandError(str(error), code="settings") from error
    accounts = {name: account._asdict() for name, account in prepared.accounts.items()}
    say(json.dumps({"done": prepared.done, "accounts": accounts}))
    return OK

"""The commands that run something: everything, one process of it, or a step before it."""

import asyncio
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from estafette.cli import running
from estafette.cli.output import OK, CommandError, say, say_json
from estafette.cli.session import database, settings
from estafette.cli.words import AsJson

Host = Annotated[str | None, Parameter(help="The address to listen on (ESTAFETTE_HOST).")]
Port = Annotated[int | None, Parameter(help="The port to listen on (ESTAFETTE_PORT); 0: any.")]


def up(
    *,
    host: Host = None,
    port: Port = None,
    demo: Annotated[
        bool | None,
        Parameter(negative="--no-demo", help="Make demo accounts (ESTAFETTE_DEMO)."),
    ] = None,
    json: AsJson = False,
) -> int:
    """Run everything on this machine: PostgreSQL, the server, the worker, the sandbox couriers.

    Without DATABASE_URL an embedded PostgreSQL keeps its data in the data folder. Ctrl-C ends all
    of it; the next start finds everything again.
    """
    from estafette.cli.banner import JsonLines, Terminal
    from estafette.up.supervisor import Supervisor, SupervisorError

    found = settings(host=host, port=port, demo=demo)
    if "demo_city" not in found.named and not json:  # a program that starts it wants no company
        found = replace(found, demo_city=True)
    try:
        Supervisor(found, JsonLines() if json else Terminal(found)).run()
    except SupervisorError as error:
        raise CommandError(str(error), code="up") from error
    except OSError as error:
        if error.filename is None:
            raise
        raise CommandError(
            f"{error.filename}: {error.strerror};"
            f" the data folder is {found.data_dir}, ESTAFETTE_DATA_DIR chooses another",
            code="data_dir",
        ) from error
    return OK


def serve(*, host: Host = None, port: Port = None, json: AsJson = False) -> int:
    """Run one HTTP server over DATABASE_URL, until SIGTERM; --json logs JSON on a terminal too."""
    return running.serve(settings(host=host, port=port), as_json=json)


def worker(*, json: AsJson = False) -> int:
    """Run one worker over DATABASE_URL: webhooks, sandbox couriers, upkeep of the tables."""
    return running.work(settings(), as_json=json)


def migrate(*, json: AsJson = False) -> int:
    """Bring the database to this version, and give markets without cities and prices theirs."""
    from estafette.usecases.seed import prepare_database

    done = asyncio.run(prepare_database(database(settings())))
    if json:
        say_json({"done": done})
    else:
        say("\n".join(done) or "Nothing to do: the database is of this version")
    return OK

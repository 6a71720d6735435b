"""A server whose event loop can be held up, for tests: `python -m tests.busy PORT HANG SHUTDOWN`.

`GET /spin` does not end, in Python; `GET /hold` in C, which lets nothing else run.
"""

import asyncio
import ctypes
import sys
import time

import uvloop
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from estafette.http.connections import Connections
from estafette.http.fallback import plain
from estafette.http.server import HttpServer, open_sockets
from estafette.up import child, liveness


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def _spin(_: Request) -> Response:
    _say("spinning")
    while True:
        time.sleep(0.01)  # noqa: ASYNC251 - the loop is to stand still


async def _hold(_: Request) -> Response:
    _say("holding")
    # A call that keeps the interpreter to itself, and that no signal ends.
    system, lock = ctypes.PyDLL(None), ctypes.create_string_buffer(128)
    system.pthread_mutex_lock(lock)
    system.pthread_mutex_lock(lock)
    return PlainTextResponse("done")


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _serve(port: int, hang_seconds: float, shutdown_seconds: float) -> None:
    handlers = {"/spin": _spin, "/hold": _hold, "/": _hello}
    routes = [Route(path, handler) for path, handler in handlers.items()]
    alarm = liveness.Alarm(hang_seconds, shutdown_seconds)
    server = HttpServer(
        Router(routes),
        plain,
        open_sockets("127.0.0.1", port),
        Connections(),
        graceful_seconds=shutdown_seconds,
        ready=lambda: _say("ready"),
        on_end=alarm.end,
    )
    watching = asyncio.create_task(liveness.watch(liveness.LagMetrics("busy"), alarm))
    await server.serve()
    watching.cancel()


if __name__ == "__main__":
    child.end_with_stdin()
    uvloop.run(_serve(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))

"""Listening for connections, and serving an application on them until the process is to end.

Connections are accepted here and not by the event loop, whose listening socket does not outlive an
error such as "too many open files".
"""

import asyncio
import errno
import resource
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from estafette.http.connections import Connections
from estafette.http.fallback import Fallback
from estafette.http.protocol import http_protocol
from estafette.logs import Logger

_BACKLOG = 2048
_ACCEPTED_AT_ONCE = 64
_REST_SECONDS = 0.2
"""For how many seconds no connection is accepted after the system ran out of files or memory."""

_RELIEVED = 16
"""How many idle connections are closed in that case."""

_SEND_BUFFER = 64 * 1024
"""How many bytes of answers the system may keep for a connection; it keeps up to twice as many.

Without this bound it keeps up to 4 MB while the caller does not read, and this process cannot see
that.
"""

_GRACE_SECONDS = 5.0
"""How many seconds later than the server the system ends a connection that nothing is read of.

The server looks at its connections once a second and counts those that it ends; the system, which
tells no reason, is for those that the server does not look at any more.
"""

_PASSING = frozenset({errno.ECONNABORTED, errno.EPROTO, errno.EPERM})
"""The errors that concern one connection and not the next."""

_log = Logger()


class CannotListenError(OSError):
    """A port is taken, or the address is not this machine's; the text says which and why."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        """Takes the system's `error`."""
        self.port = port
        reason = error.strerror or str(error)
        super().__init__(error.errno, f"cannot listen on {host} port {port}: {reason}")


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Returns listening sockets on every address of `host`.

    Port 0 means any free port, the same for all addresses. Raises CannotListenError where a port is
    taken.
    """
    opened: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in dict.fromkeys(found):
            sock = socket.socket(family, kind, protocol)
            opened.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            chosen = port or (opened[0].getsockname()[1] if len(opened) > 1 else 0)
            sock.bind((address[0], chosen, *address[2:]))
            sock.listen(_BACKLOG)
            sock.setblocking(False)
    except OSError as error:
        for sock in opened:
            sock.close()
        raise CannotListenError(host, port, error) from None
    return opened


def room_for_connections(most: int, others: int) -> int:
    """Returns how many connections there may be: `most`, or what the limit of open files allows.

    The limit is raised as far as the system allows; `others` is how many files the process may open
    besides.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + others
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, raised), hard))
            soft = max(soft, raised)
    if soft == resource.RLIM_INFINITY:
        return most
    return max(1, min(most, soft - others))


class Listener:
    """Accepts connections, and goes on after any error."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        protocol: Callable[[], asyncio.Protocol],
        connections: Connections,
    ) -> None:
        """Gives each connection of the listening `sockets` a new `protocol`."""
        self._loop = asyncio.get_running_loop()
        self._sockets = list(sockets)
        self._protocol = protocol
        self._connections = connections
        self._beginning: set[asyncio.Task[None]] = set()
        for sock in self._sockets:
            _bound_answers(sock, connections.limits.sending)
            self._loop.add_reader(sock, self._accept, sock)

    def close(self) -> None:
        """Stops accepting; open connections go on."""
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()

    @property
    def is_open(self) -> bool:
        """Whether it has sockets to accept from."""
        return all(sock.fileno() >= 0 for sock in self._sockets)

    async def wait_closed(self) -> None:
        """Waits until no connection is being accepted."""
        await asyncio.gather(*self._beginning, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted, _address = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _PASSING:
                    continue
                self._rest(listening, error)
                return
            accepted.setblocking(False)
            task = self._loop.create_task(self._begin(accepted))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _begin(self, accepted: socket.socket) -> None:
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._protocol, accepted)
        except OSError:  # the caller has closed it already
            accepted.close()

    def _rest(self, listening: socket.socket, error: OSError) -> None:
        """Stops accepting for a moment and closes idle connections: the system has no more room."""
        self._connections.note("accept")
        why = errno.errorcode.get(error.errno or 0, "")
        _log.debug("a connection could not be accepted", error=why)
        self._connections.relieve(_RELIEVED)
        self._loop.remove_reader(listening)
        self._loop.call_later(_REST_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            self._loop.add_reader(listening, self._accept, listening)


def _bound_answers(listening: socket.socket, seconds: float) -> None:
    """Bounds how much the system keeps for callers who do not read, and for how long.

    The server itself ends such a connection after so many `seconds`. Connections that are accepted
    from `listening` inherit these bounds. The system keeps bytes that were written before a
    connection is closed; without the bounds, it would keep them for minutes.
    """
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    with suppress(AttributeError, OSError):  # where there is no such option
        milliseconds = int((seconds + _GRACE_SECONDS) * 1000)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


async def _nothing() -> None:
    """Does nothing."""


_TURNS_TO_CLOSE = 2
"""Turns of the event loop after which closed connections have left the server's list."""


class HttpServer(uvicorn.Server):
    """Serves one application on listening sockets."""

    def __init__(
        self,
        app: ASGIApp,
        fallback: Fallback,
        sockets: Sequence[socket.socket],
        connections: Connections,
        *,
        graceful_seconds: float = 5.0,
        ready: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
        before_end: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        """Serves `app`; malformed requests are answered by `fallback`.

        `ready` is called when connections are accepted. `on_end` is called as soon as the process
        gets a signal to end. `before_end` is called before the server waits for the requests under
        way, for at most `graceful_seconds`.
        """
        super().__init__(
            uvicorn.Config(
                app,
                http=http_protocol(fallback, connections),
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,  # http/address.py reads them
                date_header=True,
                timeout_keep_alive=int(connections.limits.idle) + 1,
                timeout_graceful_shutdown=graceful_seconds,  # pyright: ignore[reportArgumentType] - it says int and takes any number
            )
        )
        self._sockets = sockets
        self._connections = connections
        self._ready = ready
        self._on_end = on_end
        self._before_end = before_end
        self._listener: Listener | None = None

    @property
    def is_serving(self) -> bool:
        """Whether connections are accepted, or the end has begun."""
        return self.should_exit or self._listener is None or self._listener.is_open

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to accept connections; `sockets` are those it was made with."""
        self._listener = listener = Listener(self._sockets, self._new_protocol, self._connections)
        self.servers = [listener]  # pyright: ignore[reportAttributeAccessIssue] - what uvicorn closes
        self.started = True
        self._ready()

    def _new_protocol(self) -> asyncio.Protocol:
        make = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state={})  # pyright: ignore[reportCallIssue] - what is documented of it

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes the requests under way, as long as there is time; ends at once without any."""
        await self._before_end()
        for listener in self.servers:
            listener.close()
            await listener.wait_closed()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handles a signal to end."""
        self._on_end()
        super().handle_exit(sig, frame)


@asynccontextmanager
async def serving(server: HttpServer) -> AsyncGenerator[None]:
    """Serves until the block ends; handles no signals."""
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    try:
        yield
    finally:
        await server.shutdown()

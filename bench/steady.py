"""Creates or GETs at a constant rate, and how long each took from the moment at which it was due.

`python -m bench.steady TASK` does a `Task`, given as JSON, and prints what it saw. A
request that is due waits for nobody: it takes an idle connection, and while there is none, the time
for which it waits counts as its own. So a server that stalls is charged for everything that came
due meanwhile (no coordinated omission). One thread, blocking on `select`, which keeps time to some
ten microseconds; what it loses itself is reported as its lag.
"""

import gc
import json
import math
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

from bench.orders import orders
from bench.process import json_of, plain_environment


@dataclass(frozen=True)
class Task:
    """What is to be done: `per_second` requests for `seconds`, after `warm_up_seconds` unmeasured.

    They are creates, the orders' references beginning with `prefix`; or where there are `paths`,
    GETs of these in turn. `connections` are opened before it begins. An answer that does not come
    within `patience_seconds` ends it with an error.
    """

    host: str
    port: int
    api_key: str
    prefix: str
    per_second: float
    seconds: float
    warm_up_seconds: float
    connections: int
    paths: tuple[str, ...] = ()
    patience_seconds: float = 10.0


@dataclass(frozen=True)
class Seen:
    """What came of it, in milliseconds.

    `lag` is how late requests were given to an idle connection: what the generator lost itself.
    `waited` counts those that found every connection busy.
    """

    requests: int
    refused: int
    per_second: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    lag_p50_ms: float
    lag_p99_ms: float
    waited: int


class Connection:
    """A keep-alive connection with at most one request under way, to be selected by."""

    def __init__(self, host: str, port: int, patience_seconds: float) -> None:
        """Connects."""
        self.socket = socket.create_connection((host, port), timeout=patience_seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._buffer = b""

    def fileno(self) -> int:
        """What `select` asks for."""
        return self.socket.fileno()

    def send(self, request: bytes, due: float) -> None:
        """Sends a request that was due then."""
        self.due = due
        self.socket.sendall(request)  # smaller than a socket's buffer: it hardly ever blocks

    def receive(self) -> int | None:
        """The status of the answer when the whole of it has arrived; None while it has not."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection")
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return None
        self._buffer = b""
        return int(head[9:12])


def _creates(task: Task) -> Callable[[], bytes]:
    """Gives creates of new orders, whole requests."""
    following = orders(task.prefix, seed=1)
    head = (
        "POST /delivery/v1/deliveries HTTP/1.1\r\n"
        f"Host: {task.host}:{task.port}\r\n"
        f"x-api-key: {task.api_key}\r\n"
        "Idempotency-Key: %s\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: %d\r\n\r\n"
    )

    def create() -> bytes:
        ref, body = following()
        return (head % (ref, len(body))).encode() + body

    return create


def _gets(task: Task) -> Callable[[], bytes]:
    """Gives GETs of the paths in turn, whole requests."""
    end = f" HTTP/1.1\r\nHost: {task.host}:{task.port}\r\nx-api-key: {task.api_key}\r\n\r\n"
    paths = cycle(task.paths)
    return lambda: f"GET {next(paths)}{end}".encode()


class _Generator:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._following = _gets(task) if task.paths else _creates(task)
        self._wanted = 200 if task.paths else 201
        where = (task.host, task.port, task.patience_seconds)
        self._idle = [Connection(*where) for _ in range(task.connections)]
        self._busy: list[Connection] = []
        self._late: deque[tuple[float, bytes]] = deque()  # due while all connections were busy
        self._latencies: list[float] = []
        self._lags: list[float] = []
        self._refused = 0
        self._waited = 0
        self._counted_from = 0.0

    def run(self) -> Seen:
        task = self._task
        interval = 1 / task.per_second
        total = round((task.seconds + task.warm_up_seconds) * task.per_second)
        began = time.perf_counter() + 0.05
        self._counted_from = began + task.warm_up_seconds
        number = 0
        while number < total or self._busy or self._late:
            now = time.perf_counter()
            while number < total and began + number * interval <= now:
                self._start(began + number * interval)
                number += 1
            wait = self._task.patience_seconds
            if number < total:
                wait = max(0.0, began + number * interval - time.perf_counter())
            readable, _, _ = select.select(self._busy, (), (), wait)
            if not readable and number >= total:
                raise TimeoutError(f"no answer within {task.patience_seconds:.0f} s")
            for connection in readable:
                self._finish(connection)
        return self._seen(time.perf_counter() - self._counted_from)

    def close(self) -> None:
        for connection in (*self._idle, *self._busy):
            connection.socket.close()

    def _start(self, due: float) -> None:
        request = self._following()
        if not self._idle:
            self._late.append((due, request))
            self._waited += due >= self._counted_from
            return
        connection = self._idle.pop()
        self._busy.append(connection)
        if due >= self._counted_from:
            self._lags.append(time.perf_counter() - due)
        connection.send(request, due)

    def _finish(self, connection: Connection) -> None:
        status = connection.receive()
        if status is None:
            return
        if connection.due >= self._counted_from:
            self._latencies.append(time.perf_counter() - connection.due)
            self._refused += status != self._wanted
        if self._late:
            due, request = self._late.popleft()
            connection.send(request, due)
        else:
            self._busy.remove(connection)
            self._idle.append(connection)

    def _seen(self, seconds: float) -> Seen:
        return Seen(
            requests=len(self._latencies),
            refused=self._refused,
            per_second=len(self._latencies) / seconds,
            p50_ms=percentile(self._latencies, 50),
            p90_ms=percentile(self._latencies, 90),
            p99_ms=percentile(self._latencies, 99),
            max_ms=max(self._latencies) * 1000,
            lag_p50_ms=percentile(self._lags, 50),
            lag_p99_ms=percentile(self._lags, 99),
            waited=self._waited,
        )


def percentile(seconds: list[float], percent: float) -> float:
    """The smallest of the values that is not exceeded by `percent` of them, in milliseconds."""
    ordered = sorted(seconds)
    place = math.ceil(len(ordered) * percent / 100) - 1
    return ordered[max(place, 0)] * 1000 if ordered else 0.0


async def measured(task: Task, folder: Path) -> Seen:
    """Does the task in a process of its own, which keeps its files in that folder."""
    command = [sys.executable, "-m", "bench.steady", json.dumps(asdict(task))]
    environment = plain_environment() | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    longest = task.warm_up_seconds + task.seconds + task.patience_seconds + 50
    return Seen(**await json_of(command, environment, folder, longest))


def run(task: Task) -> Seen:
    """Does the task in this thread."""
    generator = _Generator(task)
    try:
        return generator.run()
    finally:
        generator.close()


if __name__ == "__main__":
    gc.disable()  # a pause of ours would count as the server's
    print(json.dumps(asdict(run(Task(**json.loads(sys.argv[1]))))))

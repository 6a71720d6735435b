"""Load: requests over a fixed number of connections, each waiting for its answer.

`python -m bench.load FILE` does a `Task`, given as JSON, and prints what it saw. Either as fast as
the server answers, or at a constant rate; then how long each took counts from the moment at which
it was due. A request that is due waits for nobody: it takes an idle connection, and while there is
none, the time for which it waits counts as its own. So a server that stalls is charged for
everything that came due meanwhile (no coordinated omission). One thread over epoll, which keeps
time to some ten microseconds; what it loses itself is reported as its lag, and how much of a
processor it needed as `busy`: well below one, it is not what limits the rate.
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
from itertools import count, cycle
from pathlib import Path
from typing import Final, Literal
from uuid import uuid4

from bench.orders import orders
from bench.process import BenchError, json_of, plain_environment
from bench.trips import trips

CONNECTIONS: Final = 64


@dataclass(frozen=True)
class Task:
    """What is to be done for `seconds`, after `warm_up_seconds` unmeasured.

    `per_second` is the constant rate; None: each connection asks again once it is answered.
    `head` is what all requests begin with, the request line apart. `what` is asked: "paths" GETs
    `paths` in turn; the others are POSTs to `paths[0]`. "orders" are new ones, whose references
    begin with `prefix` and are their idempotency keys; "trips" new ones; "lines" those of the file
    `lines`, once each, with idempotency keys of the `prefix`. `connections` are opened before it
    begins. Each answer is kept in the file `answers`, a line of status and body. An answer that
    does not come within `patience_seconds` ends it with an error.
    """

    host: str
    port: int
    head: str
    what: Literal["paths", "orders", "trips", "lines"]
    paths: tuple[str, ...]
    seconds: float
    per_second: float | None = None
    warm_up_seconds: float = 0.0
    connections: int = CONNECTIONS
    prefix: str = ""
    seed: int = 1
    lines: str | None = None
    answers: str | None = None
    patience_seconds: float = 10.0


@dataclass(frozen=True)
class Seen:
    """What came of it, in milliseconds.

    `refused` counts answers of status 400 and above. `lag` is how late requests were given to an
    idle connection: what the generator lost itself. `waited` counts those that found every
    connection busy. `busy` is the part of the time for which the generator used its processor.
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
    busy: float = 0.0

    def must_be_clean(self) -> "Seen":
        """This. Raises BenchError when anything was refused."""
        if self.refused:
            raise BenchError(f"{self.refused} of {self.requests} requests were refused")
        return self


class Connection:
    """A keep-alive connection with at most one request under way, to be selected by."""

    def __init__(self, host: str, port: int, patience_seconds: float) -> None:
        """Connects."""
        self.socket = socket.create_connection((host, port), timeout=patience_seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self.body = b""
        self._buffer = b""

    def fileno(self) -> int:
        """What `select` asks for."""
        return self.socket.fileno()

    def send(self, request: bytes, due: float) -> None:
        """Sends a request that was due then."""
        self.due = due
        self.socket.sendall(request)  # smaller than a socket's buffer: it hardly ever blocks

    def receive(self) -> int | None:
        """The status of the answer when the whole of it has arrived; None while it has not.

        Its `body` is kept until the next one.
        """
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection")
        self._buffer = data = self._buffer + data if self._buffer else data
        head, separator, body = data.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return None
        self._buffer, self.body = b"", body
        return int(head[9:12])


def head_of(base_url: str, *headers: str) -> str:
    """What requests to a server begin with, the request line apart."""
    return "".join(f"{line}\r\n" for line in (f"Host: {host(base_url)}", *headers))


def host(base_url: str) -> str:
    """What requests to a server say in their `Host`."""
    return base_url.removeprefix("http://")


def _requests(task: Task) -> Callable[[], bytes]:
    """Gives whole requests, one after another."""
    if task.what == "paths":
        every = cycle([f"GET {path} HTTP/1.1\r\n{task.head}\r\n".encode() for path in task.paths])
        return lambda: next(every)
    begin = f"POST {task.paths[0]} HTTP/1.1\r\n{task.head}Content-Type: application/json\r\n"

    def posting(body: bytes, key: str | None = None) -> bytes:
        named = "" if key is None else f"Idempotency-Key: {key}\r\n"
        return f"{begin}{named}Content-Length: {len(body)}\r\n\r\n".encode() + body

    if task.what == "orders":
        order = orders(task.prefix, seed=task.seed)

        def create() -> bytes:
            ref, body = order()
            return posting(body, ref)

        return create
    if task.what == "trips":
        trip = trips(task.seed)
        return lambda: posting(trip().encode())
    lines = iter(Path(task.lines or "").read_bytes().splitlines())
    numbers = count(1)
    return lambda: posting(next(lines), f"{task.prefix}{next(numbers):020d}")


class _Generator:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._following = _requests(task)
        where = (task.host, task.port, task.patience_seconds)
        self._idle = [Connection(*where) for _ in range(task.connections)]
        self._all = {connection.fileno(): connection for connection in self._idle}
        self._epoll = select.epoll()
        for number, connection in self._all.items():
            connection.socket.settimeout(None)  # it is read when there is something to be read
            self._epoll.register(number, select.EPOLLIN)
        self._busy = 0
        self._late: deque[tuple[float, bytes]] = deque()  # due while all connections were busy
        self._answers: list[tuple[int, bytes]] = []
        self._latencies: list[float] = []
        self._lags: list[float] = []
        self._refused = 0
        self._waited = 0
        self._counted_from = 0.0

    def run(self) -> Seen:
        task = self._task
        began, used = time.perf_counter(), time.process_time()
        self._counted_from = began + task.warm_up_seconds
        if task.per_second is None:
            self._as_fast_as_answered()
        else:
            self._at_a_constant_rate(task.per_second, began)
        ended = time.perf_counter()
        busy = (time.process_time() - used) / (ended - began)
        if task.answers is not None:
            lines = (b"%d %b" % answer for answer in self._answers)
            Path(task.answers).write_bytes(b"\n".join(lines))
        return self._seen(ended - self._counted_from, busy)

    def close(self) -> None:
        self._epoll.close()
        for connection in self._all.values():
            connection.socket.close()

    def _as_fast_as_answered(self) -> None:
        """Asks over every connection, again and again; what is under way at the end is awaited."""
        end = self._counted_from + self._task.seconds
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.send(self._following(), time.perf_counter())
        self._busy = len(idle)
        while self._busy:
            for connection in self._answered(self._epoll.poll(self._task.patience_seconds)):
                now = time.perf_counter()
                if now < end:
                    connection.send(self._following(), now)
                else:
                    self._busy -= 1

    def _at_a_constant_rate(self, per_second: float, began: float) -> None:
        task = self._task
        interval = 1 / per_second
        total = round((task.seconds + task.warm_up_seconds) * per_second)
        number = 0
        while number < total or self._busy or self._late:
            now = time.perf_counter()
            while number < total and began + number * interval <= now:
                self._start(began + number * interval)
                number += 1
            wait = task.patience_seconds
            if number < total:
                wait = max(0.0, began + number * interval - time.perf_counter())
            # epoll keeps time to a millisecond only, select to some microseconds
            select.select((self._epoll,), (), (), wait)
            ready = self._epoll.poll(0)
            if ready or number >= total:
                for connection in self._answered(ready):
                    self._go_on(connection)

    def _start(self, due: float) -> None:
        request = self._following()
        if not self._idle:
            self._late.append((due, request))
            self._waited += due >= self._counted_from
            return
        connection = self._idle.pop()
        self._busy += 1
        if due >= self._counted_from:
            self._lags.append(time.perf_counter() - due)
        connection.send(request, due)

    def _go_on(self, connection: Connection) -> None:
        """What comes after an answer."""
        if self._late:
            due, request = self._late.popleft()
            connection.send(request, due)
        else:
            self._busy -= 1
            self._idle.append(connection)

    def _answered(self, ready: list[tuple[int, int]]) -> list[Connection]:
        """Those connections of whose answers something came that have the whole of them now.

        Raises TimeoutError where nothing came at all, as long as it was waited for.
        """
        if not ready:
            raise TimeoutError(f"no answer within {self._task.patience_seconds:.0f} s")
        answered: list[Connection] = []
        for number, _ in ready:
            connection = self._all[number]
            status = connection.receive()
            if status is None:
                continue
            answered.append(connection)
            if self._task.answers is not None:
                self._answers.append((status, connection.body))
            if connection.due >= self._counted_from:
                self._latencies.append(time.perf_counter() - connection.due)
                self._refused += status >= 400
        return answered

    def _seen(self, seconds: float, busy: float) -> Seen:
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
            busy=busy,
        )


def percentile(seconds: list[float], percent: float) -> float:
    """The smallest of the values that is not exceeded by `percent` of them, in milliseconds."""
    ordered = sorted(seconds)
    place = math.ceil(len(ordered) * percent / 100) - 1
    return ordered[max(place, 0)] * 1000 if ordered else 0.0


async def measured(task: Task, folder: Path) -> Seen:
    """Does the task in a process of its own, which keeps its files in that folder.

    Several may be done at the same time: each has a file of its own.
    """
    file = folder / f"load-{uuid4().hex}.json"
    file.write_text(json.dumps(asdict(task)))
    command = [sys.executable, "-m", "bench.load", str(file)]
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
    print(json.dumps(asdict(run(Task(**json.loads(Path(sys.argv[1]).read_text()))))))

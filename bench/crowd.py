"""Many connections that always have a request under way, whatever comes of it.

`python -m bench.crowd FILE` does the `Task` in the file, which is JSON, and prints what it saw. A
connection takes the next request as soon as it is answered; one that the server closes is opened
anew. It stops by itself; what is under way then is given up, as by a client that has gone.
"""

import asyncio
import json
import select
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

from bench.load import Connection
from bench.process import BenchError, json_of, plain_environment

_PATIENCE_SECONDS = 30.0
_REST_SECONDS = 0.01  # before a refused connection is tried again


@dataclass(frozen=True)
class Task:
    """What is to be done: `requests` in turn over so many `connections` for `seconds`.

    A request is written as it goes over the wire, each byte as the character of its number.
    """

    host: str
    port: int
    connections: int
    seconds: float
    requests: Sequence[str]


@dataclass
class Seen:
    """What came of it: how many answers there were of each status, and how many hung up."""

    statuses: dict[str, int] = field(default_factory=dict[str, int])
    hung_up: int = 0


def request(
    base_url: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> str:
    """A request as a task has it."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(base_url).netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines) + "\r\n\r\n" + (body or b"").decode("latin-1")


@asynccontextmanager
async def crowd(
    base_url: str, folder: Path, connections: int, seconds: float, requests: Sequence[str]
) -> AsyncGenerator[Seen]:
    """A crowd in a process of its own; the block's end waits for it, and it tells what it saw."""
    parts = urlsplit(base_url)
    task = Task(parts.hostname or "", parts.port or 80, connections, seconds, requests)
    file = folder / "crowd.json"
    file.write_text(json.dumps(asdict(task)))
    command = [sys.executable, "-m", "bench.crowd", str(file)]
    environment = plain_environment() | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    under_way = asyncio.create_task(
        json_of(command, environment, folder, seconds + _PATIENCE_SECONDS + 30)
    )
    seen = Seen()
    try:
        yield seen
        found = await under_way
        seen.statuses, seen.hung_up = found["statuses"], found["hung_up"]
    finally:
        under_way.cancel()
        with suppress(asyncio.CancelledError, BenchError):
            await under_way


def run(task: Task) -> Seen:
    """Does the task in this thread."""
    statuses: Counter[str] = Counter()
    seen = Seen()
    requests = cycle(one.encode("latin-1") for one in task.requests)
    busy: list[Connection] = []
    deadline = time.monotonic() + task.seconds
    try:
        while time.monotonic() < deadline:
            for _ in range(task.connections - len(busy)):
                with suppress(OSError):
                    busy.append(_begin(task, next(requests)))
            if not busy:
                time.sleep(_REST_SECONDS)
                continue
            ready, _, _ = select.select(busy, (), (), max(0.0, deadline - time.monotonic()))
            for connection in ready:
                try:
                    status = connection.receive()
                    if status is not None:
                        statuses[str(status)] += 1
                        connection.send(next(requests), 0)
                except (OSError, ValueError):
                    seen.hung_up += 1
                    busy.remove(connection)
                    connection.socket.close()
    finally:
        for connection in busy:
            connection.socket.close()
    seen.statuses = dict(statuses)
    return seen


def _begin(task: Task, first: bytes) -> Connection:
    connection = Connection(task.host, task.port, _PATIENCE_SECONDS)
    try:
        connection.send(first, 0)
    except OSError:
        connection.socket.close()
        raise
    return connection


if __name__ == "__main__":
    print(json.dumps(asdict(run(Task(**json.loads(Path(sys.argv[1]).read_text()))))))

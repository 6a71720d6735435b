"""The connections of a process: how many there may be, and the time limits for callers."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from estafette.http.address import counted, plain
from estafette.logs import Logger

_REFUSED_AT_ONCE = 32
"""How many refused connections are kept open until their refusal has been sent."""

_UNREAD, _UNREAD_EACH = 512 * 1024 * 1024, 64 * 1024 * 1024
"""How many bytes of answers all callers together, and those of one address, may leave unread."""

_NOTICE_SECONDS = 10.0
"""For each reason one line is logged in so many seconds, with the number of connections."""

_log = Logger()


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections there may be, and the time limits for callers, in seconds.

    `most` bounds all connections, `each` those of one client address (for IPv6 its /64). All others
    are seconds. `head` is for a request line and headers, from the beginning of the connection or
    the request. `body` is for the rest of a request, `farewell` for the rest of one that has been
    answered already. `idle` is the time between two requests. `sending` is how long an answer may
    wait until the caller reads more of it. `refused` is how long a refused connection is kept open
    until its request can be answered. `refusal` is how long an answer of 429 is delayed on a
    connection that was given several of them; it is never more than `Retry-After` says.
    """

    most: int = 10_000
    each: int = 256
    head: float = 15.0
    body: float = 25.0  # longer than http/request.py allows, so that it answers first
    farewell: float = 5.0
    idle: float = 75.0
    sending: float = 30.0
    refused: float = 2.0
    refusal: float = 1.0


class Connection(Protocol):
    """What `Connections` needs to know and do of each connection."""

    host: str
    """The address of the other end: the caller's, or a proxy's."""

    @property
    def unread(self) -> int:
        """How many bytes of its answers were unread when `overdue` was last called."""
        ...

    def overdue(self, now: float) -> str | None:
        """Returns which time limit the caller has exceeded, or None. Called once a second.

        `now` is in the event loop's seconds.
        """
        ...

    def expire(self, reason: str) -> None:
        """Closes the connection; answers first where a request has begun to arrive."""
        ...

    def abort(self) -> None:
        """Closes the connection at once and drops what is unread."""
        ...

    def leave(self) -> None:
        """Closes the connection to make room for another; called only while it is idle."""
        ...


class ConnectionMetrics:
    """Counts connections, and those that were refused or cut off."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers the measurements with `registry`."""
        self.open = Gauge(
            "estafette_connections",
            "Connections of clients.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.ended = Counter(
            "estafette_connections_refused",
            "Connections that were refused or cut off: total (too many in all), address (too many"
            " of one client address), evicted (an idle one made room for another), head, body,"
            " idle, reading (it took too long over that), unread (too much was not read), pipeline"
            " (too many requests ahead), malformed (no HTTP), accept (the system had none left to"
            " give).",
            ("reason",),
            registry=registry,
        )


class Connections:
    """Watches all connections of one server."""

    def __init__(
        self,
        limits: ConnectionLimits | None = None,
        *,
        is_proxy: Callable[[str], bool] = lambda _: False,
        metrics: ConnectionMetrics | None = None,
    ) -> None:
        """Uses these `limits`. An address for which `is_proxy` is true may have any number."""
        self.limits = limits or ConnectionLimits()
        self.now = 0.0
        """The time of the last look at all connections, in the event loop's seconds."""
        self.is_proxy = is_proxy
        self._metrics = metrics
        self._all: dict[Connection, str] = {}
        self._resting: OrderedDict[Connection, None] = OrderedDict()
        self._by_address: dict[str, OrderedDict[Connection, None]] = {}
        self._refused: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._notices: dict[str, _Notice] = {}
        limits = self.limits
        shortest = min(limits.head, limits.body, limits.farewell, limits.idle, limits.sending)
        self._interval = min(1.0, shortest / 4)

    def admit(self, connection: Connection, host: str) -> int | None:
        """Adds a new, idle connection from `host`; returns a status if it must be refused.

        Where there are too many, the one that has been idle for longest is closed, of the same
        address or of all. If none is idle, the new one is refused, with 429 or 503. The status 0
        means that it is refused without an answer, since too many are being refused already.
        """
        if self._timer is None:
            self._look_soon()
        host = plain(host)
        key = counted(host)
        status = None
        own = self._by_address.get(key)
        if own is not None and len(own) >= self.limits.each and not self.is_proxy(host):
            resting = next((one for one in own if one in self._resting), None)
            status = self._make_room(resting, "address", host)
        elif len(self._all) >= self.limits.most:
            status = self._make_room(next(iter(self._resting), None), "total", host)
        if status is not None:
            if len(self._refused) >= _REFUSED_AT_ONCE:
                return 0
            self._refused.add(connection)
            return status
        self._all[connection] = key
        self._by_address.setdefault(key, OrderedDict())[connection] = None
        self._resting[connection] = None
        self._count()
        return None

    def _make_room(self, victim: Connection | None, reason: str, host: str) -> int | None:
        if victim is None:
            self.note(reason, host)
            return 429 if reason == "address" else 503
        self.note("evicted", host)
        self.remove(victim)
        victim.leave()
        return None

    def relieve(self, count: int) -> None:
        """Closes the `count` connections that have been idle for longest.

        Called when the system has no files or memory left for new ones.
        """
        for _ in range(min(count, len(self._resting))):
            self._make_room(next(iter(self._resting)), "total", "")

    def remove(self, connection: Connection) -> None:
        """Forgets a connection that has ended; may be called again for the same."""
        self._refused.discard(connection)
        self._resting.pop(connection, None)
        key = self._all.pop(connection, None)
        if key is None:
            return
        own = self._by_address[key]
        del own[connection]
        if not own:
            del self._by_address[key]
        self._count()

    def rest(self, connection: Connection) -> None:
        """Notes that the connection is idle: no request is under way."""
        if connection in self._all:
            self._resting[connection] = None

    def work(self, connection: Connection) -> None:
        """Notes that a request is under way: the connection is not closed to make room."""
        self._resting.pop(connection, None)

    def note(self, reason: str, client: str = "") -> None:
        """Counts a connection that was refused or cut off, and logs some of them.

        `reason` is a label of the metric, `client` the address of the other end.
        """
        if self._metrics is not None:
            self._metrics.ended.labels(reason).inc()
        notice = self._notices.setdefault(reason, _Notice(reason))
        notice.add(client, self.now)

    def _count(self) -> None:
        if self._metrics is not None:
            self._metrics.open.set(len(self._all))

    def _look(self) -> None:
        """Closes overdue connections; runs again soon while there are connections or notices."""
        self._look_soon()
        for connection in [*self._all, *self._refused]:
            reason = connection.overdue(self.now)
            if reason is not None:
                connection.expire(reason)
        self._bound_unread()
        for notice in self._notices.values():
            notice.tell(self.now)
        if not (self._all or self._refused or any(n.waits for n in self._notices.values())):
            self._stop_looking()

    def _bound_unread(self) -> None:
        """Closes connections with most unread bytes where an address, or all, have too many."""
        total = 0
        by_address: dict[str, list[tuple[int, Connection]]] = {}
        for connection, key in self._all.items():
            if connection.unread:
                total += connection.unread
                by_address.setdefault(key, []).append((connection.unread, connection))
        for key, own in by_address.items():
            if not self.is_proxy(plain(own[0][1].host)):
                total -= self._drop(own, sum(unread for unread, _ in own) - _UNREAD_EACH, key)
        if total > _UNREAD:
            left = [each for own in by_address.values() for each in own if each[1] in self._all]
            self._drop(left, total - _UNREAD, "")

    def _drop(self, some: list[tuple[int, Connection]], excess: int, client: str) -> int:
        """Closes connections until `excess` unread bytes are freed; returns the number freed."""
        dropped = 0
        for unread, connection in sorted(some, key=lambda each: -each[0]):
            if dropped >= excess:
                break
            dropped += unread
            self.note("unread", client)
            self.remove(connection)
            connection.abort()
        return dropped

    def _stop_looking(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_soon(self) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        self._timer = loop.call_later(self._interval, self._look)


class _Notice:
    """Logs the connections refused for one reason: at once, then at most every ten seconds."""

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._count = 0
        self._client = ""
        self._told_at: float | None = None

    @property
    def waits(self) -> bool:
        """Whether there are connections that were not logged yet."""
        return self._count > 0

    def add(self, client: str, now: float) -> None:
        """Counts one more, from the address `client`."""
        self._count += 1
        self._client = client or self._client
        self.tell(now)

    def tell(self, now: float) -> None:
        """Logs the number since the last line, unless that line is less than ten seconds old."""
        if not self._count or (self._told_at is not None and now - self._told_at < _NOTICE_SECONDS):
            return
        _log.warning(
            "connections refused or cut off",
            reason=self._reason,
            count=self._count,
            client=self._client or None,
        )
        self._count, self._told_at = 0, now

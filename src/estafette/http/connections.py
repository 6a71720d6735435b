"""The connections of a process: how many there may be, and how long each may keep us waiting."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from estafette.http.address import counted, plain
from estafette.logs import Logger

_REFUSED_AT_ONCE = 32
"""How many refused connections are kept so long that they can be told why."""

_UNREAD, _UNREAD_EACH = 512 * 1024 * 1024, 64 * 1024 * 1024
"""How much of our answers all callers, and those of one address, may leave unread, in bytes."""

_NOTICE_SECONDS = 10.0
"""A line of the log a reason in so many seconds, with how often it was."""

_log = Logger()


@dataclass(frozen=True)
class ConnectionLimits:
    """How many connections there may be, and how many seconds a caller may take for what.

    `most` is in all, `each` of one client address (an IPv6 client's is its /64). `head` is the time
    for a request line and headers, from the connection's or the request's first moment; `body` that
    for the rest of a request, and `farewell` the same once the request has been answered; `idle` is
    between two requests, `sending` how long an answer may wait to be read on. `refused` is how long
    a refused caller is waited for, to be told so. `refusal` is how long an answer of 429 is kept
    back on a connection that goes on after some of them: what it says at least in `Retry-After`.
    """

    most: int = 10_000
    each: int = 256
    head: float = 15.0
    body: float = 25.0  # above what http/request.py allows, which answers in the dialect's words
    farewell: float = 5.0
    idle: float = 75.0
    sending: float = 30.0
    refused: float = 2.0
    refusal: float = 1.0


class Connection(Protocol):
    """One connection, as it is watched here."""

    host: str
    """Its address: the caller's, or a proxy's."""

    unread: int
    """How much of its answers was not read when it was last asked whether it is overdue."""

    def overdue(self, now: float) -> str | None:
        """What it keeps us waiting for longer than it may; None: nothing. Called once a second."""
        ...

    def expire(self, reason: str) -> None:
        """Ends, with words where there is a request to answer."""
        ...

    def abort(self) -> None:
        """Ends at once, whatever was not read."""
        ...

    def leave(self) -> None:
        """Makes room for another; called only while it rests."""
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
        """Holds the `limits`; addresses of which `is_proxy` is true may have any number."""
        self.limits = limits or ConnectionLimits()
        self.now = 0.0
        """The time of the last look at all of them, in the loop's seconds."""
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
        """Takes a new connection from `host`, resting; returns a status if it must be refused.

        Where there are too many, the one that has rested longest makes room: of the same address,
        or of all. Only where none rests is the new one refused: 429 or 503. 0 stands for a refusal
        without words: too many are being told already.
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
        """Ends so many of those that have rested longest: the system has no more to give."""
        for _ in range(min(count, len(self._resting))):
            self._make_room(next(iter(self._resting)), "total", "")

    def remove(self, connection: Connection) -> None:
        """Forgets one that has ended; any number of times."""
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
        """It asks for nothing now."""
        if connection in self._all:
            self._resting[connection] = None

    def work(self, connection: Connection) -> None:
        """It has asked for something: it is not ended for another's sake."""
        self._resting.pop(connection, None)

    def note(self, reason: str, client: str = "") -> None:
        """Counts a connection that was refused or cut off, and logs it now and then."""
        if self._metrics is not None:
            self._metrics.ended.labels(reason).inc()
        notice = self._notices.setdefault(reason, _Notice(reason))
        notice.add(client, self.now)

    def _count(self) -> None:
        if self._metrics is not None:
            self._metrics.open.set(len(self._all))

    def _look(self) -> None:
        """Ends what is overdue, and looks again soon while there is anything to look at."""
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
        """Ends those who have left most unread where it is too much, of an address or in all."""
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
        """Ends as many of them as have left so much unread; returns how much they had."""
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
    """What is to be logged of one reason: at once, and then at most every ten seconds."""

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._count = 0
        self._client = ""
        self._told_at: float | None = None

    @property
    def waits(self) -> bool:
        """Whether there is something that was not logged yet."""
        return self._count > 0

    def add(self, client: str, now: float) -> None:
        """Notes one more; `client` is the last one's address."""
        self._count += 1
        self._client = client or self._client
        self.tell(now)

    def tell(self, now: float) -> None:
        """Logs what has gathered, unless the last line was just now."""
        if not self._count or (self._told_at is not None and now - self._told_at < _NOTICE_SECONDS):
            return
        _log.warning(
            "connections refused or cut off",
            reason=self._reason,
            count=self._count,
            client=self._client or None,
        )
        self._count, self._told_at = 0, now

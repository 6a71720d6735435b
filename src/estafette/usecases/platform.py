"""The services that every use case is given, and the clock for its records."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from estafette.core.accounts.account import Mode
from estafette.core.accounts.acts import Network
from estafette.core.audit import By
from estafette.core.couriers.company import Company, Connector, Courier
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.files import KeptFiles
from estafette.files.tiles import TileArchive
from estafette.store import signals
from estafette.store.pool import DATABASE_TROUBLE, Connection, Pool
from estafette.store.work import UnitOfWork, unit_of_work
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.secrets import Cipher
from estafette.usecases.catalog import Catalog
from estafette.usecases.connections import DatabaseConnections, HeldConnection

CourierObserver = Callable[[Company, str, float], None]
"""Is called when a company has answered a request for a quote, or has failed to.

The text is the outcome: "offer", "no", "failed", "late", or "open", which means that the company
was not asked because it has failed too often lately. The number is how many seconds it took.
"""

DispatchObserver = Callable[[Company, str], None]
"""Is called with what became of a delivery at a remote company: "placed", "refused", "disputed"."""

Recall = Callable[[Company, Mode, str], Awaitable[Recalled]]
"""Cancels a delivery at a remote company, by the id that the company gave it; within seconds."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a merchant's request may wait for a remote company.

    `quote` is the wait for its price. A request to cancel waits `placing` for an attempt to place
    the delivery that is under way, `answer` for the company to cancel it, and `news`, after the
    company has refused, for the follower of its events to report why.
    """

    quote: float = 3.0
    placing: float = 3.0
    answer: float = 3.5
    news: float = 1.0


def _unobserved(_company: Company, _outcome: str, _seconds: float) -> None:
    """Does nothing: this process keeps no measurements."""


def _unobserved_dispatch(_company: Company, _outcome: str) -> None:
    """Does nothing: this process keeps no measurements."""


async def _unreachable(_company: Company, _mode: Mode, _upstream_id: str) -> Recalled:
    return Recalled.UNKNOWN


NO_FILES = KeptFiles(Path(os.devnull))
"""No place for files: to keep one fails."""

NOBODY_IN_PARTICULAR = By.process("estafette")


@dataclass(frozen=True, slots=True)
class Platform:
    """The services that use cases work with. It is complete when it is made, and never changed.

    A request takes its connection from `connections`; loops and the operator's commands take theirs
    from `pool`. A use case that writes work for other processes opens a `transaction` on its
    connection: after the commit, `signal` is called with the channel of those processes.

    `key_uses` notes which keys are used. `public_url` is the address of this server on the
    internet, without a slash at the end. `sandbox_step` is how long a simulated courier takes for a
    step; with zero it takes a step only when it is told to. `couriers` are the connectors to
    courier companies. `watch_limits` say after what time a delivery has to be looked after.
    `observe_courier` and `observe_dispatch` measure how companies answer. `recall` cancels
    deliveries at remote companies, within the limits of `patience`; without it, no delivery that
    was placed there can be cancelled. `by` is who acts, as the audit records it.
    `webhook_addresses` are the addresses that webhooks are sent from, where the operator has
    configured them. With `needs_second_factor`, the operator's people must have a second factor
    before they can open any page of the platform. `files` keeps the pictures of proofs.
    Recipients are shown couriers by a grid with cells of `courier_grid_metres`. Maps are drawn over
    `tiles`, if there are any.
    """

    pool: Pool
    connections: DatabaseConnections
    key_uses: KeyUses
    signal: Callable[[str], None]
    dialects: Mapping[str, Dialect]
    catalog: Catalog
    cipher: Cipher
    public_url: str
    sandbox_step: timedelta
    couriers: Mapping[Connector, Courier] = field(default_factory=dict[Connector, Courier])
    watch_limits: WatchLimits = field(default_factory=WatchLimits)
    observe_courier: CourierObserver = _unobserved
    observe_dispatch: DispatchObserver = _unobserved_dispatch
    recall: Recall = _unreachable
    patience: Patience = field(default_factory=Patience)
    by: By = NOBODY_IN_PARTICULAR
    webhook_addresses: tuple[Network, ...] = ()
    needs_second_factor: bool = True
    courier_grid_metres: int = 200
    files: KeptFiles = NO_FILES
    tiles: TileArchive | None = None

    def transaction(self, connection: Connection) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begins a unit of work on a connection: a transaction, whose commit sends its signals."""
        return unit_of_work(connection, self.signal)

    def within(self, work: UnitOfWork) -> "Platform":
        """Returns the same platform, whose use cases are done within a unit of work that is open.

        Their transactions are savepoints in it, and their signals follow its commit. What takes a
        connection from `pool` is not within it.
        """
        held = HeldConnection(work.connection)
        return replace(self, connections=held, signal=work.signal)

    def acting(self, by: By) -> "Platform":
        """Returns the same platform with `by` as who acts, such as the API key of a request."""
        return replace(self, by=by)


class Signals:
    """Signals other processes after commits.

    Signals of one channel that come close together are joined.
    """

    def __init__(self, pool: Pool) -> None:
        """Takes the connections for sending from `pool`."""
        self._pool = pool
        self._under_way: dict[str, asyncio.Task[None] | asyncio.TimerHandle] = {}
        self._again: set[str] = set()

    def send(self, channel: str) -> None:
        """Signals on `channel` (see `store.signals`) that there is something to read.

        Returns at once. Where a signal is lost, what there is to read is found by the next poll.
        """
        if channel in self._under_way:
            self._again.add(channel)
            return
        task = asyncio.create_task(self._send(channel))
        self._under_way[channel] = task
        task.add_done_callback(lambda _: self._sent(channel))

    async def _send(self, channel: str) -> None:
        with suppress(*DATABASE_TROUBLE):  # others also poll
            await signals.send(self._pool, channel)

    def _sent(self, channel: str) -> None:
        if (apart := signals.APART_SECONDS.get(channel)) is None:
            self._go_on(channel)
        else:
            loop = asyncio.get_running_loop()
            self._under_way[channel] = loop.call_later(apart, self._go_on, channel)

    def _go_on(self, channel: str) -> None:
        del self._under_way[channel]
        if channel in self._again:
            self._again.discard(channel)
            self.send(channel)


def clock() -> datetime:
    """Returns the time at which something happened, in whole milliseconds.

    Use it for records only. Decisions (leases, expiry, schedules) use the database's clock.
    """
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)

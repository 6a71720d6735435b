"""What every use case is given: the running Estafette."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from estafette.core.accounts.account import Mode
from estafette.core.accounts.acts import Network
from estafette.core.audit import By
from estafette.core.couriers.company import Company, Connector, Courier
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.store import signals
from estafette.store.pool import DATABASE_TROUBLE, Connection, Pool
from estafette.store.work import UnitOfWork, unit_of_work
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.secrets import Cipher
from estafette.usecases.catalog import Catalog
from estafette.usecases.connections import DatabaseConnections

CourierObserver = Callable[[Company, str, float], None]
"""Hears how a company answered ("offer", "no", "failed", "late", "open") and in how many seconds.

"open": it was not asked, for it failed too often lately.
"""

DispatchObserver = Callable[[Company, str], None]
"""Hears what became of a delivery at a remote company: "placed", "refused" or "disputed"."""

Recall = Callable[[Company, Mode, str], Awaitable[Recalled]]
"""Calls a delivery off at a remote company, which knows it by that id; answers within seconds."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a merchant who cancels is kept waiting by a remote company.

    `placing`: for an attempt to place the delivery that is under way; `answer`: for the company to
    call it off; `news`: for its follower to tell why the company refused.
    """

    placing: float = 3.0
    answer: float = 3.5
    news: float = 1.0


def _unobserved(_company: Company, _outcome: str, _seconds: float) -> None:
    """Observes nothing: this process measures nothing."""


def _unobserved_dispatch(_company: Company, _outcome: str) -> None:
    """Observes nothing: this process measures nothing."""


async def _unreachable(_company: Company, _mode: Mode, _upstream_id: str) -> Recalled:
    return Recalled.UNKNOWN


NOBODY_IN_PARTICULAR = By.process("estafette")


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts that use cases work with. It is complete when it is made, and never changed.

    A request takes its connection from `connections`; what runs by itself and the operator's
    commands take theirs from `pool`. What writes for others to do, takes a `transaction` on it:
    after its commit `signal` is called with the channel of those others. `key_uses` notes which
    keys are used. `public_url` is where the world reaches this server, without a slash at the end.
    `sandbox_step` is how long a simulated courier takes for a step; zero is "only when told".
    `couriers` are the connectors to courier companies, `watch_limits` how long things may take,
    `observe_courier` hears how each company answered, `observe_dispatch` what became of deliveries
    at remote ones. `recall` calls deliveries off there, within the limits of `patience`; without it
    none that was placed can be. `by` is who acts, as the audit tells it. `webhook_addresses` are
    those that webhooks come from, where the operator has named them.
    With `needs_second_factor` the operator's people open nothing of the platform's without one.
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

    def transaction(self, connection: Connection) -> AbstractAsyncContextManager[UnitOfWork]:
        """Returns a transaction on a connection, and what follows from it once it has committed."""
        return unit_of_work(connection, self.signal)

    def acting(self, by: By) -> "Platform":
        """Returns the same platform for somebody else, such as the key of a request."""
        return replace(self, by=by)


class Signals:
    """Wakes workers after commits; many commits close together wake those of a channel once."""

    def __init__(self, pool: Pool) -> None:
        """Signals through connections of `pool`."""
        self._pool = pool
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()

    def send(self, channel: str) -> None:
        """Tells those who listen on `channel` (see `store.signals`) that there is work.

        Returns at once. A lost signal costs a worker's next poll.
        """
        if channel in self._under_way:
            self._again.add(channel)
            return
        task = asyncio.create_task(self._send(channel))
        self._under_way[channel] = task
        task.add_done_callback(lambda _: self._sent(channel))

    async def _send(self, channel: str) -> None:
        with suppress(*DATABASE_TROUBLE):  # the workers poll besides
            await signals.send(self._pool, channel)

    def _sent(self, channel: str) -> None:
        del self._under_way[channel]
        if channel in self._again:
            self._again.discard(channel)
            self.send(channel)


def clock() -> datetime:
    """Returns the time at which something happened, in whole milliseconds.

    For records only: whatever decides (leases, expiry, schedules) asks the database's clock.
    """
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)

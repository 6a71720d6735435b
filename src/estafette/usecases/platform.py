"""What every use case is given: the running Estafette."""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.core.couriers.company import Company, Connector, Courier
from estafette.core.couriers.upstream import Recalled
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.store import signals
from estafette.store.pool import DATABASE_TROUBLE, Pool
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.secrets import Cipher
from estafette.usecases.catalog import Catalog
from estafette.usecases.places import Places

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


@dataclass(slots=True)
class Platform:
    """The parts that use cases work with.

    `public_url` is where the world reaches this server, without a slash at the end.
    `sandbox_step` is how long a simulated courier takes for a step; zero is "only when told".
    `couriers` are the connectors to courier companies, `watch_limits` how long things may take,
    `observe_courier` hears how each company answered, `observe_dispatch` what became of deliveries
    at remote ones. `recall` calls deliveries off there, within the limits of `patience`; without it
    none that was placed can be. `by` is who acts, as the audit tells it.

    A request takes its connection from `places`; what runs by itself and the operator's commands
    take theirs from `pool`. Lists and searches have `list_pool`, or share the other.
    """

    pool: Pool
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
    list_pool: "Pool | None" = None
    places: Places = field(init=False)
    key_uses: KeyUses = field(init=False)
    outbox_signal: "Signal" = field(init=False)
    dispatch_signal: "Signal" = field(init=False)

    def __post_init__(self) -> None:
        """Prepares the places, the signals to the workers, and the notes of which keys are used."""
        self.places = Places(self.pool, self.list_pool or self.pool)
        self.key_uses = KeyUses(self.pool)
        self.outbox_signal = Signal(self.pool, signals.OUTBOX)
        self.dispatch_signal = Signal(self.pool, signals.DISPATCHES)

    def acting(self, by: By) -> "Platform":
        """The same platform for somebody else, such as the key of a request."""
        theirs = copy.copy(self)
        theirs.by = by
        return theirs


class Signal:
    """Wakes workers after a commit; many commits close together wake them once."""

    def __init__(self, pool: Pool, channel: str) -> None:
        """Signals on `channel` (see `store.signals`) through connections of `pool`."""
        self._pool = pool
        self._channel = channel
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def wake(self) -> None:
        """There is work. Returns at once; a lost signal costs a worker's next poll."""
        if self._task is None:
            self._task = asyncio.create_task(self._send())
            self._task.add_done_callback(self._done)
        else:
            self._again = True

    async def _send(self) -> None:
        try:
            await signals.send(self._pool, self._channel)
        except DATABASE_TROUBLE:
            return  # the workers poll besides

    def _done(self, _: "asyncio.Task[None]") -> None:
        self._task = None
        if self._again:
            self._again = False
            self.wake()


def clock() -> datetime:
    """The time at which something happened, in whole milliseconds.

    For records only: whatever decides (leases, expiry, schedules) asks the database's clock.
    """
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)

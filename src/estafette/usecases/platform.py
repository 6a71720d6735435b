"""What every use case is given: the running Estafette."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from estafette.core.courier import Company, Connector, Courier
from estafette.core.dialect import Dialect
from estafette.core.watch import WatchLimits
from estafette.store import signals
from estafette.store.pool import DATABASE_TROUBLE, Pool
from estafette.usecases.catalog import Catalog
from estafette.usecases.secrets import Cipher

CourierObserver = Callable[[Company, str, float], None]
"""Hears how a company answered ("offer", "no", "failed", "late") and in how many seconds."""


def _unobserved(_company: Company, _outcome: str, _seconds: float) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Platform:
    """The parts that use cases work with.

    `public_url` is where the world reaches this server, without a slash at the end.
    `sandbox_step` is how long a simulated courier takes for a step; zero is "only when told".
    `couriers` are the connectors to courier companies, `watch_limits` how long things may take,
    `observe_courier` hears how each company answered.
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
    outbox_signal: "OutboxSignal" = field(init=False)

    def __post_init__(self) -> None:
        """Prepares the signal to the webhook workers."""
        self.outbox_signal = OutboxSignal(self.pool)


class OutboxSignal:
    """Wakes the webhook workers after a commit; many commits close together wake them once."""

    def __init__(self, pool: Pool) -> None:
        """Signals through connections of `pool`."""
        self._pool = pool
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def wake(self) -> None:
        """There are new messages. Returns at once; a lost signal costs a worker's next poll."""
        if self._task is None:
            self._task = asyncio.create_task(self._send())
            self._task.add_done_callback(self._done)
        else:
            self._again = True

    async def _send(self) -> None:
        try:
            await signals.send(self._pool, signals.OUTBOX)
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

"""How this Estafette is, for the operator's people: database, queues, upkeep, versions, disk."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from estafette.store import ends, inspection
from estafette.store.couriers import dispatch_counts
from estafette.store.deliveries import daily_tallies
from estafette.store.ends import Removed
from estafette.store.inspection import DatabaseState, TableSize
from estafette.store.webhooks import survey
from estafette.usecases.deliveries.inspect import DatabaseReport, inspect_database
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform


class QueueState(NamedTuple):
    """What waits in a queue, as far as it is counted, and for how long the first has been due."""

    waiting: int
    oldest_seconds: float | None = None


class DiskSpace(NamedTuple):
    """The disk of the machine that answers, in bytes."""

    free: int
    whole: int


@dataclass(frozen=True, slots=True)
class Health:
    """How it is. `webhooks_held` wait for endpoints that are sent nothing.

    `errands` are deliveries to be placed or looked at elsewhere, due now. `figures_to` is until
    when events are counted, which a worker does every few seconds: None before the first.
    """

    database: DatabaseReport
    state: DatabaseState
    tables: Sequence[TableSize]
    webhooks: QueueState
    webhooks_held: int
    errands: QueueState
    upkeep: Sequence[Removed]
    figures_to: datetime | None
    disk: DiskSpace
    estafette: str
    python: str


async def examine(platform: Platform) -> Health:
    """Returns how everything is now. Raises Busy, Unavailable, or what asyncpg raises."""
    report = await inspect_database(platform)
    async with reading(platform) as connection:
        waiting = await survey.survey(connection)
        pending = await survey.count(connection)
        due, oldest = await dispatch_counts.due(connection)
        state, tables = await inspection.state(connection), await inspection.tables(connection)
        upkeep = await ends.done(connection)
        figures_to = await daily_tallies.counted_to(connection)
    disk = await asyncio.to_thread(shutil.disk_usage, Path.cwd())
    return Health(
        database=report,
        state=state,
        tables=tables,
        webhooks=QueueState(pending.pending, waiting.oldest_seconds),
        webhooks_held=pending.held,
        errands=QueueState(due, oldest),
        upkeep=sorted(upkeep, key=lambda one: one.name),
        figures_to=figures_to,
        disk=DiskSpace(disk.free, disk.total),
        estafette=version("estafette"),
        python=".".join(map(str, sys.version_info[:3])),
    )

"""What the simulated couriers do next."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.store.claims import Queue
from estafette.store.columns import Columns, change, insertion
from estafette.store.columns import rows as rows_of
from estafette.store.deliveries import rows
from estafette.store.deliveries import table as deliveries
from estafette.store.ends import Ending
from estafette.store.pool import Connection


class NextStep(NamedTuple):
    """The number of a delivery's next step, and in how many seconds it is due.

    `due_in_seconds` is None where it does not move by itself.
    """

    account_id: UUID
    delivery_id: UUID
    number: int
    due_in_seconds: float | None


NEW: Final = Columns[NextStep](
    {
        "account_id": ("uuid", lambda step: step.account_id),
        "delivery_id": ("uuid", lambda step: step.delivery_id),
        "step": ("integer", lambda step: step.number),
        "due_in_seconds": ("float8", lambda step: step.due_in_seconds),
    }
)
"""What is planned of a delivery."""

_DUE_AT: Final = "now() + make_interval(secs => input.due_in_seconds)"


def planning(first: int) -> str:
    """The statement that plans new deliveries, whose parameters are numbered from `first`."""
    columns = ("account_id", "delivery_id", "step")
    return insertion("sandbox_runs", columns, rows_of(NEW, first=first), due_at=_DUE_AT)


_GO_ON: Final = change(
    "sandbox_runs", ("step",), rows_of(NEW), ("account_id", "delivery_id"), due_at=_DUE_AT
)


async def go_on(connection: Connection, steps: Sequence[NextStep]) -> None:
    """Plans the next steps of those of the deliveries that simulated couriers carry."""
    if steps:
        await connection.execute(_GO_ON, *NEW.of(steps))


async def resume(connection: Connection, deliveries: Sequence[Delivery], wait: timedelta) -> None:
    """Lets those plans that move by themselves no more go on after a while."""
    await connection.execute(
        "update sandbox_runs set due_at = now() + $3::interval"
        " from unnest($1::uuid[], $2::uuid[]) as let_go (account, delivery)"
        " where account_id = account and delivery_id = delivery and due_at is null",
        [one.scope.account_id for one in deliveries],
        [one.id for one in deliveries],
        wait,
    )


_OF_ENDED = deliveries.ENDED_BEFORE.format(table="sandbox_runs")
ENDING: Final = Ending("sandbox_runs", f"due_at is null and {_OF_ENDED}")
"""When plans have had their time."""


class Run(NamedTuple):
    """A delivery under way in the sandbox, its account's dialect, and the next step's number."""

    delivery: Delivery
    dialect: str
    step: int


QUEUE: Final = Queue("sandbox_runs", "due_at")

_CLAIM = QUEUE.due(
    "deliveries.*, sandbox_runs.step as run_step, accounts.dialect",
    joins="""
        join deliveries on deliveries.account_id = sandbox_runs.account_id
            and deliveries.id = sandbox_runs.delivery_id
        join accounts on accounts.id = sandbox_runs.account_id
    """,
    where="accounts.dialect = any($2)",
    limit="$1",
    locks="sandbox_runs, deliveries",
)


async def claim_due(connection: Connection, dialects: Sequence[str], limit: int) -> list[Run]:
    """At most `limit` deliveries whose next step is due, locked for this transaction.

    Only those of accounts that speak one of `dialects`: while versions change, a process may not
    know them all.
    """
    found = await connection.fetch(_CLAIM, limit, dialects)
    return [Run(rows.delivery(row), row["dialect"], row["run_step"]) for row in found]


async def step(connection: Connection, account_id: UUID, delivery_id: UUID) -> int | None:
    """The next step's number of a delivery, or None when no simulated courier carries it."""
    return await connection.fetchval(
        "select step from sandbox_runs where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
    )


async def stop(connection: Connection, account_id: UUID, delivery_id: UUID) -> None:
    """Lets a delivery move by itself no more."""
    await connection.execute(
        "update sandbox_runs set due_at = null where account_id = $1 and delivery_id = $2",
        account_id,
        delivery_id,
    )

"""Queues: tables whose rows come due, are held by one worker at a time, and are settled by it.

A row is held in one of two ways:

- *For a transaction*: `due` locks the first rows that are due, and passes over those that others
  have locked. What is done about them is committed with the time at which each is due again.
- *Under a lease*, where the work takes longer than a transaction should: `leasing` raises the row's
  `attempt`, which is the fencing token, and lets it be due again when the lease ends. What came of
  the attempt is recorded only where the `fence` holds: the token is the same, and the lease is
  still the caller's. A worker that dies reports nothing, and its rows come due by themselves.

The clock is the database's. All methods give texts of SQL, or run one.
"""

from dataclasses import dataclass
from uuid import UUID

from estafette.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Queue:
    """A table and those of its columns by which its rows are claimed.

    `due_at` is when a row is due, null: never. `lease` says that a worker holds it, and is null
    otherwise. `id` tells the row among those of its account.
    """

    table: str
    due_at: str
    lease: str = ""
    id: str = "delivery_id"

    def due(
        self,
        columns: str,
        *,
        limit: str,
        where: str = "true",
        joins: str = "",
        order: str = "",
        locks: str = "",
    ) -> str:
        """The first rows that are due, locked; those that others have locked are passed over.

        `joins` follow the table, whose rows are locked unless `locks` names others.
        """
        return f"""
            select {columns} from {self.table} {joins}
            where {self.table}.{self.due_at} <= now() and {where}
            order by {order or f"{self.table}.{self.due_at}"} limit {limit}
            for update of {locks or self.table} skip locked
        """  # noqa: S608 - the parts are constants

    def leasing(self, lease: str, where: str = "true", **changes: str) -> str:
        """Leases the rows whose places (ctid) are in `picked` for an interval; gives these rows.

        `where` is what must hold of them still, as they were picked before they were locked, and
        `changes` are columns besides, each by the expression that it becomes.
        """
        changed = {"attempt": "attempt + 1", self.due_at: f"now() + {lease}"} | changes
        return f"""
            update {self.table} set {_assigned(changed)}
            where ctid = any (array(select place from picked))
                and {self.due_at} <= now() and {where}
            returning {self.table}.*
        """  # noqa: S608 - the parts are constants

    def fence(self, attempt: str, holder: str) -> str:
        """Returns whether the attempt of that number is still under the lease of its holder."""
        return f"{self.table}.attempt = {attempt} and {self.table}.{self.lease} {holder}"

    async def due_in_seconds(self, connection: Connection) -> float | None:
        """In how many seconds the next row is due, not above zero: now; None when none is."""
        return await connection.fetchval(
            f"select extract(epoch from min({self.due_at}) - now())::float8"  # noqa: S608 - constants
            f" from {self.table} where {self.due_at} is not null"
        )

    async def put_off(self, connection: Connection, account_id: UUID, id: UUID) -> None:
        """Lets a row of which nothing can be made be due in an hour, after others."""
        await connection.execute(
            f"update {self.table} set {self.due_at} = now() + interval '1 hour'"  # noqa: S608 - constants
            f" where account_id = $1 and {self.id} = $2",
            account_id,
            id,
        )


def _assigned(changes: dict[str, str]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in changes.items())

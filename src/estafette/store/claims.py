"""Queues: tables whose rows become due, are claimed by one worker at a time, and are settled by it.

A worker holds a row in one of two ways:

- *For a transaction*: `due` locks the first rows that are due, and skips those that others have
  locked. The work is committed together with the time at which each row is due again.
- *Under a lease*, where the work takes longer than a transaction should: `leasing` increases the
  row's `attempt`, which is the fencing token, and makes the row due again when the lease ends. The
  result of the attempt is recorded only where the `fence` holds: the token is the same, and the
  lease is still the caller's. If a worker dies, its rows become due again when their leases end.

All times are by the database's clock. The methods return SQL texts, or run one.
"""

from dataclasses import dataclass
from uuid import UUID

from estafette.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Queue:
    """A table, and the columns by which its rows are claimed.

    `due_at` is the time at which a row is due; null means never. `lease` is set while a worker
    holds the row, and null otherwise. `id` identifies the row within its account.
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
        """Returns a query that locks the first rows that are due, skipping those that are locked.

        `joins` are written after the table. The table's rows are locked, or those of the tables
        that `locks` names.
        """
        return f"""
            select {columns} from {self.table} {joins}
            where {self.table}.{self.due_at} <= now() and {where}
            order by {order or f"{self.table}.{self.due_at}"} limit {limit}
            for update of {locks or self.table} skip locked
        """  # noqa: S608 - the parts are constants

    def leasing(self, lease: str, where: str = "true", **changes: str) -> str:
        """Returns a statement that leases the rows in `picked` for an interval, and returns them.

        `picked` has the places (ctid) of the rows. They were picked before they were locked, so
        `where` is a condition that they must still fulfil. `changes` are further columns to set,
        each with its expression.
        """
        changed = {"attempt": "attempt + 1", self.due_at: f"now() + {lease}"} | changes
        return f"""
            update {self.table} set {_assigned(changed)}
            where ctid = any (array(select place from picked))
                and {self.due_at} <= now() and {where}
            returning {self.table}.*
        """  # noqa: S608 - the parts are constants

    def fence(self, attempt: str, holder: str) -> str:
        """Returns a condition: the row still has that attempt number and the holder's lease.

        `holder` is the comparison that the lease's column has to fulfil, such as `= $3`.
        """
        return f"{self.table}.attempt = {attempt} and {self.table}.{self.lease} {holder}"

    async def due_in_seconds(self, connection: Connection) -> float | None:
        """Returns in how many seconds the next row is due: zero or less is now, None is never."""
        return await connection.fetchval(
            f"select extract(epoch from min({self.due_at}) - now())::float8"  # noqa: S608 - constants
            f" from {self.table} where {self.due_at} is not null"
        )

    async def put_off(self, connection: Connection, account_id: UUID, id: UUID) -> None:
        """Makes a row whose work failed due again in an hour, so that others go before it."""
        await connection.execute(
            f"update {self.table} set {self.due_at} = now() + interval '1 hour'"  # noqa: S608 - constants
            f" where account_id = $1 and {self.id} = $2",
            account_id,
            id,
        )


def _assigned(changes: dict[str, str]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in changes.items())

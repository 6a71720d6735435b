"""How many webhook messages there are of what an account asks about."""

from uuid import UUID

from estafette.core.accounts.account import Mode, Scope
from estafette.store.pool import Connection

_WAITING = """
select mode, name, (
    select count(*) from (
        select from messages where state = 'pending' and endpoint_id = endpoints.id limit $2
    ) counted
)
from endpoints where account_id = $1 and removed_at is null
"""


async def waiting(
    connection: Connection, account_id: UUID, most: int
) -> dict[tuple[Scope, str], int]:
    """How many messages wait for each endpoint of an account, counted as far as `most`."""
    found = await connection.fetch(_WAITING, account_id, most)
    return {(Scope(account_id, Mode(mode)), name): count for mode, name, count in found}


_LEFT = """
select count(*) from messages
join endpoints on endpoints.account_id = messages.account_id
    and endpoints.id = messages.endpoint_id and endpoints.mode = $2
where messages.account_id = $1
"""


async def count_message(connection: Connection, scope: Scope, message_id: UUID) -> int:
    """1 where there is such a message, else 0."""
    return await connection.fetchval(f"{_LEFT} and messages.id = $3", *scope, message_id)


async def count_of_event(
    connection: Connection, scope: Scope, delivery_id: UUID, event_id: UUID
) -> int | None:
    """How many messages there are of an event; None: there is no such event."""
    seq = await connection.fetchval(
        "select seq from events where account_id = $1 and delivery_id = $2 and id = $3",
        scope.account_id,
        delivery_id,
        event_id,
    )
    if seq is None:
        return None
    return await connection.fetchval(
        f"{_LEFT} and messages.delivery_id = $3 and messages.seq = $4", *scope, delivery_id, seq
    )

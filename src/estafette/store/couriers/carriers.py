"""The carriers of accounts whose API names no courier company."""

from uuid import UUID

import asyncpg

from estafette.core.couriers.carriers import CarrierChoice, CarrierPolicy
from estafette.store.pool import Connection


async def every(connection: Connection) -> dict[UUID, CarrierPolicy]:
    """Returns all policies, by the account."""
    found = await connection.fetch("select account_id, choice, companies from carrier_policies")
    return {row["account_id"]: _policy(row) for row in found}


async def lock(connection: Connection, account_id: UUID) -> CarrierPolicy | None:
    """Returns an account's policy, its row locked; None: it has none."""
    row = await connection.fetchrow(
        "select choice, companies from carrier_policies where account_id = $1 for update",
        account_id,
    )
    return None if row is None else _policy(row)


async def save(connection: Connection, account_id: UUID, policy: CarrierPolicy) -> None:
    """Writes an account's policy, in the place of another one."""
    await connection.execute(
        "insert into carrier_policies (account_id, choice, companies) values ($1, $2, $3)"
        " on conflict (account_id) do update set choice = excluded.choice,"
        " companies = excluded.companies, changed_at = now()",
        account_id,
        policy.choice,
        list(policy.companies),
    )


async def remove(connection: Connection, account_id: UUID) -> None:
    """Has nobody carry for an account by itself."""
    await connection.execute("delete from carrier_policies where account_id = $1", account_id)


def _policy(row: asyncpg.Record) -> CarrierPolicy:
    return CarrierPolicy(CarrierChoice(row["choice"]), tuple(row["companies"]))

"""Removing an account that has never done real work, with all that it has, in small steps."""

from uuid import UUID

from estafette.core.people.organisation import OrganisationKind
from estafette.store.accounts import table as accounts
from estafette.store.people import invitations, memberships
from estafette.store.pool import Connection

EMPTIED = (
    "sandbox_runs",
    "messages",
    "attempts",
    "idempotency",
    "quotes",
    "events",
    "dispatches",
    "search_grams",
    "search_texts",
    "phone_index",
    "erasures_due",
    "search_progress",
    "delivery_words",
    "delivery_words_progress",
    "saved_filters",
    "import_rows",
    "imports",
    "daily_tallies",
    "personal_data_progress",
    "delivery_references",
    "page_tallies",
    "notifications",
    "key_uses",
    "endpoint_failures",
    "endpoint_spells",
    "replays",
    "api_requests",
    "api_request_gaps",
    "ledger_closings",
    "proofs",
    "driver_cash",
    "driver_cash_entries",
    "recipient_words",
    "address_corrections",
    "tour_stops",
    "dispatching_decisions",
    "planned_drivers",
    "assignments",
    "deliveries",
)
"""The tables whose rows of the account go one step after another."""

OWNED = (
    *("endpoints", "api_keys", "companies", "brandings", "logos", "carrier_policies"),
    # emptied before: a server writes of a request a moment after it, while there is the key
    *("key_uses", "api_requests", "api_request_gaps"),
)
"""Those that go with the account itself, in one transaction."""

OF_COMPANIES = (
    *("company_links", "tariffs", "dispatching", "cash_handovers", "drivers", "driver_sessions"),
    *("driver_messages", "shifts", "taps", "positions", "position_history", "position_tokens"),
    "learned_speeds",
)
"""Those with a company and no account: they go with its own companies, in the same transaction."""

KEPT = ("audit", "ledger_entries", "ledger_payments")
"""Those that are only ever added to. What stands there names no person."""

_STEP = """
delete from {table} using (
    select tableoid as part, ctid as place from {table} where account_id = $1 limit $2
) as chosen
where {table}.tableoid = chosen.part and {table}.ctid = chosen.place
"""

_LIVE = " union all ".join(
    f"select from {table} where account_id = $1 and mode = 'live'"
    for table in ("deliveries", "ledger_entries", "ledger_payments")
)


async def has_worked(connection: Connection, account_id: UUID) -> bool:
    """Returns whether the account has ever had a live delivery, or live money in the books."""
    return await connection.fetchval(f"select exists ({_LIVE})", account_id)


async def remove_some(connection: Connection, table: str, account_id: UUID, limit: int) -> int:
    """Removes at most `limit` of the account's rows from one of EMPTIED; counts them."""
    status = await connection.execute(_STEP.format(table=table), account_id, limit)
    return int(status.rpartition(" ")[2])


async def remove_account(connection: Connection, account_id: UUID) -> bool:
    """Removes the account and what it owns; False while it still has deliveries."""
    query = "select exists (select from deliveries where account_id = $1)"
    if await connection.fetchval(query, account_id):
        return False
    companies = await connection.fetch("select id from companies where account_id = $1", account_id)
    mine = "(select id from companies where account_id = $1)"
    for table in OF_COMPANIES:
        statement = f"delete from {table} where company_id in {mine}"  # noqa: S608 - constants
        await connection.execute(statement, account_id)
    for table in OWNED:
        await connection.execute(f"delete from {table} where account_id = $1", account_id)  # noqa: S608 - constants
    await accounts.remove(connection, account_id)
    # After what they belonged to: whoever joins meanwhile has it stay until that is done.
    for kind, ids in (
        (OrganisationKind.ACCOUNT, [account_id]),
        (OrganisationKind.COMPANY, [row["id"] for row in companies]),
    ):
        await memberships.remove_all(connection, kind, ids)
        await invitations.remove_all(connection, kind, ids)
    return True

"""Deliveries created from quotes a second over HTTP, against pgbench doing the same statements."""

from uuid import UUID

import asyncpg

from bench import load, pgbench
from bench.pgbench import Besides, Script
from bench.plan import Plan, say
from bench.process import BenchError
from bench.report import Figure, Pair, compared
from bench.shop import Shop, open_shop
from bench.stage import Stage

NAME = "order_vs_pgbench"
REACH = 0.35

_ROUNDS = 6  # the quotes that each uses take their time, too
_MOST_A_SECOND = 200  # of one of pgbench's clients
_SERIES = 1000  # the first of the years that pgbench's deliveries are numbered in

_QUOTE_ID = "lpad(:unique, 32, '0')::uuid"
_REFERENCE = "'DLV-' || :series || '-' || lpad(:last, 5, '0')"

# A series of numbers for each client: in one series they would wait for one another's commits.
_MAKE_SERIES = """
insert into delivery_references (account_id, mode, year, last)
select $1, $2, $3 + client, 0 from generate_series(0, $4 - 1) as client
"""

_GIVE_QUOTES = """
insert into quotes (account_id, id, mode, digests, fee, pickup_within_seconds,
    delivery_within_seconds, created_at, expires_at, company_id, terms)
select account_id,
    lpad((($2::bigint * 100 + client) * 1000000000 + number)::text, 32, '0')::uuid, mode, digests,
    fee, pickup_within_seconds, delivery_within_seconds, now(), now() + interval '15 minutes',
    company_id, terms
from quotes, generate_series(0, $3 - 1) as client, generate_series(1, $4) as number
where id = $1
"""


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn; every quote is given before the clock starts, and used once."""
    shop = await open_shop(stage)
    script, quote = await _script(shop)
    say(f"  {NAME}: a create writes {', '.join(script.tables)}")
    pairs: list[Pair] = []
    runs: list[load.Seen] = []
    await shop.create_for(2)
    rounds = min(plan.rounds, _ROUNDS)
    for number in range(1, rounds + 1):
        run = await shop.create_for(plan.create_seconds)
        theirs = await _pgbench(stage, script, quote, plan.create_seconds)
        runs.append(run)
        pairs.append(Pair(run.per_second, theirs))
        say(
            f"  {NAME}: round {number} of {rounds}:"
            f" {run.per_second:,.0f}/s, pgbench {theirs:,.0f}/s, ratio {pairs[-1].ratio:.2f}"
        )
    detail = {
        "rows_in": script.tables,
        "connections": load.CONNECTIONS,
        "created_and_found": sum(run.requests for run in runs),
        "p99_ms_at_full_load": round(max(run.p99_ms for run in runs), 1),
    }
    return compared(NAME, REACH, pairs, detail)


async def _script(shop: Shop) -> tuple[Script, UUID]:
    """What pgbench does, and a quote like those that it uses."""
    key = f"{shop.stage.new_run():020d}"
    delivery, quote = await shop.create_one(key)
    return await script_like(shop.stage.connection, delivery, quote, key), quote


async def _pgbench(stage: Stage, script: Script, quote: UUID, seconds: float) -> float:
    """Gives as many quotes as pgbench can use, then lets it use them."""
    number = stage.new_run()
    await give_quotes(stage.connection, quote, number, round(seconds * _MOST_A_SECOND))
    return await pgbench.run(script, stage.dsn, stage.folder, number=number, seconds=seconds)


async def script_like(
    connection: "asyncpg.Connection[asyncpg.Record]", delivery: UUID, quote: UUID, key: str
) -> Script:
    """The script that creates as this delivery was created from a quote, under this key."""
    found = await connection.fetchrow(
        "select account_id, mode, reference from deliveries where id = $1", delivery
    )
    if found is None or found["reference"] is None:
        raise BenchError("the delivery to be repeated has no number")
    account, mode = found["account_id"], found["mode"]
    await connection.execute(_MAKE_SERIES, account, mode, _SERIES, pgbench.CLIENTS)
    besides = Besides(
        first=[
            rf"\set series {_SERIES} + :client_id",
            "select payload, fee, pickup_within_seconds, delivery_within_seconds, created_at,"
            f" expires_at, used_by, company_id, terms from quotes where account_id = '{account}'"
            rf" and id = {_QUOTE_ID} for update \gset quoted_",
            "update delivery_references set last = last + 1, last_at = now()"
            f" where account_id = '{account}' and mode = '{mode}' and year = :series"
            r" returning last \gset",
        ],
        instead={
            "quotes": "update quotes set used_by = :delivery"
            f" where account_id = '{account}' and id = {_QUOTE_ID};",
            "delivery_references": None,
        },
        written={quote: _QUOTE_ID, found["reference"]: _REFERENCE},
    )
    return await pgbench.script_like(connection, delivery, key, besides)


async def give_quotes(
    connection: "asyncpg.Connection[asyncpg.Record]", quote: UUID, number: int, each: int
) -> None:
    """Gives each of pgbench's clients quotes like this one, for the run of that number."""
    await connection.execute(_GIVE_QUOTES, quote, number, pgbench.CLIENTS, each)

"""Requests for quotes a second over three companies, against pgbench writing the same quotes."""

from bench import load, pgbench
from bench.plan import Plan, say
from bench.report import Figure, Pair, compared
from bench.shop import open_shop
from bench.stage import Stage

NAME = "quotes_vs_pgbench"
REACH = 0.40


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn; every quote that was given is looked for afterwards."""
    shop = await open_shop(stage)
    script = await pgbench.script_of_quotes(stage.connection, await shop.quote_one())
    pairs: list[Pair] = []
    runs: list[load.Seen] = []
    await shop.quote_for(2)  # caches fill, connections open, plans are made
    for number in range(1, plan.rounds + 1):
        run = await shop.quote_for(plan.create_seconds)
        theirs = await pgbench.run(
            script,
            stage.dsn,
            stage.folder,
            number=stage.new_run(),
            seconds=plan.create_seconds,
        )
        runs.append(run)
        pairs.append(Pair(run.per_second, theirs))
        say(
            f"  {NAME}: round {number} of {plan.rounds}:"
            f" {run.per_second:,.0f}/s, pgbench {theirs:,.0f}/s, ratio {pairs[-1].ratio:.2f}"
        )
    detail = {
        "companies": len(shop.companies),
        "connections": load.CONNECTIONS,
        "quotes_given_and_found": sum(run.requests for run in runs) * len(shop.companies),
        "generator_busy": round(max(run.busy for run in runs), 2),
        "p99_ms_at_full_load": round(max(run.p99_ms for run in runs), 1),
    }
    return compared(NAME, REACH, pairs, detail)

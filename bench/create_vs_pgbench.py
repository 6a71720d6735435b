"""Durable creates a second over HTTP, against pgbench doing the same inserts."""

import statistics

from bench import load, pgbench
from bench.plan import Plan, say
from bench.report import Figure, Pair, compared
from bench.stage import Stage

NAME = "create_vs_pgbench"
REACH = 0.75


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn; every delivery that was acknowledged is looked for afterwards."""
    script = await stage.script()
    say(f"  {NAME}: a create writes {', '.join(script.tables)}")
    pairs: list[Pair] = []
    runs: list[load.Seen] = []
    await stage.create_for(2)  # caches fill, connections open, plans are made
    for number in range(1, plan.rounds + 1):
        run = await stage.create_for(plan.create_seconds)
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
        "rows_in": script.tables,
        "connections": load.CONNECTIONS,
        "created_and_found": sum(run.requests for run in runs),
        "generator_busy": round(max(run.busy for run in runs), 2),
        "p99_ms_at_full_load": round(max(run.p99_ms for run in runs), 1),
    }
    stage.most_creates = statistics.median(run.per_second for run in runs)
    return compared(NAME, REACH, pairs, detail)

"""GETs of one delivery a second, against a constant JSON answer of the same server."""

from bench import wrk
from bench.plan import Plan, say
from bench.report import Figure, Pair, compared
from bench.stage import Stage

NAME = "get_vs_constant"
REACH = 0.30

_CONSTANT = "/healthz"


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn; the deliveries are asked for at random."""
    if not wrk.is_here():
        return Figure(NAME, None, REACH, missing=wrk.MISSING)
    while len(stage.ids) < plan.get_stock:
        await stage.create_for(3)
    await stage.get_one(stage.ids[0], stage.base_url)
    pairs: list[Pair] = []
    for number in range(1, plan.rounds + 1):
        ours = await wrk.get(
            stage.base_url,
            stage.api_key,
            stage.folder,
            ids=stage.ids,
            seed=number,
            seconds=plan.get_seconds,
        )
        theirs = await wrk.constant(
            stage.base_url, _CONSTANT, stage.folder, seconds=plan.get_seconds
        )
        pairs.append(Pair(ours.per_second, theirs.per_second))
        say(
            f"  {NAME}: round {number} of {plan.rounds}: {ours.per_second:,.0f}/s,"
            f" constant {theirs.per_second:,.0f}/s, ratio {pairs[-1].ratio:.2f}"
        )
    detail = {"among": len(stage.ids), "connections": wrk.CONNECTIONS}
    return compared(NAME, REACH, pairs, detail)

"""GETs of one delivery a second, against a constant JSON answer of the same server."""

import random
from collections.abc import Sequence

from bench import load
from bench.plan import Plan, say
from bench.report import Figure, Pair, compared
from bench.stage import Stage

NAME = "get_vs_constant"
REACH = 0.50

CONSTANT = "/healthz"


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn; the deliveries are asked for at random."""
    while len(stage.ids) < plan.get_stock:
        await stage.create_for(3)
    await stage.get_one(stage.ids[0], stage.base_url)
    pairs: list[Pair] = []
    busy = 0.0
    for number in range(1, plan.rounds + 1):
        asked = random.Random(number).sample(stage.ids, len(stage.ids))
        paths = [f"/delivery/v1/deliveries/{id}" for id in asked]
        ours = await gets(stage, paths, plan.get_seconds)
        theirs = await gets(stage, [CONSTANT], plan.get_seconds)
        busy = max(busy, ours.busy, theirs.busy)
        pairs.append(Pair(ours.per_second, theirs.per_second))
        say(
            f"  {NAME}: round {number} of {plan.rounds}: {ours.per_second:,.0f}/s,"
            f" constant {theirs.per_second:,.0f}/s, ratio {pairs[-1].ratio:.2f}"
        )
    detail = {
        "among": len(stage.ids),
        "connections": load.CONNECTIONS,
        "generator_busy": round(busy, 2),
    }
    return compared(NAME, REACH, pairs, detail)


async def gets(
    stage: Stage, paths: Sequence[str], seconds: float, base_url: str | None = None
) -> load.Seen:
    """Gets the paths in turn, of the stage's server unless of another at `base_url`."""
    base_url = base_url or stage.base_url
    address, port = load.host(base_url).split(":")
    task = load.Task(
        host=address,
        port=int(port),
        head=load.head_of(base_url, f"x-api-key: {stage.api_key}"),
        what="paths",
        paths=tuple(paths),
        seconds=seconds,
    )
    return (await load.measured(task, stage.folder)).must_be_clean()

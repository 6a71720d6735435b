"""Requests a second that the load generator can make, against what the server's constant takes.

The constant is the fastest that any figure asks for. Where this reaches what it shall, it is not
the generator (`bench.load`) that limits the others.
"""

from bench import load
from bench.get_vs_constant import CONSTANT, gets
from bench.plan import Plan, say
from bench.report import Figure, Pair, compared
from bench.stage import Stage

NAME = "generator_vs_constant"
REACH = 1.5

_ANYTHING = "/anything"


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Rounds of both in turn: the receiver, which does next to nothing, and the server."""
    pairs: list[Pair] = []
    bare = f"http://127.0.0.1:{stage.receiver.port}"
    for number in range(1, plan.steady_rounds + 1):
        ours = await gets(stage, [_ANYTHING], plan.get_seconds, bare)
        theirs = await gets(stage, [CONSTANT], plan.get_seconds)
        pairs.append(Pair(ours.per_second, theirs.per_second))
        say(
            f"  {NAME}: round {number} of {plan.steady_rounds}: {ours.per_second:,.0f}/s, from the"
            f" server {theirs.per_second:,.0f}/s with {theirs.busy:.0%} of a processor"
        )
    return compared(NAME, REACH, pairs, {"connections": load.CONNECTIONS})

"""Li & Lim's 56 problems of 100 tasks, ten seconds each: how many are planned as well as known.

Ten seconds are VROOM's plan and PyVRP's improvement together, on one processor, through the planner
as everybody uses it. A problem counts where all is carried by the fewest vehicles that anybody is
known to have needed, and the distance is at most 3 % above the shortest known for these.
"""

from bench import pdptw
from bench.plan import Plan, say
from bench.report import Figure
from bench.stage import Stage
from estafette.routing.planner import NoPlanError, Planner

NAME = "li_lim"
REACH = 0.85
WITHIN = 0.03

_EFFORT, _SEED = 5, 1


async def measure(stage: Stage, plan: Plan) -> Figure:
    """The share of the problems that are planned as well as anybody is known to have."""
    folder = plan.pdptw
    if folder is None:
        missing = "name the folder of Li & Lim's files: python -m bench --pdptw FOLDER"
        return Figure(NAME, None, REACH, missing=missing)
    planner = Planner()
    gaps: dict[str, float | None] = {}
    try:
        for name in pdptw.names(folder):
            gaps[name] = await _gap(planner, pdptw.read(folder, name), plan.pdptw_seconds)
            say(f"  {name}: {_shown(gaps[name])}")
    finally:
        await planner.close()
    good = sum(gap is not None and gap <= WITHIN for gap in gaps.values())
    solved = sorted(gap for gap in gaps.values() if gap is not None)
    return Figure(
        NAME,
        round(good / len(gaps), 3),
        REACH,
        detail={"above_best_known": gaps, "seconds_each": plan.pdptw_seconds},
        shown=f"{good} of {len(gaps)} within {WITHIN:.0%} of the best known; all carried in"
        f" {len(solved)}; median {solved[len(solved) // 2]:.2%} above",
    )


async def _gap(planner: Planner, instance: pdptw.Instance, seconds: float) -> float | None:
    try:
        plan = await planner.plan(
            instance.problem(), seconds=seconds, effort=_EFFORT, improve=True, seed=_SEED
        )
    except NoPlanError as error:
        say(f"  {instance.name}: {error}")
        return None
    length = instance.length(plan)
    return None if length is None else round(length / instance.distance - 1, 4)


def _shown(gap: float | None) -> str:
    return "not all carried" if gap is None else f"{gap:.2%} above the best known"

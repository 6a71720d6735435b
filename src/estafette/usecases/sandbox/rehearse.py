"""Tell beforehand what a sandbox scenario does, as an account of a dialect will hear of it."""

from typing import NamedTuple

from estafette.core.deliveries.delivery import Progress, Status
from estafette.core.deliveries.dialect import Dialect
from estafette.usecases.sandbox.plan import script_of


class Happening(NamedTuple):
    """One event of a scenario. Times are in steps after the creation of the delivery.

    `announced` are the webhook types that tell of it, each sent `copies` times at `announced_at`.
    """

    at: float
    status: Status
    note: str | None
    announced: tuple[str, ...]
    announced_at: float
    copies: int


def rehearse(name: str, dialect: Dialect) -> list[Happening]:
    """Everything that happens to a delivery with that scenario, its creation included."""
    script = script_of(name, dialect)
    progress = Progress(Status.PENDING, Status.PENDING)
    announced = dialect.announcements(None, progress)
    first = Happening(0, progress.status, None, announced, script.delay, script.copies)
    happenings = [first]
    at = 0.0
    for step in script.steps:
        before = progress
        moved = before.moved(step.to)
        if moved is None:  # a test walks all scripts: none has such a step
            continue
        progress = moved
        at += step.wait
        announced = dialect.announcements(before, progress)
        happenings.append(
            Happening(at, step.to, step.note, announced, at + step.delay, script.copies)
        )
    return happenings

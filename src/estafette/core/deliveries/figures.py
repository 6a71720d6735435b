"""What a day comes to: how many deliveries were created, and how those that ended did."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from estafette.core.deliveries.event import Actor

_CANCELLED_BY = "cancelled_by_"


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened within a time: not what became of the deliveries that were created then.

    `late` are those of the delivered that came after the promised time. `cancelled` is by who did.
    """

    created: int = 0
    delivered: int = 0
    late: int = 0
    failed: int = 0
    stalled: int = 0
    cancelled: Mapping[Actor, int] = field(default_factory=dict[Actor, int])

    @property
    def on_time(self) -> float | None:
        """Which part of the delivered came in time, of 1; None where none was delivered."""
        return (self.delivered - self.late) / self.delivered if self.delivered else None

    @property
    def all_cancelled(self) -> int:
        """How many were cancelled, by whomever."""
        return sum(self.cancelled.values())


def figures_of(counts: Iterable[tuple[str, int]]) -> Figures:
    """Returns the figures of what was counted: pairs of what happened, and how often.

    What a later version counts, and this one does not know, is left out.
    """
    sums: dict[str, int] = defaultdict(int)
    for what, count in counts:
        sums[what] += count
    return Figures(
        created=sums["created"],
        delivered=sums["delivered"],
        late=sums["late"],
        failed=sums["failed"],
        stalled=sums["stalled"],
        cancelled={
            actor: sums[_CANCELLED_BY + actor] for actor in Actor if sums[_CANCELLED_BY + actor]
        },
    )


def by_day(
    counts: Sequence[tuple[date, str, int]], last: date, days: int
) -> list[tuple[date, Figures]]:
    """Returns the figures of each of so many days up to `last`, those without any included."""
    of: dict[date, list[tuple[str, int]]] = defaultdict(list)
    for day, what, count in counts:
        of[day].append((what, count))
    wanted = [last - timedelta(days=back) for back in reversed(range(days))]
    return [(day, figures_of(of[day])) for day in wanted]

"""How long and how often is measured, and who is told how it goes."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """The lengths of a run, in seconds. `messages`: how many each of pgbench's clients writes.

    `list_requests` and `searches` are asked for in a round, `unheard_creates` made without HTTP.
    `history` deliveries are in an aged database; each operation on it is measured `aged_samples`
    times in a round. `crowd_seconds` is how long many requests come at once. `pdptw` is a folder
    with Li & Lim's problems, which are planned for `pdptw_seconds` each; `city_days` are
    dispatched in compressed time, and one of so many deliveries and drivers (`live_day`) through
    the database. So many `streams` of open pages are there at once.
    """

    rounds: int = 8
    create_seconds: float = 4
    get_seconds: float = 2
    get_stock: int = 5_000
    webhook_rounds: int = 3
    messages: int = 312
    steady_rounds: int = 3
    steady_seconds: float = 8
    idle_seconds: float = 3
    list_requests: int = 1_000
    searches: int = 300
    unheard_creates: int = 8_000
    history: int = 5_000_000
    aged_rounds: int = 5
    aged_samples: int = 100
    crowd_seconds: float = 8
    streams: int = 5_000
    pdptw: Path | None = None
    pdptw_seconds: float = 10
    city_days: int = 2
    live_day: tuple[int, int] = (300, 15)


FULL = Plan()
QUICK = Plan(
    rounds=3,
    create_seconds=2,
    get_seconds=2,
    get_stock=1_000,
    webhook_rounds=1,
    messages=80,
    steady_rounds=1,
    steady_seconds=5,
    idle_seconds=1,
    list_requests=300,
    searches=100,
    unheard_creates=3_000,
    history=500_000,
    aged_rounds=3,
    aged_samples=40,
    crowd_seconds=4,
    pdptw_seconds=3,
    city_days=1,
    live_day=(100, 8),
)


def say(text: str) -> None:
    """Tells the person at the terminal how it goes."""
    print(text, file=sys.stderr, flush=True)

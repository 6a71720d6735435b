"""How long and how often is measured, and who is told how it goes."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The lengths of a run, in seconds. `messages`: how many each of pgbench's clients writes."""

    rounds: int = 5
    create_seconds: float = 6
    get_seconds: float = 4
    get_stock: int = 5_000
    webhook_rounds: int = 3
    messages: int = 312
    steady_seconds: float = 20
    idle_seconds: float = 3


FULL = Plan()
QUICK = Plan(
    rounds=2,
    create_seconds=3,
    get_seconds=2,
    get_stock=1_000,
    webhook_rounds=1,
    messages=80,
    steady_seconds=6,
    idle_seconds=1,
)


def say(text: str) -> None:
    """Tells the person at the terminal how it goes."""
    print(text, file=sys.stderr, flush=True)

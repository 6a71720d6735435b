"""How long rows are kept that nothing needs for good."""

from datetime import timedelta
from typing import NamedTuple

LONGEST_DAYS = 36_500
"""How long anything may be told to be kept, which is a hundred years: for good."""


class Retention(NamedTuple):
    """The time after which rows are removed.

    `quotes` counts from the end of a quote's validity, used or not; `attempts` from an attempt;
    `messages` and `dead_messages` from when a webhook was enqueued that has been delivered, or
    given up; `dispatches` (deliveries given to another platform) and `personal_data` from when a
    delivery ended, or a driver's assignment or shift; `audit` from the end of a month; `requests`
    from when a request was answered; `positions` of drivers and `proofs` from when they were
    received.
    """

    quotes: timedelta = timedelta(days=1)
    attempts: timedelta = timedelta(days=30)
    messages: timedelta = timedelta(days=30)
    dead_messages: timedelta = timedelta(days=90)
    audit: timedelta = timedelta(days=730)
    dispatches: timedelta = timedelta(days=90)
    personal_data: timedelta = timedelta(days=180)
    requests: timedelta = timedelta(days=7)
    positions: timedelta = timedelta(days=14)
    proofs: timedelta = timedelta(days=90)


IDEMPOTENCY = timedelta(days=2)
"""How long answers are kept under their idempotency keys, which count for 24 hours."""

ANSWERS = IDEMPOTENCY + timedelta(days=1)
"""How old such an answer becomes: they are dropped by the day. Personal data is kept no shorter."""

SHORTEST_PERSONAL_DATA_DAYS = ANSWERS.days

NOTIFICATIONS = timedelta(days=30)
"""How long it is kept what became of a notification or a letter."""

SANDBOX_RUNS = timedelta(days=30)
"""How long a simulated courier's plan is kept after its delivery ended."""

CORRECTIONS = timedelta(days=180)
"""How long it is kept where an address really is, after a driver has found it or found it again."""

CASH = timedelta(days=1_826)
"""How long handovers, and the entries of drivers' own books, are kept: five years. The books of
accounts keep the same lines for good."""

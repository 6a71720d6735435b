"""What the worker counts of notifications and letters, for Prometheus."""

from prometheus_client import Counter

ATTEMPTS = Counter(
    "estafette_notifications",
    "Attempts to tell people something, by kind (letters and notifications) and outcome (sent,"
    " postponed, given_up, dropped, stale).",
    ["kind", "outcome"],
)

"""What is measured of companies with a platform of their own, for Prometheus."""

from prometheus_client import Counter, Gauge

from estafette.core.couriers.company import Company

ERRANDS = Counter(
    "estafette_remote_errands",
    "Tries to place or to follow a delivery at another platform, by what came of them: placed,"
    " found (it had been placed before), refused, postponed, doubtful, followed, unseen, lost,"
    " stale (another worker had taken over).",
    ["company", "outcome"],
)
DISPATCHES = Counter(
    "estafette_remote_deliveries",
    "Deliveries given to other platforms: placed, refused (they will not take it), disputed (it"
    " came to another end there than here).",
    ["company", "outcome"],
)
BREAKER = Gauge(
    "estafette_remote_breaker_open",
    "Whether a company's platform is left alone because it failed again and again (1), or not.",
    ["company"],
    multiprocess_mode="livemax",
)
UNDER_WAY = Gauge(
    "estafette_remote_errands_under_way",
    "Errands to other platforms under way.",
    multiprocess_mode="livesum",
)
HEARD = Counter(
    "estafette_remote_webhooks",
    "Webhooks of other platforms, by what they were: heard, unknown (of no delivery of ours),"
    " refused (a wrong signature).",
    ["outcome"],
)


def count_dispatch(company: Company, outcome: str) -> None:
    """Counts the outcome of a delivery at a remote company."""
    DISPATCHES.labels(company.slug, outcome).inc()

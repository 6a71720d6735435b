"""What is measured of companies with a platform of their own, for Prometheus."""

from prometheus_client import Counter, Gauge

ERRANDS = Counter(
    "estafette_remote_errands",
    "Deliveries placed with and followed at other platforms, by what came of each try: placed,"
    " found (it had been placed before), refused, postponed, doubtful, followed, stale.",
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

"""What the webhook worker counts and measures, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

ATTEMPTS = Counter(
    "estafette_webhook_attempts", "Attempts to send a webhook, by what came of them.", ["outcome"]
)
SECONDS = Histogram(
    "estafette_webhook_seconds",
    "How long an exchange with an endpoint took, in seconds.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STALE = Counter(
    "estafette_webhook_stale_results",
    "Results that came after the lease was over and changed nothing.",
)
RELEASED = Counter(
    "estafette_webhook_released",
    "Messages given back unsent: a slow endpoint, a shutdown, an earlier one that is sent again.",
)
PENDING = Gauge(
    "estafette_outbox_messages",
    "Webhooks that are waiting, under way or to be sent again, counted as far as 100,000.",
    multiprocess_mode="mostrecent",
)
HELD = Gauge(
    "estafette_outbox_held_messages",
    "Webhooks that wait for endpoints that are disabled or have no URL, counted as far as 100,000.",
    multiprocess_mode="mostrecent",
)
OLDEST = Gauge(
    "estafette_outbox_oldest_seconds",
    "For how long the first webhook has been due, in seconds.",
    multiprocess_mode="mostrecent",
)
UNDER_WAY = Gauge(
    "estafette_webhooks_under_way",
    "Requests to endpoints under way.",
    multiprocess_mode="livesum",
)

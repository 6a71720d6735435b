"""What is measured of requests and of courier companies, for Prometheus."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from estafette.core.couriers.company import Company
from estafette.core.deliveries.delivery import Status
from estafette.store.deliveries.under_way import StatusCount
from estafette.store.ends import Removed

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMetrics:
    """Counts requests and their durations by method, route template and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers the measurements with `registry`."""
        self._requests = Counter(
            "estafette_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "estafette_http_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=registry,
        )
        # Looking a child up by its labels costs more than counting in it.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Notes one request; `route` must be a template, of which there are few."""
        found = self._children.get((method, route, status))
        if found is None:
            found = self._child(method, route, status)
        counter, histogram = found
        counter.inc()
        histogram.observe(seconds)

    def _child(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        # Anybody can invent methods; they must not fill the memory.
        known = method if method in _METHODS else "OTHER"
        child = (
            self._requests.labels(known, route, str(status)),
            self._seconds.labels(known, route),
        )
        if known == method:
            self._children[method, route, status] = child
        return child


class CourierMetrics:
    """Counts how courier companies answer when they are asked for a quote, and how fast."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers the measurements with `registry`."""
        self._answers = Counter(
            "estafette_courier_answers",
            "Answers of courier companies to requests for a quote: offer, no, failed, late,"
            " open (not asked: it failed too often lately).",
            ("company", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "estafette_courier_answer_duration_seconds",
            "Time that a courier company takes to answer a request for a quote.",
            ("company",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._children: dict[tuple[str, str], tuple[Counter, Histogram]] = {}

    def observe(self, company: Company, outcome: str, seconds: float) -> None:
        """Notes one answer."""
        found = self._children.get((company.slug, outcome))
        if found is None:
            found = self._answers.labels(company.slug, outcome), self._seconds.labels(company.slug)
            self._children[company.slug, outcome] = found
        found[0].inc()
        found[1].observe(seconds)


_REMOVED = Gauge(
    "estafette_upkeep_removed_rows",
    "Rows that had had their time and were removed, by kind; deliveries, of personal data.",
    ["kind"],
    multiprocess_mode="mostrecent",
)
_COMPLETED = Gauge(
    "estafette_upkeep_completed_timestamp_seconds",
    "When last all was removed that had had its time, by kind, in seconds since 1970.",
    ["kind"],
    multiprocess_mode="mostrecent",
)


def observe_upkeep(done: Removed) -> None:
    """Notes what has been removed of a kind of rows, and when last all was that was over."""
    _REMOVED.labels(done.name).set(done.removed)
    if done.completed_at is not None:
        _COMPLETED.labels(done.name).set(done.completed_at.timestamp())


_OPEN = Gauge(
    "estafette_live_deliveries",
    "Live deliveries under way by status, stalled ones included; counted as far as 100,000.",
    ["status"],
    multiprocess_mode="mostrecent",
)
_LATE = Gauge(
    "estafette_live_deliveries_late",
    "Those of them that are past their promised time, by status.",
    ["status"],
    multiprocess_mode="mostrecent",
)


def observe_open(counts: Mapping[Status, StatusCount]) -> None:
    """Notes how many live deliveries are under way, and how many of them are late."""
    for status, count in counts.items():
        _OPEN.labels(status).set(count.deliveries)
        _LATE.labels(status).set(count.late)

"""What a recipient's open page is told: the delivery as it is rendered, whenever that differs."""

from collections.abc import Callable, Mapping
from functools import partial

from estafette.core.deliveries.delivery import FINAL
from estafette.http.events import HEARTBEAT_SECONDS, event
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.live.hub import Subscription
from estafette.web.live.stream import EventStream
from estafette.web.tracking.live import Watched

Render = Callable[[TrackedDelivery], tuple[str, str]]
"""The HTML that a reader sees of a delivery now, and its fingerprint."""


def stream(
    watched: Watched,
    delivery: TrackedDelivery,
    render: Render,
    *,
    seen: str | None,
    headers: Mapping[str, str],
    heartbeat: float = HEARTBEAT_SECONDS,
) -> EventStream[TrackedDelivery]:
    """Returns the stream of a delivery that was just read.

    It sends an update whenever the fingerprint differs from the last one sent (at first from
    `seen`, what the reader has), and ends after a final delivery.
    """
    told = seen

    def tell(subscription: Subscription[TrackedDelivery]) -> tuple[bytes, bool]:
        nonlocal told
        html, fingerprint = render(subscription.value)
        news = b"" if fingerprint == told else event("update", html, id=fingerprint)
        told = fingerprint
        is_last = subscription.value.status in FINAL
        return news + (event("end", "") if is_last else b""), is_last

    return EventStream(
        partial(watched.subscribe, delivery),
        tell,
        headers=headers,
        spread=delivery.id.int,
        heartbeat=heartbeat,
    )

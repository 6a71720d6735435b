"""One message as a dialect receives it, and the request that the dialect makes of it.

The worker knows no dialect. It is given a `Renderer` for each dialect's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Status
from estafette.webhooks.retry import RetrySchedule


@dataclass(slots=True)  # frozen, it would take four times as long to make
class Message:
    """The facts of one attempt to send one announcement to one endpoint.

    Attributes:
        id: of the message: one announcement of one event for one endpoint.
        scope: the account and mode it belongs to.
        endpoint_id: where it goes.
        dialect: the account's dialect, by name.
        url: where it goes now; an endpoint's address may change between attempts.
        secret: the endpoint's secret that signs now, in clear text.
        next_secret: the one that will sign once a rotation ends; None: no rotation runs.
        type: the webhook's type, as the dialect named it in `announcements`.
        attempt: counts from 1 over all rounds, re-sending by hand included.
        event_id: the same on every attempt, every endpoint and every copy. A test has no event:
            its own id stands here.
        ordinal: the place of `type` among the announcements of the event, from 0.
        is_test: sent by hand to try an endpoint: no delivery stands behind it.
        occurred_at: when the event happened; for a test, when it was asked for.
        delivery_id: the delivery that the event belongs to.
        external_ref: the merchant's reference of that delivery, if it has one.
        reference: our own number of that delivery, if it has one.
        metadata: the merchant's own JSON object that the delivery carries, if it carries one.
        seq: the number of the event within its delivery, from 1.
        status: the delivery's status after the event.
        milestone: the furthest status it had reached by then, or `cancelled`.

    `delivery_id`, `seq`, `status` and `milestone` are None for a test, and only then.
    """

    id: UUID
    scope: Scope
    endpoint_id: UUID
    dialect: str
    url: str
    secret: str = field(repr=False)
    type: str
    attempt: int
    event_id: UUID
    ordinal: int
    is_test: bool
    occurred_at: datetime
    delivery_id: UUID | None = None
    external_ref: str | None = None
    reference: str | None = None
    metadata: Mapping[str, Any] | None = None
    seq: int | None = None
    status: Status | None = None
    milestone: Status | None = None
    next_secret: str | None = field(default=None, repr=False)


class Rendered(NamedTuple):
    """A request as a dialect writes it.

    `id` is the event's as the body names it, `headers` are all but the signature's, content type
    and user agent included, `body` the exact bytes that are signed. `signature` are the headers of
    the dialect's own signature; an endpoint may have chosen another (`webhooks.standard`).
    """

    id: str
    headers: Mapping[str, str]
    body: bytes
    signature: Mapping[str, str]


class Renderer(Protocol):
    """How a dialect writes its events as webhooks, and how long it keeps trying."""

    @property
    def schedule(self) -> RetrySchedule:
        """When failed messages are sent again."""
        ...

    @property
    def order_seconds(self) -> float:
        """How many seconds a webhook waits for earlier ones of its delivery; 0: it does not wait.

        This applies where the endpoint has no setting of its own.
        """
        ...

    def render(self, message: Message, now_unix_seconds: int) -> Rendered:
        """Returns the request for one attempt, signed at this time; called once for each."""
        ...

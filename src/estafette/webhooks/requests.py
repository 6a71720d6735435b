"""Makes the request to send from a claimed message: rendered, signed, with all its headers.

Secrets are read here and nowhere else in the worker.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import orjson

from estafette.core.webhooks.headers import sealed_for
from estafette.store.webhooks.outbox import ClaimedMessage
from estafette.webhooks.message import Message, Renderer
from estafette.webhooks.retry import RetrySchedule, doubling
from estafette.webhooks.sender import Request
from estafette.webhooks.standard import signed_headers

# The schedule for accounts whose dialect this process does not have, until the operator has
# corrected that.
_NO_DIALECT: Final = RetrySchedule(doubling(60, 10), timeout_seconds=5)


class Requests:
    """Makes the requests of messages."""

    def __init__(
        self, renderers: Mapping[str, Renderer], decrypt: Callable[[bytes, bytes], str]
    ) -> None:
        """`renderers` by the name of the dialect; `decrypt` is `Cipher.decrypt`."""
        self._renderers = renderers
        self._decrypt = decrypt
        self.order = {name: each.order_seconds for name, each in renderers.items()}
        """By dialect, how long a message waits for earlier ones of its delivery, in seconds."""

    @property
    def longest_seconds(self) -> float:
        """The longest time that an exchange of any dialect may take, in seconds."""
        return max((each.schedule.timeout_seconds for each in self._renderers.values()), default=0)

    def schedule(self, claimed: ClaimedMessage) -> RetrySchedule:
        """Returns when a failed message is sent again."""
        renderer = self._renderers.get(claimed.dialect)
        return _NO_DIALECT if renderer is None else renderer.schedule

    def make(self, claimed: ClaimedMessage) -> Request | str:
        """Returns the request, signed now, or the reason why there is none.

        A renderer's exceptions are passed on.
        """
        if claimed.url is None:
            return "the endpoint has no address"
        renderer = self._renderers.get(claimed.dialect)
        if renderer is None:
            return f"this worker does not know the dialect {claimed.dialect!r}"
        message, now = self._message(claimed, claimed.url), int(time.time())
        rendered = renderer.render(message, now)
        ours = signed_headers(claimed.format, message, rendered, now)
        timeout_seconds = renderer.schedule.timeout_seconds
        if claimed.headers is None or not claimed.is_own:
            return Request(claimed.url, ours, rendered.body, timeout_seconds)
        own = self._own(claimed.headers, claimed.endpoint_id, ours)
        private = frozenset(name.lower() for name in own)
        return Request(claimed.url, own | ours, rendered.body, timeout_seconds, private)

    def _own(self, sealed: bytes, endpoint_id: UUID, ours: Mapping[str, str]) -> dict[str, str]:
        """Returns the endpoint's own headers, which are sent to its own address only."""
        own: dict[str, str] = orjson.loads(self._decrypt(sealed, sealed_for(endpoint_id)))
        names = {name.lower() for name in ours}
        return {name: value for name, value in own.items() if name.lower() not in names}

    def _message(self, claimed: ClaimedMessage, url: str) -> Message:
        owner, following = claimed.endpoint_id.bytes, claimed.next_secret
        return Message(
            id=claimed.id,
            scope=claimed.scope,
            endpoint_id=claimed.endpoint_id,
            dialect=claimed.dialect,
            url=url,
            secret=self._decrypt(claimed.secret, owner),
            type=claimed.type,
            attempt=claimed.attempt,
            event_id=claimed.event_id,
            ordinal=claimed.ordinal,
            is_test=claimed.is_test,
            occurred_at=claimed.occurred_at,
            delivery_id=claimed.delivery_id,
            external_ref=claimed.external_ref,
            reference=claimed.reference,
            metadata=claimed.metadata,
            seq=claimed.seq,
            status=claimed.status,
            milestone=claimed.milestone,
            next_secret=None if following is None else self._decrypt(following, owner),
        )

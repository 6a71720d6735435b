"""A quote and what binds it to a payload."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from estafette.core.account import Scope
from estafette.core.errors import QuoteExpired, QuoteMismatch, QuoteUsed, Refusal

VALIDITY = timedelta(minutes=15)
"""How long a quote binds."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A price bound to a payload, good for one delivery.

    `payload` holds what was priced, each entry a JSON value under the dialect's own name, already
    brought into the form in which it is compared. `fee` is in whole units of the market's
    currency; `pickup_within` counts from the creation of the delivery, `delivery_within` from
    the pickup.
    """

    id: UUID
    scope: Scope
    payload: Mapping[str, Any]
    fee: int
    pickup_within: timedelta
    delivery_within: timedelta
    created_at: datetime
    expires_at: datetime
    used_by: UUID | None = None

    def refusal(self, payload: Mapping[str, Any], now: datetime) -> Refusal | None:
        """Why a delivery with `payload` cannot be created from this quote at `now`, or None.

        Every entry that was quoted must be equal; what the quote did not name is free.
        """
        if self.used_by is not None:
            return QuoteUsed(self.id, self.used_by)
        if self.expires_at <= now:
            return QuoteExpired(self.id, self.expires_at)
        differing = tuple(
            name for name, value in self.payload.items() if payload.get(name) != value
        )
        return QuoteMismatch(self.id, differing) if differing else None

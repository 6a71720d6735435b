"""A quote and what binds it to a payload."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.couriers.company import Connector
from estafette.core.errors import (
    QuoteCompanyMismatch,
    QuoteExpired,
    QuoteMismatch,
    QuoteUsed,
    Refusal,
)

VALIDITY = timedelta(minutes=15)
"""How long a quote binds."""

_MINUTE = timedelta(minutes=1)


class Quote(NamedTuple):
    """A price bound to a payload, good for one delivery.

    `bound` tells what was priced: a digest of each entry under the dialect's own name, so that a
    quote holds nobody's name or address and is as large as any other. See
    docs/decisions/0019-quotes-keep-digests.md.
    `fee` is in whole units of the market's currency; `pickup_within` counts from the creation of
    the delivery, `delivery_within` from the pickup.

    A courier company's quote names the company, how it is reached (`connector`), its own part of
    the fee (`company_fee`), whether the hand-over needs a PIN, and what its connector wants to see
    again (`upstream`).
    """

    id: UUID
    scope: Scope
    bound: Mapping[str, str]
    fee: int
    pickup_within: timedelta
    delivery_within: timedelta
    created_at: datetime
    expires_at: datetime
    used_by: UUID | None = None
    company_id: UUID | None = None
    company_name: str | None = None
    company_slug: str | None = None
    connector: Connector | None = None
    company_fee: int | None = None
    require_pin: bool = False
    upstream: Mapping[str, Any] | None = None

    @property
    def eta_minutes(self) -> int:
        """The minutes from the creation of the delivery to its end, begun ones counted."""
        return -(-(self.pickup_within + self.delivery_within) // _MINUTE)

    def refusal(
        self, bound: Mapping[str, str], now: datetime, company_id: UUID | None = None
    ) -> Refusal | None:
        """Returns why a delivery cannot be created from this quote at `now`, or None.

        `bound` are the digests of what the delivery is to be. `company_id` is the company that the
        merchant means, None for the quote's. Every entry that was quoted must be equal; what the
        quote did not name is free.
        """
        if company_id is not None and company_id != self.company_id:
            return QuoteCompanyMismatch(self.id, self.company_id, company_id)
        if self.used_by is not None:
            return QuoteUsed(self.id, self.used_by)
        if self.expires_at <= now:
            return QuoteExpired(self.id, self.expires_at)
        differing = tuple(name for name, digest in self.bound.items() if bound.get(name) != digest)
        return QuoteMismatch(self.id, differing) if differing else None


def comparable(value: Any) -> Any:
    """Returns a JSON value in the form in which payloads are compared, and their digests made.

    Text is in NFC, entries of objects that are null are left out (absent and null are equal);
    numbers compare by value. Whole ones are integers where 64 bits hold them: the shortest text of
    a large float, which a database keeps as a decimal number, is that of another integer.
    """
    if isinstance(value, str):
        return value if value.isascii() else _composed(value)
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value).items()
        return {_composed(name): comparable(of) for name, of in entries if of is not None}
    if isinstance(value, list):
        return [comparable(each) for each in cast("list[Any]", value)]
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value < 2**64:
        return int(value)
    return value


_LONGEST_COMPOSED = 1_000
"""The longest text that is composed, in characters. To order a long row of combining characters
takes time by the square of its length; no schema lets a text that is compared be so long."""


def _composed(text: str) -> str:
    if text.isascii() or len(text) > _LONGEST_COMPOSED:
        return text
    return unicodedata.normalize("NFC", text)

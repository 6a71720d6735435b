"""The language of a reader who asks for none: their market's."""

from collections.abc import Collection

from estafette.core.accounts.account import MARKETS
from estafette.http.language import DEFAULT


def of_market(market: str, spoken: Collection[str]) -> str:
    """Returns the market's language if it is one of `spoken`, for a reader who asks for none."""
    language = MARKETS[market].language
    return language if language in spoken else DEFAULT

"""What can become of a request to another platform besides an answer that makes sense.

What matters of each is whether the request may have done its work there: only a certain no allows
to ask for the same again without looking it up.
"""

from enum import Enum

from estafette.core.couriers.company import CourierFailed


class NotSent(CourierFailed):
    """It certainly did not arrive: no connection came about."""


class InDoubt(CourierFailed):
    """It may have done its work: the connection broke, the answer makes no sense, or it failed."""


class Late(InDoubt):
    """The platform did not answer in time."""


class PlatformUnavailable(InDoubt):
    """The platform itself says that it cannot at the moment."""


class QuoteTrouble(Enum):
    """Why the quote that a delivery was to be placed by does not serve."""

    GONE = "gone"
    """It does not bind any more, or not what was asked; a new one may."""
    USED = "used"
    """It was used: by an earlier try, perhaps."""


class Declined(CourierFailed):
    """The platform said no, and certainly did nothing.

    `status` is HTTP's. `code` is the API's own, where it told one, and `quote` what the code says
    of the quote. `retry_in_seconds` is what it asks to be left alone for. `is_reasoned` tells
    whether the platform itself has judged the request, rather than something in front of it.
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        code: str | None = None,
        retry_in_seconds: float | None = None,
        *,
        is_reasoned: bool = False,
        quote: QuoteTrouble | None = None,
    ) -> None:
        """The text says all of it for people."""
        self.status = status
        self.code = code
        self.retry_in_seconds = retry_in_seconds
        self.is_reasoned = is_reasoned
        self.quote = quote
        super().__init__(" ".join(part for part in (f"HTTP {status}", code, detail) if part))


_LONGEST_TEXT = 300


def failure_text(error: Exception) -> str:
    """What happened, short and of characters that PostgreSQL keeps: part of it is foreign."""
    text = (str(error) or type(error).__name__)[:_LONGEST_TEXT]
    clean = text.encode("utf-8", "replace").decode()
    return "".join(each if each >= " " else " " for each in clean)

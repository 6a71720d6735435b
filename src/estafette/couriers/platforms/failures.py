"""The ways in which a request to another platform can fail.

They differ in whether the request may have done its work there. Only after a certain refusal may
the same be asked for again without looking it up.
"""

from enum import Enum

from estafette.core.couriers.company import CourierFailed


class NotSent(CourierFailed):
    """The request certainly did not arrive: there was no connection."""


class InDoubt(CourierFailed):
    """It may have done its work: no connection any more, a senseless answer, or a failure there."""


class Late(InDoubt):
    """The platform did not answer in time."""


class PlatformUnavailable(InDoubt):
    """The platform itself says that it cannot serve requests at the moment."""


class QuoteTrouble(Enum):
    """Why a delivery cannot be placed by its quote."""

    GONE = "gone"
    """The quote is not valid any more, or not for this request; a new one may be."""
    USED = "used"
    """The quote was used, perhaps by an earlier try."""


class Declined(CourierFailed):
    """The platform refused, and certainly did nothing.

    `status` is HTTP's. `code` is the API's own, where it gave one, and `quote` what the code says
    of the quote. `retry_in_seconds` is the pause that it asks for. `is_reasoned` is true where the
    platform itself has judged the request, rather than something in front of it.
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
        """Makes a text for people out of all of it."""
        self.status = status
        self.code = code
        self.retry_in_seconds = retry_in_seconds
        self.is_reasoned = is_reasoned
        self.quote = quote
        super().__init__(" ".join(part for part in (f"HTTP {status}", code, detail) if part))


_LONGEST_TEXT = 300


def failure_text(error: Exception) -> str:
    """Returns a short description in characters that PostgreSQL keeps: a part of it is foreign."""
    text = (str(error) or type(error).__name__)[:_LONGEST_TEXT]
    clean = text.encode("utf-8", "replace").decode()
    return "".join(each if each >= " " else " " for each in clean)

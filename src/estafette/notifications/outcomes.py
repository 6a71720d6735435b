"""What came of an attempt to send a webhook, in words: of letters, and of pages."""

from collections.abc import Mapping
from typing import Final

from estafette.http.texts import N_, gettext
from estafette.usecases.webhooks.spells import GONE

_OUTCOMES: Final[Mapping[str, str]] = {
    "delivered": N_("Delivered"),
    "rejected": N_("Refused by the receiver"),
    "timed_out": N_("No answer in time"),
    "unreachable": N_("Could not be reached"),
    "disconnected": N_("The connection ended before an answer"),
    "invalid_response": N_("The answer is not HTTP"),
    "response_too_large": N_("The answer is too large"),
    "refused_by_guard": N_("This address may not be reached"),
    GONE: N_("It answered 410 Gone, so it is disabled"),
    "error": N_("Not sent, for a reason of ours"),
}


def outcome(of: str, status: int | None = None) -> str:
    """Returns what came of an attempt, with the HTTP status where there was one."""
    text = gettext(_OUTCOMES[of]) if of in _OUTCOMES else of
    return text if status is None else f"{text} ({status})"


def cause(told: str) -> str:
    """Returns what a letter says of its fact `cause`, within a sentence.

    The fact is an outcome, with the HTTP status behind it where there was one; a letter that the
    version before has written down has a text of its own, which stays as it is.
    """
    of, _, status = told.partition(" ")
    if of not in _OUTCOMES or (status and not status.isdecimal()):
        return told
    said = outcome(of, int(status) if status else None)
    return said[:1].lower() + said[1:]

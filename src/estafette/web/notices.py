"""A short notice for the page after a form, which a cookie carries there."""

import base64
import json
from typing import Final

from estafette.http.shell import Notice, Tone

COOKIE: Final = "notice"
SECONDS: Final = 60
_LONGEST: Final = 200


def written(notice: Notice) -> str:
    """Returns a notice as the cookie holds it."""
    text = json.dumps([notice.tone, notice.text[:_LONGEST]], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(value: str | None) -> Notice | None:
    """Returns the notice in the cookie; None where there is none that we wrote."""
    if value is None:
        return None
    try:
        padded = value + "=" * (-len(value) % 4)
        tone, text = json.loads(base64.urlsafe_b64decode(padded.encode()))
        shown = str(text)[:_LONGEST]
        shown.encode()  # half a character can be written in JSON, and on no page
        return Notice(shown, Tone(tone))
    except (ValueError, TypeError, RecursionError):
        return None

"""How an account shows itself to the recipients of its deliveries, and what it has them told."""

import re
import unicodedata
from dataclasses import dataclass

from estafette.core.notifications.letter import LANGUAGES
from estafette.core.notifications.notification import NotificationKind

LONGEST_NAME = 60
LONGEST_HOURS = 80

_COLOUR = re.compile(r"#[0-9a-f]{6}")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_LINK = re.compile(r"(?i)://|www\.|[\w-]\.[a-z]{2,}/")


class BrandingRefusedError(ValueError):
    """A brand cannot be as it was asked for. `field` is which of its parts, `why` says why."""

    def __init__(self, field: str, why: str) -> None:
        """Both stand in the message."""
        self.field = field
        self.why = why
        super().__init__(f"{field}: {why}")


@dataclass(frozen=True, slots=True)
class Branding:
    """What recipients see and hear of an account. Raises BrandingRefusedError.

    Attributes:
        name: what the sender calls itself; None: nothing is said of it.
        colour: "#rrggbb" in small letters; None: Estafette's own.
        phone: whom recipients call, in E.164.
        hours: when somebody answers there, in the sender's words.
        language: of what is sent by phone (BCP 47); None: the market's.
        told: what recipients are told by phone.
    """

    name: str | None = None
    colour: str | None = None
    phone: str | None = None
    hours: str | None = None
    language: str | None = None
    told: frozenset[NotificationKind] = frozenset()

    def __post_init__(self) -> None:
        """Checks them."""
        _check_text("name", self.name, LONGEST_NAME)
        _check_text("hours", self.hours, LONGEST_HOURS)
        if self.colour is not None and not _COLOUR.fullmatch(self.colour):
            raise BrandingRefusedError("colour", "must be written as #rrggbb")
        if self.phone is not None and not _PHONE.fullmatch(self.phone):
            raise BrandingRefusedError("phone", "must be a number with its country code: +7 …")
        if self.language is not None and self.language not in LANGUAGES:
            raise BrandingRefusedError("language", f"must be one of {', '.join(LANGUAGES)}")
        if self.told and self.name is None:
            raise BrandingRefusedError("name", "is needed where recipients are told anything")


def _check_text(field: str, text: str | None, longest: int) -> None:
    """Raises BrandingRefusedError for a text that cannot stand in a message to a recipient."""
    if text is None:
        return
    if not text or text != text.strip() or len(text) > longest:
        raise BrandingRefusedError(field, f"must have 1 to {longest} characters")
    if any(unicodedata.category(sign).startswith(("C", "Zl", "Zp")) for sign in text):
        raise BrandingRefusedError(field, "must not have characters that cannot be seen")
    if _LINK.search(text):
        raise BrandingRefusedError(field, "must not have a link")


UNBRANDED = Branding()
"""An account that has chosen nothing."""

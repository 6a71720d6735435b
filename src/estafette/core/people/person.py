"""A person, what of a person is written how, and for how long things of a person are good."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from estafette.core.people.organisation import Organisation
from estafette.core.people.permission import Role

LANGUAGES = ("en", "ru", "kk", "pt")
"""The languages of the pages (BCP 47); the first is used where nothing else is known."""

LONGEST_EMAIL = 254
LONGEST_NAME = 100
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128

MOST_MEMBERS = 1_000
"""How many people an organisation has at most."""

MOST_MEMBERSHIPS = 200
"""To how many organisations one person belongs at most."""

MOST_INVITATIONS = 200
"""How many open invitations an organisation has at most."""

MOST_SESSIONS = 50
"""How many sessions a person has at most: the one unused for longest ends for a further one."""

MOST_PASSKEYS = 20

INVITATION_LENGTH = timedelta(days=7)
RESET_LENGTH = timedelta(hours=24)

SESSION_IDLE = timedelta(days=3)
"""A session ends when it has not been used for so long,"""

SESSION_LONGEST = timedelta(days=30)
"""and at the latest so long after the person signed in."""

SIGN_IN_LENGTH = timedelta(minutes=10)
"""How long a person who has shown the password has for the second factor."""

ALONE_LENGTH = timedelta(days=90)
"""A person who belongs to nothing, and has not signed in for so long, is removed."""

_EMAIL = re.compile(r"[^\s@\"<>(),:;\\\[\]]{1,64}@[^\s@\"<>(),:;\\\[\]]{1,189}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in. `email` is in lower case; `language` is one of LANGUAGES.

    `has_second_factor`: they have an authenticator app or a passkey. `seen_at` is when they last
    signed in; None: never.
    """

    id: UUID
    email: str
    name: str
    language: str
    created_at: datetime
    disabled_at: datetime | None = None
    seen_at: datetime | None = None
    has_password: bool = False
    has_totp: bool = False
    has_passkey: bool = False

    @property
    def has_second_factor(self) -> bool:
        """Whether a password alone does not sign this person in."""
        return self.has_totp or self.has_passkey


class Membership(NamedTuple):
    """That a person belongs to an organisation, as what, and since when."""

    organisation: Organisation
    role: Role
    since: datetime


class FieldError(ValueError):
    """What a person wrote cannot be kept; `field` names it, the message says why."""

    def __init__(self, field: str, reason: str) -> None:
        """`reason` is a whole sentence without its full stop."""
        self.field = field
        self.reason = reason
        super().__init__(reason)


def read_email(text: str) -> str:
    """Returns an e-mail address as it is kept. Raises FieldError for what is none."""
    email = unicodedata.normalize("NFC", text.strip()).lower()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email) or not _is_plain(email):
        raise FieldError("email", "this is not an e-mail address such as name@example.com")
    return email


def read_name(text: str) -> str:
    """Returns a person's name on one line. Raises FieldError."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name or len(name) > LONGEST_NAME or not _is_plain(name):
        raise FieldError("name", f"a name is one line of 1 to {LONGEST_NAME} characters")
    return name


def read_language(text: str) -> str:
    """Returns a language of LANGUAGES. Raises FieldError."""
    if text not in LANGUAGES:
        raise FieldError("language", f"the language must be one of {', '.join(LANGUAGES)}")
    return text


def read_password(text: str, *about: str) -> str:
    """Returns a new password in the one form that it is hashed in. Raises FieldError.

    `about` are the person's own words, such as the e-mail address, that do for no password.
    """
    password = normal_password(text)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise FieldError(
            "password",
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters;"
            " several words with spaces between are easy to remember",
        )
    if len(set(password)) < 5 or _is_row(password):
        raise FieldError("password", "this password is easy to guess: it is one thing repeated")
    plain = password.casefold()
    if plain in {word.casefold() for word in about} or any(word in plain for word in _GUESSED):
        raise FieldError("password", "this password is easy to guess: choose another")
    return password


def normal_password(text: str) -> str:
    """Returns a password as every keyboard that writes it means it (RFC 8265: NFC, spaces)."""
    return unicodedata.normalize("NFC", text[: LONGEST_PASSWORD * 4]).replace("\u00a0", " ")


_GUESSED = ("password", "qwertyuiop", "1234567890", "estafette", "letmein123", "йцукенгшщз")
_ROWS = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiopasdfghjklzxcvbnm"


def _is_row(password: str) -> bool:
    """Whether it is a piece of a keyboard's row or the alphabet, either way."""
    plain = password.casefold()
    return plain in _ROWS or plain[::-1] in _ROWS


def _is_plain(text: str) -> bool:
    """Whether it has no control, bidirectional or unassigned characters."""
    return all(unicodedata.category(each)[0] != "C" for each in text)

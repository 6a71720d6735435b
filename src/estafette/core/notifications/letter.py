"""Letters: e-mails to people who sign in, and codes to the phones of drivers who do.

Each is of one kind and has the facts of that kind.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

LANGUAGES = ("en", "ru", "kk", "pt")
"""The languages in which people are written to (BCP 47)."""

LONGEST_ADDRESS = 254
LONGEST_FACT = 2_048
"""Most characters of a fact, which may be a URL."""

WORTH = timedelta(hours=24)
"""For how long a letter is tried to be sent,"""

CODE_WORTH = timedelta(minutes=5)
"""and a code, which is good for few minutes more."""

# One mailbox without a display name: whatever else RFC 5322 allows is nobody's address here.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)


_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


class LetterKind(StrEnum):
    """What a letter is about."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of letter, not a password
    ENDPOINT_FAILING = "endpoint_failing"
    ENDPOINT_GIVEN_UP = "endpoint_given_up"
    ENDPOINT_WORKS_AGAIN = "endpoint_works_again"

    SIGN_IN_CODE = "sign_in_code"

    @property
    def is_for_phone(self) -> bool:
        """Whether it is a text to a phone, and no e-mail."""
        return self is LetterKind.SIGN_IN_CODE

    @property
    def worth(self) -> timedelta:
        """For how long it is tried to be sent."""
        return CODE_WORTH if self is LetterKind.SIGN_IN_CODE else WORTH

    @property
    def facts(self) -> frozenset[str]:
        """The names of the facts that such a letter tells, all of which it must have."""
        return _FACTS[self]


_OF_ENDPOINT = frozenset({"account", "endpoint", "host", "since", "link"})
_FACTS = {
    LetterKind.INVITATION: frozenset({"organisation", "inviter", "link", "hours"}),
    LetterKind.PASSWORD_RESET: frozenset({"link", "hours"}),
    LetterKind.ENDPOINT_FAILING: _OF_ENDPOINT | {"cause"},
    LetterKind.ENDPOINT_GIVEN_UP: _OF_ENDPOINT | {"cause"},
    LetterKind.ENDPOINT_WORKS_AGAIN: _OF_ENDPOINT,
    LetterKind.SIGN_IN_CODE: frozenset({"code", "minutes"}),
}


class LetterRefusedError(ValueError):
    """A letter cannot be written so; the message says why, without the address."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail or a text to one person, who reads `language`. Raises LetterRefusedError.

    `facts` are those of its kind; a text that people wrote is cleaned where the letter is made.
    """

    kind: LetterKind
    to: str
    language: str
    facts: Mapping[str, str]

    def __post_init__(self) -> None:
        """Checks them."""
        if self.kind.is_for_phone:
            if _PHONE.fullmatch(self.to) is None:
                raise LetterRefusedError("a phone number must have the form +77010000000")
        elif not is_address(self.to):
            raise LetterRefusedError("an e-mail address must have the form name@example.com")
        if self.language not in LANGUAGES:
            raise LetterRefusedError(f"a letter is written in one of {', '.join(LANGUAGES)}")
        if frozenset(self.facts) != self.kind.facts:
            wanted = ", ".join(sorted(self.kind.facts))
            raise LetterRefusedError(f"a letter of this kind tells {wanted}")
        if any(len(fact) > LONGEST_FACT for fact in self.facts.values()):
            raise LetterRefusedError(f"a fact has at most {LONGEST_FACT} characters")


def is_address(text: str) -> bool:
    """Returns whether a text is the e-mail address of one mailbox, which nothing hides in."""
    return len(text) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None

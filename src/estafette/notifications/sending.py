"""The text that is sent, and the interface of every way of sending."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

SECONDS = 10.0
"""How long an attempt may take, in seconds."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A text for one person.

    `id` is the same in each attempt, so that the other side can tell a repetition. `to` is a phone
    number in E.164, or an e-mail address. A letter has a `subject`, and its text once more as HTML.
    """

    # None of it may be logged.
    id: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    subject: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)


class NotSentError(Exception):
    """An attempt failed. `why` names nobody, and is not a text of the other side.

    `asked` is the pause, in seconds, that the other side asks for; with `for_good` a further
    attempt would not end differently.
    """

    def __init__(self, why: str, *, asked: timedelta | None = None, for_good: bool = False) -> None:
        """Takes the reason."""
        self.why = why
        self.asked = asked
        self.for_good = for_good
        super().__init__(why)


class TextSender(Protocol):
    """One way of sending texts to people."""

    async def send(self, outgoing: Outgoing) -> None:
        """Sends a text; ends within `SECONDS`. Raises NotSentError.

        Where it is not known whether it arrived, it is sent again, so that it may arrive twice.
        """
        ...

"""How an API writes refusals: one table from each kind of refusal to its answer."""

from collections.abc import Callable, Mapping
from typing import Any

from estafette.core.errors import Refusal
from estafette.http.fallback import Words
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import HttpReply

Writers = Mapping[type[Exception], Callable[[Any], HttpReply]]
"""The answer to a refusal, by the refusal's class."""


class Errors:
    """The refusals of one API."""

    def __init__(self, writers: Writers, fallbacks: Mapping[int, HttpReply]) -> None:
        """`fallbacks` are the answers where the API's own code cannot speak, by HTTP status.

        Those without one are answered as 500 is.
        """
        self._writers = writers
        self._words = {status: _words(reply) for status, reply in fallbacks.items()}

    def reply(self, refusal: Refusal | HttpRefusal) -> HttpReply:
        """The answer to a refusal."""
        return self._writers[type(refusal)](refusal)

    def words(self, status: int) -> Words:
        """What is said where the API's code cannot speak; see http/fallback.py."""
        return self._words.get(status) or self._words[500]


def _words(reply: HttpReply) -> Words:
    return Words(dict(reply.headers)[b"content-type"].decode("latin-1"), reply.body)

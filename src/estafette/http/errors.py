"""How an API writes refusals: one table from each kind of refusal to its answer."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson

from estafette.core.errors import Refusal
from estafette.http.fallback import Words
from estafette.http.refusals import HttpRefusal
from estafette.http.reply import HttpReply

Writers = Mapping[type[Exception], Callable[[Any], HttpReply]]
"""For each class of refusal, the function that returns the answer to one."""


class Errors:
    """The refusals of one API."""

    def __init__(self, writers: Writers, fallbacks: Mapping[int, HttpReply]) -> None:
        """Writes refusals by `writers`.

        `fallbacks` are the answers by HTTP status where the API's own code cannot answer; see
        http/fallback.py. A status that is not among them is answered as 500 is.
        """
        self._writers = writers
        self._words = {status: _words(reply) for status, reply in fallbacks.items()}

    def reply(self, refusal: Refusal | HttpRefusal) -> HttpReply:
        """Returns the answer to a refusal."""
        return self._writers[type(refusal)](refusal)

    def words(self, status: int) -> Words:
        """Returns the answer where the API's own code cannot answer; see http/fallback.py."""
        return self._words.get(status) or self._words[500]


def text_in(body: bytes, *names: str) -> str | None:
    """Returns the first text that a JSON object has under one of these names; None without any."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict):
        return None
    texts = cast("dict[str, object]", told)
    return next((text for name in names if isinstance(text := texts.get(name), str)), None)


def _words(reply: HttpReply) -> Words:
    return Words(dict(reply.headers)[b"content-type"].decode("latin-1"), reply.body)

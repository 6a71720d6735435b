"""Editions: how it is noticed that somebody has changed a thing while another was editing it.

Whoever opens a thing to edit it is given its edition, and shows it again when saving. The edition
is a fingerprint of what the thing is, so that nothing has to count changes: servers of an earlier
version, commands and programs change it too. What was changed and changed back is as it was.
"""

import hashlib

_LENGTH = 20


class EditedMeanwhileError(Exception):
    """The thing is not any more as it was opened; nothing was saved.

    `now` is the edition that it has now.
    """

    def __init__(self, now: str) -> None:
        """`now` is the edition of what is there."""
        self.now = now
        super().__init__("somebody else has changed it in the meantime; look at it and save again")


def edition_of(*facts: object) -> str:
    """Returns the edition of a thing by its facts, which are written alike whenever they are read.

    Such are texts, numbers, None, and tuples and dataclasses of them.
    """
    return hashlib.sha256(repr(facts).encode("utf-8", "replace")).hexdigest()[:_LENGTH]


def must_be(edition: str | None, now: str) -> None:
    """Raises EditedMeanwhileError where a thing was opened in another edition; None: in any."""
    if edition is not None and edition != now:
        raise EditedMeanwhileError(now)

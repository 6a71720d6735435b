"""Reads the status of an answer even where its headers or its body are malformed.

The client's parser is strict: it refuses an answer with two equal `Content-Length`s, a header
without a colon, or a line feed alone at the end of a line. Of a webhook's answer only the status
and `Retry-After` are used, which can be read from such answers too.
"""

import re
from typing import Final, NamedTuple

MAX_HEAD_BYTES: Final = 16 * 1024
"""How many bytes of an answer are kept to look for its status, interim answers (1xx) included."""

_STATUS_LINE: Final = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t][^\n]*|\r)?\n", re.I)
_END: Final = re.compile(rb"\n[ \t]*\r?\n")
_RETRY_AFTER: Final = re.compile(rb"\nretry-after[ \t]*:([^\n]*)", re.I)


class Said(NamedTuple):
    """The status of an answer, 101 to 999, and its `Retry-After`, None without one."""

    status: int
    retry_after: str | None


def said(start: bytes) -> Said | None:
    """Returns the status in the first bytes of an answer, or None without a valid first line.

    Interim answers are skipped. 101 is not one of them: after it the protocol has changed.
    """
    place = 0
    while True:
        while start[place : place + 1] in (b"\r", b"\n"):  # some servers send an empty line first
            place += 1
        line = _STATUS_LINE.match(start, place)
        if line is None or (status := int(line[1])) < 100:
            return None
        end = _END.search(start, line.end() - 1)
        if status < 200 and status != 101:
            if end is None:
                return None
            place = end.end()
            continue
        wish = _RETRY_AFTER.search(start, line.end() - 1, end.start() + 1 if end else len(start))
        return Said(status, wish[1].decode("latin-1").strip() if wish else None)

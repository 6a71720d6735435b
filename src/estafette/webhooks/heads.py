"""What an answer says in its first line, however its headers and its body are written.

The parser of the client is strict, as it should be for who wants to read the rest: two equal
`Content-Length`s, a header without a colon or a line feed alone make an answer unreadable for it.
Of a webhook's answer nothing but the status counts, and the wish to wait beside it.
"""

import re
from typing import Final, NamedTuple

MAX_HEAD_BYTES: Final = 16 * 1024
"""So much of an answer is kept to be looked at, interim answers (1xx) included."""

_STATUS_LINE: Final = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t][^\n]*|\r)?\n", re.I)
_END: Final = re.compile(rb"\n[ \t]*\r?\n")
_RETRY_AFTER: Final = re.compile(rb"\nretry-after[ \t]*:([^\n]*)", re.I)


class Said(NamedTuple):
    """The status of an answer, 101 to 999, and its `Retry-After`, None without one."""

    status: int
    retry_after: str | None


def said(start: bytes) -> Said | None:
    """What the bytes at the start of an answer say; None: its first line is missing or is none.

    Interim answers are skipped. 101 is no such: whoever says it has changed the protocol.
    """
    place = 0
    while True:
        while start[place : place + 1] in (b"\r", b"\n"):  # some send a line end too many
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

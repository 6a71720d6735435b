"""How many bytes of its answers the caller of one connection has not read, and for how long."""

import asyncio
import fcntl
import struct
import termios

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from estafette.http.cycle import Cycle

_PROGRESS = 32 * 1024
"""How many bytes of an answer must be read in the time that it may wait to be read on."""


class UnreadAnswers:
    """Counts the bytes of answers that one caller has not read.

    `count` is the number of bytes at the last look. The code that begins an answer sets
    `may_be_left`; a look clears it once everything was read, so that an idle connection costs no
    system call.
    """

    __slots__ = ("_mark", "_transport", "count", "may_be_left")

    def __init__(self, transport: asyncio.Transport) -> None:
        """Counts the bytes that were written to `transport`."""
        self._transport = transport
        self._mark: tuple[float, int] | None = None  # a moment, and the bytes unread then
        self.count = 0
        self.may_be_left = False

    def look(self, running: RequestResponseCycle | None) -> int:
        """Counts anew, and returns the number of unread bytes.

        `running` is the request that is answered now, or was last.
        """
        self.count = 0
        if self.may_be_left:
            left = running.unwritten if isinstance(running, Cycle) else 0
            left += self._transport.get_write_buffer_size()
            self.count = left + _kept_by_system(self._transport)
            self.may_be_left = self.count > 0 or bool(running and not running.response_complete)
        return self.count

    def is_slow(self, running: RequestResponseCycle | None, now: float, seconds: float) -> bool:
        """Counts anew; returns whether too little was read for `seconds`.

        `now` is in seconds, on a clock that never goes back.
        """
        left = self.look(running)
        if not left:
            self._mark = None
        elif self._mark is None:
            self._mark = (now, left)
        elif now - self._mark[0] > seconds:
            if left > self._mark[1] - _PROGRESS:
                return True
            self._mark = (now, left)
        return False

    def go_on(self) -> None:
        """Begins to measure anew, because the caller has read enough for more to be written."""
        self._mark = None


def _kept_by_system(transport: asyncio.Transport) -> int:
    """Returns how many bytes the system still keeps for the other end of a connection."""
    sock = transport.get_extra_info("socket")
    try:
        return struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    except (OSError, ValueError):  # it is closed, or no socket that can tell
        return 0

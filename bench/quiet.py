"""How much of the machine others use: what a figure is worth depends on it."""

import asyncio
from pathlib import Path
from typing import Final

_STAT: Final = Path("/proc/stat")
_SECONDS: Final = 1.0

BUSY: Final = 0.1
"""From this share of the machine on, a person should know."""


async def used_by_others() -> float | None:
    """The share of all processors in use while we do nothing, from 0 to 1; None: nobody knows."""
    before = _times()
    await asyncio.sleep(_SECONDS)
    after = _times()
    if before is None or after is None:
        return None
    total = after[0] - before[0]
    return round((after[1] - before[1]) / total, 2) if total else None


def _times() -> tuple[int, int] | None:
    """Ticks of all processors since the start, and those of them in which they worked."""
    try:
        fields = [int(word) for word in _STAT.read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return None
    idle, waiting = fields[3], fields[4]
    return sum(fields), sum(fields) - idle - waiting

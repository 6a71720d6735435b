"""The measurements of processes that have ended, in one file of each kind, whatever their number.

The sums of counters and histograms are kept, since a counter must never become less. Gauges are
dropped.
"""

import struct
from pathlib import Path
from typing import Any, cast

_ENDED = "ended"
_SUMMED = ("counter", "histogram")


def keep_counts_of_ended(folder: Path, pid: int) -> None:
    """Adds the counts of a process that has ended to those of others, and removes its files."""
    for file in folder.glob(f"gauge_*_{pid}.db"):
        file.unlink(missing_ok=True)
    for kind in _SUMMED:
        file = folder / f"{kind}_{pid}.db"
        if file.exists():
            _add(file, folder / f"{kind}_{_ENDED}.db")
            file.unlink(missing_ok=True)


def _add(file: Path, to: Path) -> None:
    from prometheus_client import mmap_dict  # loaded when a process has ended, not before

    files = cast("Any", mmap_dict.MmapedDict)  # it has no types
    sums = files(str(to))
    try:
        for key, value, at, _ in files.read_all_values_from_file(str(file)):
            so_far, latest = sums.read_value(key)
            sums.write_value(key, so_far + value, max(at, latest))
    except (RuntimeError, ValueError, struct.error):
        return  # it was killed while it wrote: what it has counted after that place is lost
    finally:
        sums.close()

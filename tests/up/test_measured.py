"""What processes that have ended have counted still counts, and takes no more room the more end."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from estafette.up.measured import keep_counts_of_ended

_MEASURES = """
import os
from prometheus_client import Counter, Gauge, Histogram
Counter("asked", "Asked.", ["by"]).labels("one").inc(3)
Histogram("took", "Took.", buckets=(1, 2)).observe(1.5)
Gauge("depth", "Depth.", multiprocess_mode="mostrecent").set(7)
Gauge("open", "Open.", multiprocess_mode="livesum").set(5)
print(os.getpid())
"""


def _ended(folder: Path) -> int:
    """The id of a process that has measured, and ended."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURES],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def _told(folder: Path, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return registry.get_sample_value(name, labels)


def test_the_files_of_processes_that_end_are_two_whatever_their_number(tmp_path: Path) -> None:
    for number in range(1, 4):
        pid = _ended(tmp_path)
        assert _told(tmp_path, "asked_total", by="one") == 3 * number
        keep_counts_of_ended(tmp_path, pid)
        assert {file.name for file in tmp_path.iterdir()} == {
            "counter_ended.db",
            "histogram_ended.db",
        }
        assert _told(tmp_path, "asked_total", by="one") == 3 * number
        assert _told(tmp_path, "took_bucket", le="2.0") == number
        assert _told(tmp_path, "took_sum") == 1.5 * number
        assert _told(tmp_path, "depth") is None
    alive = _ended(tmp_path)
    keep_counts_of_ended(tmp_path, alive + 1)
    assert _told(tmp_path, "depth") == 7


def test_a_file_that_a_process_left_half_written_ends_nothing(tmp_path: Path) -> None:
    pid = _ended(tmp_path)
    (tmp_path / f"counter_{pid}.db").write_bytes(b"")
    histogram = tmp_path / f"histogram_{pid}.db"
    histogram.write_bytes(histogram.read_bytes()[:40])
    keep_counts_of_ended(tmp_path, pid)
    assert not list(tmp_path.glob(f"*{pid}*"))
    _told(tmp_path, "asked_total", by="one")  # what is left can be read

"""The memory of a server and a worker that have served a little and now wait."""

import asyncio
import re
import time
from pathlib import Path

from bench.plan import Plan, say
from bench.process import BenchError, output_of, plain_environment
from bench.report import Figure
from bench.stage import Stage

NAME = "idle_rss_mb"
REACH = 120.0

_REQUESTS = 20
_PATIENCE_SECONDS = 30.0


async def measure(stage: Stage, plan: Plan) -> Figure:
    """Creates, gets and webhooks by a server and a worker just started; then they idle."""
    await stage.empty_outbox()
    await stage.receiver.reset()
    async with stage.server() as (base_url, server), stage.worker() as worker:
        for _ in range(_REQUESTS):
            await stage.get_one(await stage.create_one(base_url), base_url)
        await stage.receiver.all_of(_REQUESTS, _PATIENCE_SECONDS)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while await stage.pending():
            if time.monotonic() > deadline:
                raise BenchError("the worker did not record what it had sent")
        await asyncio.sleep(plan.idle_seconds)
        detail = {
            "server_rss_mb": await _rss(server, stage.folder),
            "worker_rss_mb": await _rss(worker, stage.folder),
            "server_pss_mb": _pss(server),
            "worker_pss_mb": _pss(worker),
        }
    say(f"  {NAME}: {detail}")
    resident = {name: detail[f"{name}_rss_mb"] or 0.0 for name in ("server", "worker")}
    return Figure(
        NAME,
        max(resident.values()),
        REACH,
        "MB",
        detail=detail,
        shown=", ".join(f"{name} {size:.0f} MB" for name, size in resident.items()),
    )


async def _rss(pid: int, folder: Path) -> float:
    """Resident memory in MB (2^20 bytes), pages shared with other processes included."""
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    printed = await output_of(command, plain_environment(), folder, 10)
    return round(int(printed) / 1024, 1)


def _pss(pid: int) -> float | None:
    """The same with shared pages divided among those who share them; None where nobody knows."""
    try:
        found = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    size = re.search(r"^Pss:\s+(\d+) kB", found, re.MULTILINE)
    return round(int(size[1]) / 1024, 1) if size else None

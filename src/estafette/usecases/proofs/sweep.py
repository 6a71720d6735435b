"""End proofs after their time, and remove the files that no proof names any more."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from estafette.files import KeptFiles
from estafette.loops import Loop, Pace
from estafette.store import ends
from estafette.store.pool import Connection
from estafette.store.proofs import removals
from estafette.store.proofs import table as proofs
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.places import folder_of, read_places

_ROWS: Final = 500
_PAUSE: Final = 0.02
_PACE: Final = Pace(longest=3_600.0)
_ORPHANS: Final = "files_without_proof"

_SETTLED: Final = timedelta(hours=1)
"""How old a file without a row is before it is removed: its row may be about to be written."""

_LONGEST_AWAY: Final = 30
"""How many days are looked through at most, after a time in which no worker ran."""

Stop = asyncio.Event | None


def loop(platform: Platform, kept: timedelta) -> Loop:
    """Ends proofs that were received so long ago, each hour. Any number of workers may do it."""

    async def one_round(stop: asyncio.Event) -> float:
        await end_what_is_over(platform, kept, stop)
        await remove_files(platform, stop)
        await find_orphans(platform, stop)
        await remove_files(platform, stop)
        return _PACE.longest

    return Loop("proofs", one_round, _PACE)


async def end_what_is_over(platform: Platform, kept: timedelta, stop: Stop = None) -> int:
    """Removes proofs that are older than that, some at a time; returns how many."""
    removed = 0
    async with platform.pool.acquire() as connection:
        while not _is_over(stop):
            done = await proofs.forget(connection, kept, _ROWS)
            removed += done
            await ends.note(connection, "proofs", done, completed=done < _ROWS)
            if done < _ROWS:
                break
            await asyncio.sleep(_PAUSE)
    return removed


async def remove_files(platform: Platform, stop: Stop = None) -> int:
    """Removes the files that are to go; returns how many. Raises FilesUnavailableError.

    No transaction is open meanwhile. What is removed and not noted is removed once more.
    """
    removed = 0
    while not _is_over(stop):
        async with platform.pool.acquire() as connection:
            paths = await removals.oldest(connection, _ROWS)
        if not paths:
            break
        await platform.files.remove(paths)
        async with platform.pool.acquire() as connection:
            await removals.done(connection, paths)
        removed += len(paths)
    return removed


async def find_orphans(
    platform: Platform, stop: Stop = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> int:
    """Has the files removed that have no row although they are old enough; returns how many.

    The folders of the days since the last complete search are looked through, a day before it
    included. `clock` gives the time by which files are old. Raises FilesUnavailableError.
    """
    now = clock()
    async with platform.pool.acquire() as connection:
        days = await _days(connection, now)
    found = 0
    for day in days:
        if _is_over(stop):
            return found
        found += await _orphans_of(platform, platform.files, day, now - _SETTLED)
    async with platform.pool.acquire() as connection:
        await ends.note(connection, _ORPHANS, found, completed=True)
    return found


async def _days(connection: Connection, now: datetime) -> list[date]:
    done = {one.name: one.completed_at for one in await ends.done(connection)}
    last = done.get(_ORPHANS) or now - timedelta(days=_LONGEST_AWAY)
    first = max(last - timedelta(days=1), now - timedelta(days=_LONGEST_AWAY)).date()
    return [first + timedelta(days=each) for each in range((now.date() - first).days + 1)]


async def _orphans_of(platform: Platform, files: KeptFiles, day: date, before: datetime) -> int:
    found = 0
    async for page in files.each(folder_of(day)):
        places = read_places([one.path for one in page if one.written_at < before])
        if not places:
            continue
        async with platform.pool.acquire() as connection:
            orphans = await proofs.without_row(connection, places)
            await removals.insert(connection, orphans)
        found += len(orphans)
    return found


def _is_over(stop: Stop) -> bool:
    return stop is not None and stop.is_set()

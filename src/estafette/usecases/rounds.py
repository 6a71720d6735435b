"""Work that is done in rounds, for as long as a process lives."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

_log = structlog.stdlib.get_logger(__name__)

_FIRST_RETRY = 0.25
_LONGEST_RETRY = 10.0

_UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


async def keep_doing(
    name: str, one_round: Callable[[], Awaitable[float]], stop: asyncio.Event
) -> None:
    """Does round after round until `stop` is set, then ends with the round under way.

    A round returns how many seconds to rest after it. One that raises is logged under `name` and
    tried again, later each time: the loss of the database is outlived.
    """
    retry = _FIRST_RETRY
    while not stop.is_set():
        try:
            rest = await one_round()
        except Exception as error:  # the last boundary: the process has other work besides
            _report(name, error, retry)
            rest, retry = retry, min(retry * 2, _LONGEST_RETRY)
        else:
            retry = _FIRST_RETRY
        if rest > 0:
            await _rest(rest, stop)


async def _rest(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def _report(name: str, error: Exception, retry_in_seconds: float) -> None:
    if isinstance(error, _UNREACHABLE):
        _log.warning(
            "cannot reach the database",
            work=name,
            error=type(error).__name__,
            retry_in_seconds=retry_in_seconds,
        )
    else:
        _log.error("stumbled", work=name, exc_info=error)

"""Work that is done in rounds, for as long as a process lives."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from estafette.core.errors import Busy, Unavailable
from estafette.store.trouble import TROUBLE_HERE, is_trouble

_log = structlog.stdlib.get_logger(__name__)

_FIRST_RETRY = 0.25
_LONGEST_RETRY = 10.0


async def keep_doing(
    name: str, one_round: Callable[[], Awaitable[float]], stop: asyncio.Event
) -> None:
    """Does round after round until `stop` is set, then ends with the round under way.

    A round returns how many seconds to rest after it. One that raises is reported under `name` and
    tried again, later each time: the loss of the database is outlived.
    """
    retry = _FIRST_RETRY
    while not stop.is_set():
        try:
            rest = await one_round()
        except Exception as error:  # the last boundary: the process has other work besides
            report(name, error)
            rest, retry = retry, min(retry * 2, _LONGEST_RETRY)
        else:
            TROUBLE_HERE.passed()
            retry = _FIRST_RETRY
        if rest > 0:
            await _rest(rest, stop)


async def _rest(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


def report(name: str, error: Exception, **facts: str) -> None:
    """Logs what ended some work: the database's troubles once for all, a fault with its traceback.

    `name` is one of few; `facts` tell which piece of the work it was.
    """
    if is_trouble(error):
        TROUBLE_HERE.met(error, name)
    elif not isinstance(error, Busy | Unavailable):  # which were told where they were met
        _log.error("stumbled", work=name, exc_info=error, **facts)

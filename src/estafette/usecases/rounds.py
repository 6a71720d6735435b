"""Work on what many accounts have: one account's fault keeps nobody else's from being done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar
from uuid import UUID

from estafette.loops import report
from estafette.store.pool import Connection
from estafette.store.trouble import is_trouble
from estafette.store.work import UnitOfWork

T = TypeVar("T")


async def in_turns(
    connection: Connection,
    name: str,
    turns: Mapping[UUID, Callable[[], Awaitable[bool]]],
    stop: asyncio.Event | None = None,
) -> bool:
    """Does the work on each account in turns, until none has any left, or `stop` is set.

    A turn does a bounded part of an account's work, and returns whether more is left. One that
    raises is reported under `name`, and ends that account's turns: the others go on. Returns
    whether all the work was done.

    Raises what ended `connection`, on which they work, and the database's trouble when no account
    was spared.
    """
    left, failures = dict(turns), list[Exception]()
    while left:
        for account_id, turn in tuple(left.items()):
            if stop is not None and stop.is_set():
                return False
            try:
                if not await turn():
                    del left[account_id]
            except Exception as error:  # one account's: the others have theirs
                if connection.is_closed():
                    raise
                report(name, error, account=str(account_id))
                failures.append(error)
                del left[account_id]
    if failures and len(failures) == len(turns) and all(map(is_trouble, failures)):
        raise failures[-1]
    return not failures


async def in_one_or_apart(
    begin: Callable[[], AbstractAsyncContextManager[UnitOfWork]],
    name: str,
    claim: Callable[[], Awaitable[Sequence[T]]],
    do: Callable[[UnitOfWork, Sequence[T]], Awaitable[None]],
    put_off: Callable[[T], Awaitable[None]],
) -> int:
    """Does the work on all that `claim` gives, in one transaction that it begins; counts them.

    Where that fails, it is done on each of them apart. Those that fail then are reported under
    `name` and `put_off`, so that they are not the first again. Raises the database's troubles.
    """
    try:
        async with begin() as work:
            claimed = await claim()
            await do(work, claimed)
            return len(claimed)
    except Exception as error:  # any of them may be at fault
        if is_trouble(error):
            raise
    async with begin() as work:
        claimed = await claim()
        for one in claimed:
            try:
                async with work.apart():
                    await do(work, [one])
            except Exception as error:  # one's: the others have theirs
                if work.connection.is_closed() or is_trouble(error):
                    raise
                report(name, error)
                await put_off(one)
        return len(claimed)

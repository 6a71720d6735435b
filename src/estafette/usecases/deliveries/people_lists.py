"""Lists of deliveries for people: filter them, find them by words, and keep the index of words."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries import finding as words_of
from estafette.core.deliveries.delivery import Delivery
from estafette.loops import Loop, Pace
from estafette.store.deliveries import finding, words
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.lists import Position
from estafette.store.deliveries.people_filter import EFFORT, Effort, PeopleFilter
from estafette.usecases.cursor import cursor_text, read_cursor
from estafette.usecases.deliveries.indexing import Indexer
from estafette.usecases.platform import Platform

__all__ = ["PeopleFilter", "PeoplePage", "find_for_people", "indexer", "loop"]

_DELIVERIES = 250
_PACE = Pace(longest=3.0)
_SHARE = 0.1

ReadId = Callable[[str], UUID | None]
"""Reads a delivery's id as the account's dialect writes it; returns None for any other text."""


class PeoplePage(NamedTuple):
    """A page of deliveries, newest first; `next` is the cursor of the next page, None at the end.

    With `looked_to`, the page has fewer deliveries than were asked for, because the bound on how
    many are looked through was reached. There may be more that were created before that place;
    `next` goes on from there.
    """

    deliveries: list[Delivery]
    next: str | None
    looked_to: Position | None = None


async def find_for_people(
    platform: Platform,
    scope: Scope,
    wanted: PeopleFilter,
    typed: str = "",
    after: str | None = None,
    limit: int = 50,
    read_id: ReadId | None = None,
    effort: Effort = EFFORT,
) -> PeoplePage:
    """Returns a page of at most `limit` deliveries of an account and mode, newest first.

    `typed` finds those that have its words (in a reference, an order, an address, a name, metadata,
    or as the last digits of a phone), or the delivery whose id it is. `after` is the `next` of the
    page before. Raises CursorUnknownError when `after` is not such a cursor, and Busy.
    """
    place = None if after is None else Position(*read_cursor(after))
    terms = words_of.wanted(scope, typed)
    if typed.strip() and not terms:
        return PeoplePage([], None)
    id = read_id(typed.strip()) if read_id is not None else None
    async with platform.connections.lists(scope.account_id) as connection:
        if id is not None and (one := await deliveries.find(connection, scope, id)):
            return PeoplePage([one], None)
        wanted = wanted._replace(terms=terms)
        found = await finding.find(connection, scope, wanted, place, limit + 1, effort)
    shown = found.deliveries[:limit]
    if len(found.deliveries) > limit:
        return PeoplePage(shown, cursor_text(shown[-1].created_at, shown[-1].id))
    if found.looked_to is None:
        return PeoplePage(shown, None)
    return PeoplePage(shown, cursor_text(*found.looked_to), found.looked_to)


def indexer(platform: Platform) -> Indexer:
    """Returns what gives deliveries their words."""
    return Indexer(platform, "words", words.behind, words.index_next, _DELIVERIES)


def loop(platform: Platform) -> Loop:
    """Returns the loop that indexes waiting deliveries, slowly: creating them has priority."""
    waiting = indexer(platform)

    async def one_round(_stop: asyncio.Event) -> float:
        began = time.monotonic()
        more = (await waiting.round()).more
        return (time.monotonic() - began) / _SHARE if more else _PACE.longest

    return Loop("words", one_round, _PACE)

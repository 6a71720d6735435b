"""The figures of an account, and of all accounts together, for the overview pages."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from estafette.core.accounts.account import MARKETS, Account, Mode, Scope
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.figures import Figures, by_day, figures_of
from estafette.loops import Loop, Pace
from estafette.store.accounts import table as accounts
from estafette.store.deliveries import daily_tallies, newest
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform

MOST_DAYS = 31
NEWEST = 5_000
"""The statuses of at most so many of the newest deliveries are counted."""

_NEWEST_OF = timedelta(days=7)
_CANCELLED = 500
_REASONS = 8
_REASON_LENGTH = 80
_BUSIEST = 10

_PACE = Pace(longest=10.0)


def loop(platform: Platform) -> Loop:
    """Returns the loop that counts events, once no earlier one can be committed any more.

    One process at a time counts.
    """

    async def one_round(_: asyncio.Event) -> float:
        return 0.0 if await count_next(platform) else _PACE.longest

    return Loop("figures", one_round, _PACE)


async def count_next(platform: Platform) -> bool:
    """Counts the events of the next minutes; returns whether more of them can be counted now."""
    zones = {market.code: market.time_zone for market in MARKETS.values()}
    async with platform.pool.acquire() as connection, connection.transaction():
        step = await daily_tallies.count_next(connection, zones)
    return step is not None and step.has_more


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """The figures of an account: its last days, and the statuses of its newest deliveries.

    `counted_to` is the time up to which the days are counted; None when nothing is counted yet.
    `statuses` counts the deliveries of the last week, or only the newest `NEWEST` of them where
    `is_partial`. `reasons` are the notes of those that were cancelled, the most frequent first.
    """

    counted_to: datetime | None
    days: Sequence[tuple[date, Figures]]
    whole: Figures
    statuses: Mapping[Status, int]
    is_partial: bool
    reasons: Sequence[tuple[str | None, int]]


async def account_figures(
    platform: Platform, account: Account, mode: Mode, days: int = 14
) -> AccountFigures:
    """Returns the figures of an account's last `days`, today included, by its market's clock."""
    scope = Scope(account.id, mode)
    last = datetime.now(ZoneInfo(account.market.time_zone)).date()
    since = datetime.now(UTC) - _NEWEST_OF
    async with platform.connections.lists(account.id) as connection:
        counts = await daily_tallies.of_account(connection, scope, _first(last, days))
        counted_to = await daily_tallies.counted_to(connection)
        statuses = await newest.statuses(connection, scope, since, NEWEST)
        notes: Sequence[str | None] = ()
        if statuses.get(Status.CANCELLED):
            notes = await newest.reasons(connection, scope, since, NEWEST, _CANCELLED)
    frequent = Counter(note and note[:_REASON_LENGTH] for note in notes).most_common(_REASONS)
    return AccountFigures(
        counted_to,
        by_day(counts, last, min(days, MOST_DAYS)),
        figures_of((what, count) for _, what, count in counts),
        statuses,
        sum(statuses.values()) >= NEWEST,
        frequent,
    )


@dataclass(frozen=True, slots=True)
class PlatformFigures:
    """The figures of all accounts together, and the accounts that created most deliveries.

    Each delivery is counted on the day that it was in its own market.
    """

    counted_to: datetime | None
    days: Sequence[tuple[date, Figures]]
    whole: Figures
    busiest: Sequence[tuple[Account, int]]


async def platform_figures(platform: Platform, mode: Mode, days: int = 14) -> PlatformFigures:
    """Returns the figures of all accounts of a mode for the last days, today included."""
    last = max(datetime.now(ZoneInfo(market.time_zone)).date() for market in MARKETS.values())
    since = _first(last, days)
    async with reading(platform) as connection:
        counts = await daily_tallies.of_all(connection, mode, since)
        counted_to = await daily_tallies.counted_to(connection)
        busiest = await daily_tallies.busiest(connection, mode, since, _BUSIEST)
        known = await accounts.find_all(connection, [id for id, _ in busiest])
    return PlatformFigures(
        counted_to,
        by_day(counts, last, min(days, MOST_DAYS)),
        figures_of((what, count) for _, what, count in counts),
        [(known[id], count) for id, count in busiest if id in known],
    )


def _first(last: date, days: int) -> date:
    return last - timedelta(days=min(days, MOST_DAYS) - 1)

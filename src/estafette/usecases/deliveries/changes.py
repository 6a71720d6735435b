"""Find out what has changed of deliveries that people have before them: for many at once."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.errors import DeliveryNotFound
from estafette.store.deliveries import events
from estafette.store.deliveries import table as deliveries
from estafette.store.webhooks import messages
from estafette.usecases.platform import Platform, clock

_LATE: Final = timedelta(seconds=5)
"""An event may be committed so long after it happened."""

_BEFORE: Final = timedelta(seconds=3)
"""What happened so long before somebody began to watch may have been committed after that."""

_COUNTED: Final = timedelta(seconds=10)
"""After how long what was counted is counted anew from a later moment, so that little is read."""

REMEMBERED: Final = timedelta(seconds=60)
"""How far back one who comes again is told what was missed; all others are told to look anyway."""


class _Counted(NamedTuple):
    """How many events of a scope are known since a moment, and what was told of it then."""

    since: datetime
    number: int
    told: int


class ScopeChanges:
    """Tells for scopes when something last happened to their deliveries.

    Events are counted rather than compared by their times, because they are committed in another
    order than they happen in.
    """

    def __init__(self, platform: Platform) -> None:
        """Reads the database of `platform`."""
        self._platform = platform
        self._counted: dict[Scope, _Counted] = {}

    async def __call__(self, watched: Mapping[Scope, int]) -> Mapping[Scope, int]:
        """Returns, of scopes with news, when they were found, in milliseconds (see `moment`).

        Of each scope is known when it was looked at last, or when it was first read. Raises Busy.
        """
        now = clock()
        later, earliest = now - _LATE, now - REMEMBERED - _BEFORE
        before: dict[Scope, _Counted] = {}
        lost: set[Scope] = set()
        for scope, known in watched.items():
            one = self._counted.get(scope)
            if one is None or one.told != known:  # it is watched anew
                one = _Counted(_read(known) - _BEFORE, 0, known)
            if one.since < earliest:  # it could not be looked at for so long
                lost.add(scope)
                one = _Counted(later, 0, known)
            before[scope] = one
        async with self._platform.connections.batch("pages") as connection:
            found = await events.count_since(
                connection, [(scope, one.since) for scope, one in before.items()], later
            )
        news: dict[Scope, int] = {}
        self._counted = {}
        for place, (scope, one) in enumerate(before.items()):
            number, recent = found.get(place, (0, 0))
            told = one.told
            if number > one.number or scope in lost:
                told = news[scope] = max(moment(now), told + 1)
            anew = now - one.since > _COUNTED
            self._counted[scope] = (
                _Counted(later, recent, told) if anew else _Counted(one.since, number, told)
            )
        return news


def moment(of: datetime) -> int:
    """Returns a time in milliseconds, by which what was read then is compared with news."""
    return int(of.timestamp() * 1000)


def known_since(seen: int | None) -> int:
    """Returns from when on somebody wants news who has seen all until then; None: it is unknown.

    That is now, where it is too long ago to be found out, or has not been yet.
    """
    now = clock()
    if seen is None or not moment(now - REMEMBERED) <= seen <= moment(now):
        return moment(now)
    return seen


def _read(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


async def version(platform: Platform, scope: Scope, id: UUID) -> str:
    """Returns a text that differs after each change of a delivery or its webhooks.

    Raises DeliveryNotFound, Busy or Unavailable.
    """
    async with platform.connections.account(scope.account_id) as connection:
        if await deliveries.find(connection, scope, id) is None:
            raise DeliveryNotFound(id)
    return (await versions(platform, [(scope.account_id, id)]))[scope.account_id, id]


async def versions(
    platform: Platform, wanted: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], str]:
    """Returns such a text for each of the deliveries that exist, by account and id. Raises Busy."""
    async with platform.connections.batch("pages") as connection:
        moves = await deliveries.versions(connection, [id for _, id in wanted])
        sent = await messages.progress_of(connection, wanted)
    return {
        (account_id, id): f"{moves[id]}-{sent.get(id, '')}"
        for account_id, id in wanted
        if id in moves
    }

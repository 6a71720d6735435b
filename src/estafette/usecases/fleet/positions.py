"""Take in where drivers are: many drivers at once, in few statements, on shift alone."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from estafette.core.fleet.driver import Driver
from estafette.core.fleet.position import Place, Position, PositionSource, position_of, thinned
from estafette.store.fleet import position_history, position_tokens, shifts
from estafette.store.fleet.position_tokens import Sender
from estafette.store.pool import Connection
from estafette.usecases.accounts.secrets import key_hash, new_token
from estafette.usecases.deliveries.batching import Batcher
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.platform import Platform, clock

_AT_ONCE: Final = 500
_LANES: Final = 1
"""One batch at a time: what comes meanwhile is the next one, and no two change the same rows."""

_GATHER_SECONDS: Final = 0.025
"""For how long positions are gathered into one commit, which costs about the same for many as for
one. No phone waits for the answer, and the orders of merchants have the disk meanwhile."""

_REMEMBERED: Final = 20_000
"""Of how many drivers it is remembered when the last position was kept for the replay."""

_PREFIX: Final = "drv_"


class Heard(Enum):
    """What became of positions."""

    KEPT = "kept"
    OFF_SHIFT = "off shift"
    """They were thrown away: where somebody is who does not work is nobody's business."""
    UNKNOWN = "unknown"
    """Nobody has this token."""


@dataclass(frozen=True, slots=True)
class Told:
    """Positions of one driver: of an app, which shows the token of `hash`, or of their page."""

    places: Sequence[Place]
    source: PositionSource
    error: timedelta = timedelta()
    hash: bytes | None = None
    driver: tuple[UUID, UUID] | None = None


class Intake:
    """Takes in the positions of one process. What arrives together is written together."""

    def __init__(self, platform: Platform) -> None:
        """Begins with nothing."""
        self._platform = platform
        self._kept_until: OrderedDict[tuple[UUID, UUID], datetime] = OrderedDict()
        self._batcher = Batcher[Told, Heard](
            self._write,
            owner=lambda told: told.hash or told.driver,
            size=_AT_ONCE,
            lanes=_LANES,
            gather=_GATHER_SECONDS,
        )

    async def by_token(self, hash: bytes, places: Sequence[Place]) -> Heard:
        """Takes positions of whose device has the token of `hash`; when it returns they are kept.

        Raises Busy or Unavailable.
        """
        return await self._batcher.do(Told(places, PositionSource.TRACCAR, hash=hash))

    async def by_page(self, driver: Driver, places: Sequence[Place], error: timedelta) -> Heard:
        """Takes positions of a driver's page, whose clock is wrong by `error`. Raises the same."""
        of = (driver.company_id, driver.id)
        return await self._batcher.do(Told(places, PositionSource.PAGE, error, driver=of))

    async def _write(self, batch: Sequence[Told]) -> list[Heard]:
        async with self._platform.connections.batch("positions") as connection:
            senders = await self._senders_of(connection, batch)
            now = clock()
            found = [
                position
                for told, sender in zip(batch, senders, strict=True)
                if sender is not None and sender.works
                for place in told.places
                if (position := _position(place, sender, told, now)) is not None
            ]
            if found:
                await position_history.keep(connection, found, thinned(found, self._kept_until))
        self._forget()
        return [_heard(sender) for sender in senders]

    async def _senders_of(
        self, connection: Connection, batch: Sequence[Told]
    ) -> list[Sender | None]:
        """Returns who told each; None where nobody has the token."""
        hashes = {told.hash for told in batch if told.hash is not None}
        known = await position_tokens.senders(connection, hashes) if hashes else {}
        pages = {told.driver for told in batch if told.driver is not None}
        working: set[tuple[UUID, UUID]] = set()
        if pages:
            working = await shifts.who_works(connection, pages)
        return [
            Sender(*told.driver, works=told.driver in working)
            if told.driver is not None
            else known.get(told.hash or b"")
            for told in batch
        ]

    def _forget(self) -> None:
        while len(self._kept_until) > _REMEMBERED:
            self._kept_until.popitem(last=False)


def _position(place: Place, sender: Sender, told: Told, now: datetime) -> Position | None:
    return position_of(place, sender.company_id, sender.driver_id, told.source, now, told.error)


def _heard(sender: Sender | None) -> Heard:
    if sender is None:
        return Heard.UNKNOWN
    return Heard.KEPT if sender.works else Heard.OFF_SHIFT


async def renew_token(platform: Platform, driver: Driver) -> str:
    """Makes a token by which an app sends this driver's positions; the one before ends.

    It is returned this once.
    """
    token = new_token(_PREFIX)
    async with writing(platform) as connection:
        await position_tokens.put(connection, driver.company_id, driver.id, key_hash(token))
    return token


async def drop_token(platform: Platform, driver: Driver) -> None:
    """Has no app send a driver's positions any more."""
    async with writing(platform) as connection:
        await position_tokens.drop(connection, driver.company_id, driver.id)


async def has_token(platform: Platform, driver: Driver) -> bool:
    """Returns whether an app may send a driver's positions."""
    async with reading(platform) as connection:
        return await position_tokens.has(connection, driver.company_id, driver.id)

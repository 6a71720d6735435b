"""Have deliveries be on the way whose drivers have come near, or have gone on to them.

It is done beside the taking in of positions, which must cost little, by whoever looks: a round is
one statement for all drivers who were seen lately, and a transaction for each delivery that moves.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from estafette.core.errors import Refusal
from estafette.core.fleet.approach import FRESH
from estafette.core.fleet.position import Position
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.fleet.setting_out import JUST_DONE, LOOKED_BACK, is_near, why_set_out
from estafette.logs import Logger
from estafette.loops import Loop, Pace
from estafette.store.fleet import next_stops, position_history
from estafette.store.fleet.next_stops import NextStop
from estafette.store.pool import Connection, now
from estafette.usecases.deliveries.places import dropoff_places
from estafette.usecases.fleet.steps import set_out_untapped
from estafette.usecases.platform import Platform

_AT_ONCE: Final = 1_000
_MOST_PLACES: Final = 100
_PACE: Final = Pace(longest=5.0, shortest=2.0)
_REST: Final = 9
"""How many times as long as a round took it rests: a tenth of a processor at most goes into it."""

_BEGINNING: Final = UUID(int=0)

_log = Logger()


def loop(platform: Platform) -> Loop:
    """Returns the loop that looks. Any number of processes may run it: a delivery moves once."""
    setting_out = SettingOut(platform)

    async def one_round(_: asyncio.Event) -> float:
        began = time.monotonic()
        if not await setting_out.round():
            return _PACE.longest
        return max(_PACE.shortest, _REST * (time.monotonic() - began))

    return Loop("setting out", one_round, _PACE)


class SettingOut:
    """Looks at drivers by their ids, some in each round, and begins anew after the last."""

    def __init__(self, platform: Platform) -> None:
        """Begins with the first."""
        self._platform = platform
        self._after = _BEGINNING

    async def round(self) -> int:
        """Moves what is on the way; returns how many drivers have such a stop before them."""
        async with self._platform.pool.acquire() as connection:
            found = await next_stops.next_stops(connection, FRESH, JUST_DONE, self._after, _AT_ONCE)
            reasons = await self._reasons(connection, found)
        self._after = found[-1].driver_id if len(found) == _AT_ONCE else _BEGINNING
        for one, why in reasons:
            try:
                of = (one.company_id, one.driver_id, one.delivery.id)
                await set_out_untapped(self._platform, *of, why)
            except (FleetRefusal, Refusal) as refusal:  # it has moved meanwhile, or is too long
                _log.info("not set out", delivery=str(one.delivery.id), reason=str(refusal))
        return len(found)

    async def _reasons(
        self, connection: Connection, found: Sequence[NextStop]
    ) -> list[tuple[NextStop, str]]:
        places = await dropoff_places(connection, self._platform, [one.delivery for one in found])
        moment = await now(connection)
        reasons: list[tuple[NextStop, str]] = []
        for one in found:
            stop, before = places[one.delivery.id].point, list[Position]()
            if stop is not None and one.position is not None and is_near(stop, one.position):
                of = (one.company_id, one.driver_id)
                before = await position_history.of_driver(
                    connection, *of, moment - LOOKED_BACK, moment, _MOST_PLACES
                )
            why = why_set_out(
                stop,
                one.position,
                before,
                picked_up_at=one.picked_up_at,
                left_at=one.left_at,
                now=moment,
            )
            if why is not None:
                reasons.append((one, why))
        return reasons

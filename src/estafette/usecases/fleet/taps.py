"""The one door by which the taps of drivers come in.

A batch is taken in the order in which things were done, each tap in a transaction of its own, which
holds its effect and its key: whatever is sent again is answered as the first was. A tap that is
refused stands there too, with the reason. Where something is in trouble, the taps before it are
done, and the phone sends the others again.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from estafette.core.fleet.driver import Driver
from estafette.core.fleet.tap import LATEST, Tap, TapRefusal, corrected
from estafette.store.fleet import taps
from estafette.store.fleet.taps import Taken
from estafette.store.pool import Connection
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.fleet.tap_effects import REFUSALS, effect_of, why
from estafette.usecases.platform import Platform, clock


class TapOutcome(StrEnum):
    """What became of a tap."""

    DONE = "done"
    REFUSED = "refused"
    EARLY = "early"
    """One before it in the device's sequence has not arrived: it was not looked at."""


class Answer(NamedTuple):
    """What a tap is answered, now and whenever it is sent again."""

    key: UUID
    outcome: TapOutcome
    why: TapRefusal | None = None


async def take(
    platform: Platform, driver: Driver, device: UUID, phone_now: datetime, sent: Sequence[Tap]
) -> list[Answer]:
    """Takes what a driver did on one device, whose clock shows `phone_now` at this moment.

    Returns an answer for each tap, in the order of the device's sequence. `platform` acts as the
    driver. Raises Busy or Unavailable; what was done before stays done.
    """
    ordered = sorted(sent, key=lambda tap: tap.sequence)
    times = corrected(ordered, phone_now, clock())
    of = (driver.company_id, driver.id)
    async with platform.connections.batch(LANE) as connection:
        # In this order: what is taken between the two is known, whoever sends it at the same time.
        expected = 1 + await taps.last_of_device(connection, *of, device)
        known = await taps.taken(connection, *of, [tap.key for tap in ordered])
    answers: list[Answer] = []
    for tap, at in zip(ordered, times, strict=True):
        if before := known.get(tap.key):
            answers.append(_answer(before))
            expected += tap.sequence == expected
        elif tap.sequence != expected:
            answers.append(Answer(tap.key, TapOutcome.EARLY))
        else:
            answers.append(await _take_one(platform, driver, device, tap, at))
            expected += 1
    return answers


async def _take_one(
    platform: Platform, driver: Driver, device: UUID, tap: Tap, at: datetime
) -> Answer:
    """Does one tap, unless somebody has done it since: then answers as it was answered."""
    of = (driver.company_id, driver.id)
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        if not await taps.insert(connection, *of, device, tap, at):
            known = await taps.taken(connection, *of, [tap.key])
            return _answer(known[tap.key]) if known else Answer(tap.key, TapOutcome.EARLY)
        refusal = await _refusal_before(connection, driver, device, tap, at)
        if refusal is None:
            try:
                await effect_of(tap.kind)(platform.within(work), driver, tap, at)
            except REFUSALS as error:
                refusal = why(error)
        if refusal is not None:
            await taps.refuse(connection, *of, tap.key, refusal)
    return _answer(Taken(tap.key, refusal))


async def _refusal_before(
    connection: Connection, driver: Driver, device: UUID, tap: Tap, at: datetime
) -> TapRefusal | None:
    """Returns why a tap is refused before it is looked at closer."""
    if clock() - at > LATEST:
        return TapRefusal.TOO_LATE
    if tap.about is not None and await taps.was_refused_since(
        connection, driver.company_id, driver.id, device, tap, at
    ):
        return TapRefusal.EARLIER_REFUSED
    return None


def _answer(taken: Taken) -> Answer:
    outcome = TapOutcome.DONE if taken.refused is None else TapOutcome.REFUSED
    return Answer(taken.key, outcome, taken.refused)

"""What each tap does: the one table from what a driver taps to the verb of the fleet.

Each verb opens a transaction of its own, which is a savepoint in that of the tap. What a verb keeps
in spite of its refusal, such as the count of wrong PINs, is kept with the tap.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from estafette.core.deliveries.delivery import FINAL
from estafette.core.deliveries.failing import reason_of
from estafette.core.deliveries.places import PlaceRefusal, read_point
from estafette.core.errors import (
    Busy,
    HistoryFull,
    PinLocked,
    PinRequired,
    PinWrong,
    ProofsMissing,
    Refusal,
    TransitionRefused,
    Unavailable,
)
from estafette.core.fleet.assignment import Assignment, AssignmentState
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.reasons import driver_reason, in_english
from estafette.core.fleet.refusals import (
    AssignmentNotFound,
    CashLimitReached,
    DriverAway,
    DriverNotFound,
    FleetRefusal,
    GivenToAnother,
    MayNotLeave,
    NotNow,
    NotOfCompany,
    NotOnShift,
    OfferOver,
    ParcelsOnBoard,
    SkillsLacking,
    VehicleFull,
)
from estafette.core.fleet.tap import Tap, TapKind, TapRefusal
from estafette.core.money.cash import CashRefusal
from estafette.store.deliveries import table as deliveries
from estafette.store.fleet import assignments
from estafette.usecases.deliveries.places import correct_place
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.fleet.leave_at_door import leave_at_door
from estafette.usecases.fleet.refuse import refuse
from estafette.usecases.fleet.shifts import end_shift, start_shift
from estafette.usecases.fleet.steps import arrive, pick_up, set_out
from estafette.usecases.fleet.take_back import hand_back
from estafette.usecases.money.handovers import declare_handover
from estafette.usecases.platform import Platform

Effect = Callable[[Platform, Driver, Tap, datetime], Awaitable[object]]
"""Does what a tap means, at a time of the driver's clock; raises one of REFUSALS."""

_FROM_PAGE: Final = "the driver's page"


class _Refused(Exception):  # noqa: N818 - it is answered
    """The tap cannot be done; `why` says the reason."""

    def __init__(self, why: TapRefusal) -> None:
        self.why = why


REFUSALS: Final = (_Refused, FleetRefusal, CashRefusal, PlaceRefusal, Refusal)
"""What an effect raises where a tap cannot be done. Trouble of ours is among them: see `why`."""


async def _mine(platform: Platform, driver: Driver, tap: Tap) -> Assignment:
    """Returns the assignment that a tap is about, which is the driver's and goes on.

    One that is done is returned too: whoever hands over twice is not told that it was wrong.
    """
    async with platform.connections.batch(LANE) as connection:
        found = await assignments.find(connection, driver.company_id, _id(tap))
        if found is None or found.driver_id != driver.id:
            raise _Refused(TapRefusal.NOT_YOURS)
        if found.state in (AssignmentState.ACCEPTED, AssignmentState.DONE):
            return found
        if found.state is not AssignmentState.RELEASED:
            raise _Refused(TapRefusal.NOT_NOW)
        delivery = await deliveries.find(connection, found.scope, found.delivery_id)
    is_over = delivery is None or delivery.status in FINAL
    raise _Refused(TapRefusal.OVER if is_over else TapRefusal.TAKEN_BACK)


def _id(tap: Tap) -> UUID:
    """Returns what a tap is about. Raises _Refused where it is about nothing."""
    if tap.about is None:
        raise _Refused(TapRefusal.NOT_YOURS)
    return tap.about


def _reason(tap: Tap) -> str:
    """Returns the reason of a tap, with the driver's own words. Raises _Refused without one."""
    if (said := _said(tap)) is None:
        raise _Refused(TapRefusal.REASON_MISSING)
    return said


def _said(tap: Tap) -> str | None:
    """Returns why a driver does not want a delivery, as it is kept; None: the tap does not say."""
    reason = tap.text("reason")
    return reason and in_english(driver_reason(reason), tap.text("note"))


async def _start(platform: Platform, driver: Driver, _: Tap, __: datetime) -> object:
    return await start_shift(platform, driver.company_id, driver.id, _FROM_PAGE)


async def _end(platform: Platform, driver: Driver, _: Tap, at: datetime) -> object:
    return await end_shift(platform, driver.company_id, driver.id, at)


async def _accept(platform: Platform, driver: Driver, tap: Tap, _: datetime) -> object:
    return await accept(platform, driver.company_id, driver.id, _id(tap))


async def _refuse(platform: Platform, driver: Driver, tap: Tap, _: datetime) -> object:
    offer = (driver.company_id, driver.id, _id(tap))
    return await refuse(platform, *offer, _said(tap))


async def _arrive(platform: Platform, driver: Driver, tap: Tap, at: datetime) -> object:
    mine = await _mine(platform, driver, tap)
    return await arrive(platform, driver.company_id, driver.id, mine.delivery_id, at)


async def _pick_up(platform: Platform, driver: Driver, tap: Tap, at: datetime) -> object:
    mine = await _mine(platform, driver, tap)
    return await pick_up(platform, driver.company_id, driver.id, mine.delivery_id, at)


async def _set_out(platform: Platform, driver: Driver, tap: Tap, _: datetime) -> object:
    mine = await _mine(platform, driver, tap)
    return await set_out(platform, driver.company_id, driver.id, mine.delivery_id)


async def _hand_over(platform: Platform, driver: Driver, tap: Tap, at: datetime) -> object:
    mine = await _mine(platform, driver, tap)
    async with platform.connections.batch(LANE) as connection:
        delivery = await deliveries.find(connection, mine.scope, mine.delivery_id)
    due = delivery.payment.cash_collect if delivery is not None else None
    if due and tap.number("cash") != due:
        raise _Refused(TapRefusal.CASH_REFUSED)
    of = (driver.company_id, driver.id, mine.delivery_id)
    return await hand_over(platform, *of, at=at, pin=tap.text("pin"), note=tap.text("note"))


async def _fail(platform: Platform, driver: Driver, tap: Tap, at: datetime) -> object:
    mine = await _mine(platform, driver, tap)
    of = (driver.company_id, driver.id, mine.delivery_id)
    reason = tap.text("reason")
    if reason is None:
        raise _Refused(TapRefusal.REASON_MISSING)
    return await attempt_failed(platform, *of, reason_of(reason), tap.text("note"), at=at)


async def _leave(platform: Platform, driver: Driver, tap: Tap, at: datetime) -> object:
    mine = await _mine(platform, driver, tap)
    return await leave_at_door(platform, driver.company_id, driver.id, mine.delivery_id, at=at)


async def _hand_back(platform: Platform, driver: Driver, tap: Tap, _: datetime) -> object:
    mine = await _mine(platform, driver, tap)
    return await hand_back(platform, driver.company_id, driver.id, mine.delivery_id, _reason(tap))


async def _declare(platform: Platform, driver: Driver, tap: Tap, _: datetime) -> object:
    amount = tap.number("cash") or 0
    return await declare_handover(platform, driver.company_id, driver.id, amount, tap.key)


async def _find_place(platform: Platform, driver: Driver, tap: Tap, _: datetime) -> object:
    mine = await _mine(platform, driver, tap)
    point = read_point(tap.text("point") or "")
    if point is None:
        raise _Refused(TapRefusal.PLACE_REFUSED)
    of, note = (driver.company_id, driver.id, mine.delivery_id), tap.text("note")
    return await correct_place(platform, *of, point, note)


_EFFECTS: Final[Mapping[TapKind, Effect]] = {
    TapKind.SHIFT_STARTED: _start,
    TapKind.SHIFT_ENDED: _end,
    TapKind.OFFER_ACCEPTED: _accept,
    TapKind.OFFER_REFUSED: _refuse,
    TapKind.ARRIVED: _arrive,
    TapKind.PICKED_UP: _pick_up,
    TapKind.ON_THE_WAY: _set_out,
    TapKind.HANDED_OVER: _hand_over,
    TapKind.LEFT_AT_DOOR: _leave,
    TapKind.ATTEMPT_FAILED: _fail,
    TapKind.HANDED_BACK: _hand_back,
    TapKind.PLACE_FOUND: _find_place,
    TapKind.CASH_DECLARED: _declare,
}


def effect_of(kind: TapKind) -> Effect:
    """Returns what a tap of a kind does."""
    return _EFFECTS[kind]


_WHY: Final[Mapping[type[Exception], TapRefusal]] = {
    AssignmentNotFound: TapRefusal.NOT_YOURS,
    NotOfCompany: TapRefusal.NOT_YOURS,
    DriverNotFound: TapRefusal.NOT_YOURS,
    GivenToAnother: TapRefusal.TAKEN_BACK,
    OfferOver: TapRefusal.OFFER_OVER,
    NotOnShift: TapRefusal.NO_SHIFT,
    ParcelsOnBoard: TapRefusal.HAS_PARCELS,
    VehicleFull: TapRefusal.FULL,
    SkillsLacking: TapRefusal.LACKS_SKILL,
    CashLimitReached: TapRefusal.CASH_REFUSED,
    DriverAway: TapRefusal.PAUSED,
    MayNotLeave: TapRefusal.MAY_NOT_LEAVE,
    PinRequired: TapRefusal.PIN_WRONG,
    PinWrong: TapRefusal.PIN_WRONG,
    PinLocked: TapRefusal.PIN_LOCKED,
    ProofsMissing: TapRefusal.PROOF_MISSING,
    TransitionRefused: TapRefusal.NOT_NOW,
    HistoryFull: TapRefusal.NOT_NOW,
}


def why(error: Exception) -> TapRefusal:
    """Returns the reason of a refusal. Raises it again where the trouble is ours and may pass."""
    if isinstance(error, Busy | Unavailable):
        raise error
    if isinstance(error, _Refused):
        return error.why
    if isinstance(error, CashRefusal):
        return TapRefusal.CASH_REFUSED
    if isinstance(error, PlaceRefusal):
        return TapRefusal.PLACE_REFUSED
    if isinstance(error, NotNow):
        return TapRefusal.OVER if error.status in FINAL else TapRefusal.NOT_NOW
    return _WHY.get(type(error), TapRefusal.NOT_NOW)

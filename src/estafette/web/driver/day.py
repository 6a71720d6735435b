"""`GET /driver/day`: what the driver sees now, as the page's scripts read it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import MARKETS
from estafette.core.deliveries.delivery import Delivery, Stop
from estafette.core.deliveries.places import StopPlace
from estafette.core.fleet.message import DriverMessage
from estafette.core.fleet.privacy import CONTACTS_KEPT
from estafette.core.fleet.taken import Taken
from estafette.core.fleet.tour import StopKind
from estafette.core.proofs.demand import Demand
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.terminal import plain, plain_lines
from estafette.usecases.fleet.day import DriverDay, DriverOffer, DriverStop, day_of
from estafette.usecases.fleet.messages import have_read
from estafette.usecases.fleet.own_work import Carried
from estafette.usecases.money.handovers import CashInHand
from estafette.usecases.platform import clock
from estafette.web.driver.visit import Code, DriverVisit
from estafette.web.history import message_text, taken_text

_MOST_ABOUT: Final = 50
"""Of how many stops that others have taken the page knows why, if one of them is open just then."""

ShownIds = Mapping[str, Callable[[UUID], str]]
"""How each dialect writes the id of a delivery, by the dialect's name."""


async def show(request: Request, visit: DriverVisit) -> Response:
    """Shows the day."""
    day = await day_of(visit.platform, visit.driver)
    if day is None:
        raise HTTPException(404)
    shown_ids: ShownIds = request.app.state.shown_ids
    body = orjson.dumps(_day(day, visit.language, shown_ids))
    headers = {"Cache-Control": "no-store"}
    return Response(body, media_type="application/json", headers=headers)


def _day(day: DriverDay, language: str, shown_ids: ShownIds) -> dict[str, Any]:
    market, demand = MARKETS[day.company.market], day.company.capabilities.proof
    return {
        "now": _ms(clock()),
        "language": language,
        "time_zone": day.company.time_zone,
        "currency": market.currency,
        "driver": {"id": str(day.driver.id), "name": plain(day.driver.name)},
        "company": {"name": plain(day.company.name), "phone": day.company.phone_e164},
        "shift": None if day.shift is None else {"began": _ms(day.shift.began_at)},
        "paused": day.is_paused,
        "has_token": day.has_token,
        "offers": [_offer(offer) for offer in day.offers],
        "stops": [_stop(stop, shown_ids, demand) for stop in day.stops],
        "done": day.done,
        "lately": [_ended(one) for one in day.lately],
        "cash": _cash(day.cash),
        "messages": [_message(one, day) for one in day.messages],
    }


def _offer(offer: DriverOffer) -> dict[str, Any]:
    """Returns an offer: where it is, and what it asks for; no contact before it is accepted."""
    delivery = offer.delivery
    return {
        "about": str(offer.assignment.id),
        "answer_by": _ms(offer.assignment.answer_by or clock()),
        "pickup": {"address": plain(delivery.pickup.address)},
        "dropoff": {"address": plain(delivery.dropoff.address)},
        "cash": delivery.payment.cash_collect,
        "currency": offer.account.market.currency,
        "grams": delivery.parcel.weight_grams,
        "skills": [*map(plain, delivery.skills)],
        "by": _ms(delivery.deliver_by),
    }


def _stop(stop: DriverStop, shown_ids: ShownIds, demand: Demand) -> dict[str, Any]:
    delivery, is_pickup = stop.delivery, stop.kind is StopKind.PICKUP
    at = delivery.pickup if is_pickup else delivery.dropoff
    shown = shown_ids[stop.account.dialect](delivery.id)
    return {
        "about": str(stop.assignment.id),
        "kind": stop.kind,
        "state": stop.state,
        "address": plain(at.address),
        "name": at.name and plain(at.name),
        "phone": at.phone_e164,
        "note": _note(stop, at),
        "point": _point(at, stop.place),
        "by": _ms(delivery.pickup_by if is_pickup else delivery.deliver_by),
        "planned": None if stop.planned_at is None else _ms(stop.planned_at),
        "window": _window(delivery),
        "wanted_from": None if stop.wanted_from is None else _ms(stop.wanted_from),
        "tried": len(delivery.attempts),
        "may_leave": stop.may_be_left,
        "grams": delivery.parcel.weight_grams if is_pickup else None,
        "skills": [*map(plain, delivery.skills)],
        "cash": None if is_pickup else delivery.payment.cash_collect,
        "currency": stop.account.market.currency,
        "reference": delivery.reference or delivery.external_ref or shown,
        "codes": _codes(delivery, shown),
        "proofs": _proofs(stop, demand),
        "is_return": delivery.return_of is not None,
    }


def _ended(one: Carried) -> dict[str, Any]:
    """Returns where something was handed over, and whom to call of it for some time still."""
    at = one.delivery.dropoff
    return {
        "address": plain(at.address),
        "name": at.name and plain(at.name),
        "phone": at.phone_e164,
        "shown_until": _ms((one.assignment.ended_at or clock()) + CONTACTS_KEPT),
    }


def _window(delivery: Delivery) -> list[int] | None:
    """Returns from when to when it is brought instead of at the time that was promised first."""
    window = delivery.window
    return None if window is None else [_ms(window.start), _ms(window.end)]


def _codes(delivery: Delivery, shown: str) -> list[str]:
    """Returns what may be read on the parcel's label: its number, or the end of its link."""
    written = (delivery.reference, shown, delivery.external_ref)
    return [plain(text) for text in written if text]


def _proofs(stop: DriverStop, of_company: Demand) -> list[str]:
    """Returns what has still to be shown there, the PIN first."""
    is_dropoff = stop.kind is StopKind.DROPOFF
    stage = ProofStage.DROPOFF if is_dropoff else ProofStage.PICKUP
    if is_dropoff and stop.delivery.return_of is not None:
        stage = ProofStage.RETURN
    kinds = (stop.delivery.proof | of_company).at(stage) - {ProofKind.PIN}
    pin = ["pin"] if is_dropoff and stop.delivery.require_pin else []
    missing = {kind for kind in kinds if (stage, kind) not in stop.shown}
    return pin + [kind.value for kind in ProofKind if kind in missing]


def _cash(cash: CashInHand) -> dict[str, Any] | None:
    if not cash.room.in_hand and cash.handover is None:
        return None
    return {
        "in_hand": cash.room.in_hand,
        "limit": cash.room.limit,
        "declared": None if cash.handover is None else cash.handover.declared,
    }


def _message(message: DriverMessage, day: DriverDay) -> dict[str, Any]:
    shown = {
        "id": str(message.id),
        "text": plain_lines(message_text(message)),
        "at": _ms(message.created_at),
        "read": message.read_at is not None,
    }
    return shown if message.cause is None else shown | _taken(message.cause, message, day)


def _taken(why: Taken, message: DriverMessage, day: DriverDay) -> dict[str, Any]:
    """Returns what others have taken from the driver, the last ones by where they were."""
    shown = [day.taken[id] for id in reversed(message.taken) if id in day.taken]
    mine = {stop.delivery.id for stop in day.stops}
    return {
        "why": taken_text(why),
        "about": [str(id) for id in message.taken[-_MOST_ABOUT:]],
        "stops": [_was(one) | {"again": one.delivery.id in mine} for one in shown],
        "more": len(message.taken) - len(shown),
    }


def _was(one: Carried) -> dict[str, Any]:
    """Returns where the driver would have gone next with it, and whom it concerns no more."""
    delivery, is_on_board = one.delivery, one.assignment.picked_up_at is not None
    at = delivery.dropoff if is_on_board else delivery.pickup
    return {
        "about": str(one.assignment.id),
        "kind": StopKind.DROPOFF if is_on_board else StopKind.PICKUP,
        "address": plain(at.address),
        "reference": plain(delivery.reference or delivery.external_ref or "") or None,
        "on_board": is_on_board,
    }


async def have_read_messages(request: Request, visit: DriverVisit) -> Response:
    """Notes that the driver has had messages on the screen, until the one that is named.

    Refuses what another driver of this phone has read. (A page of the version before does not say
    whose they are.)
    """
    if visit.form.value("driver") not in ("", str(visit.driver.id)):
        raise HTTPException(409, Code.OTHER_DRIVER)
    try:
        until = UUID(hex=visit.form.value("until"))
    except ValueError:
        raise HTTPException(400) from None
    driver = visit.driver
    await have_read(visit.platform, driver.company_id, driver.id, until)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _note(stop: DriverStop, at: Stop) -> str | None:
    """Returns what helps to find a stop, a line each: the merchant's, the recipient's, a driver's.

    Then a better time, if the recipient has asked for one.
    """
    place, zone = stop.place, ZoneInfo(stop.account.market.time_zone)
    lines = [at.notes, place.landmark, place.note, place.hint]
    if place.wanted_from and place.wanted_until:
        begin, end = place.wanted_from.astimezone(zone), place.wanted_until.astimezone(zone)
        lines.append(f"{begin:%d.%m. %H:%M}–{end:%H:%M}")
    return "\n".join(plain(line) for line in lines if line) or None


def _point(at: Stop, place: StopPlace) -> list[float] | None:
    if place.point is not None:
        return [*place.point]
    if at.latitude is None or at.longitude is None:
        return None
    return [at.latitude, at.longitude]


def _ms(at: datetime) -> int:
    """Returns a time as scripts have it: milliseconds since 1970."""
    return round(at.timestamp() * 1000)

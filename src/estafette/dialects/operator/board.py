"""What dispatchers look at and steer: the board, dispatching, tours, messages, a driver's day."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from estafette.core.deliveries.places import PointUnreadable, read_point
from estafette.core.edition import edition_of
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.tour import StopKind, TourStop
from estafette.core.people.permission import PersonAct
from estafette.dialects.operator import mapping, schemas
from estafette.dialects.operator.accounts import in_edition
from estafette.dialects.operator.errors import understood
from estafette.dialects.operator.listing import mode_of
from estafette.dialects.operator.operations import Asked, Operation, read_id
from estafette.http.operations import json
from estafette.http.parameters import Unreadable, single
from estafette.http.reply import HttpReply
from estafette.usecases.deliveries.places import correct_place
from estafette.usecases.fleet.board import look_at_board
from estafette.usecases.fleet.bulk import OneOfMany, Taken, take_all_back
from estafette.usecases.fleet.dispatching_rules import dispatching_rules, set_dispatching_rules
from estafette.usecases.fleet.explanations import explain
from estafette.usecases.fleet.messages import messages_of, write
from estafette.usecases.fleet.reorder import PlannedStop, reorder, tour_of
from estafette.usecases.fleet.replay import replay
from estafette.usecases.platform import clock


async def _board(asked: Asked) -> HttpReply:
    mode = mode_of(asked.query)
    asked.must_be_read("mode")
    board = await look_at_board(asked.platform, (await asked.company()).id, mode)
    return json(
        200,
        {
            "drivers": [mapping.driver_on_board(one) for one in board.drivers],
            "deliveries": [mapping.delivery_on_board(one) for one in board.deliveries],
            "whole": board.is_whole,
        },
    )


async def _rules(asked: Asked) -> HttpReply:
    asked.must_be_read()
    return _ruled(await dispatching_rules(asked.platform, (await asked.company()).id))


async def _set_rules(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, company_id = asked.read(schemas.Dispatching), (await asked.company()).id
    rules = DispatchingRules(**wanted.model_dump())
    return _ruled(
        await set_dispatching_rules(asked.platform, company_id, rules, edition=asked.edition)
    )


def _ruled(rules: DispatchingRules) -> HttpReply:
    return in_edition(asdict(rules), edition_of(rules))


async def _decisions(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await explain(asked.platform, (await asked.company()).id, asked.id("delivery"))
    return json(200, {"data": [mapping.decision(one) for one in found.decisions], "next": None})


async def _take_back(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, company_id = asked.read(schemas.ManyTakenBack), (await asked.company()).id
    taken = [Taken(read_id(one, "delivery")) for one in wanted.deliveries]
    outcomes = await take_all_back(asked.platform, company_id, taken, wanted.reason)
    return json(200, {"data": [_outcome(one) for one in outcomes], "next": None})


def _outcome(of: OneOfMany) -> dict[str, Any]:
    return {
        "delivery_id": str(of.delivery_id),
        "taken_back": of.refusal is None,
        **refused(of),
    }


def refused(of: OneOfMany) -> dict[str, Any]:
    """Returns why one of several was left as it is; nulls where it was not."""
    refusal = of.refusal
    told = None if refusal is None else understood(refusal) or refusal
    return {
        "code": None if refusal is None else getattr(refusal, "code", "refused"),
        "reason": None if told is None else getattr(told, "reason", None) or str(refusal),
    }


async def _tour(asked: Asked) -> HttpReply:
    asked.must_be_read()
    driver = await asked.driver()
    return _toured(await tour_of(asked.platform, driver.company_id, driver.id))


async def _order_tour(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, driver = asked.read(schemas.TourOrder), await asked.driver()
    order = [
        PlannedStop(read_id(one.delivery_id, "delivery"), StopKind(one.kind))
        for one in wanted.stops
    ]
    return _toured(await reorder(asked.platform, driver.company_id, driver.id, order))


def _toured(stops: Sequence[TourStop]) -> HttpReply:
    return json(200, {"data": [mapping.tour_stop(one) for one in stops], "next": None})


async def _messages(asked: Asked) -> HttpReply:
    asked.must_be_read()
    driver = await asked.driver()
    found = await messages_of(asked.platform, driver.company_id, driver.id)
    return json(200, {"data": [mapping.message(one) for one in found], "next": None})


async def _write(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, driver = asked.read(schemas.NewMessage), await asked.driver()
    made = await write(asked.platform, driver.company_id, driver.id, wanted.text)
    return json(201, mapping.message(made))


async def _day(asked: Asked) -> HttpReply:
    day = asked.query.read("day", _date)
    asked.must_be_read("day")
    company, driver = await asked.company(), await asked.driver()
    zone = ZoneInfo(company.time_zone)
    day = day or clock().astimezone(zone).date()
    since = datetime.combine(day, time(), zone).astimezone(UTC)
    until = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    found = await replay(asked.platform, company.id, driver.id, since, until)
    return json(
        200,
        {
            "day": day.isoformat(),
            "track": [mapping.position(one) for one in found.track],
            "assignments": [mapping.assignment(one.assignment) for one in found.carried],
        },
    )


_EARLIEST, _LATEST = date(2000, 1, 1), date(9000, 1, 1)


def _date(values: list[str]) -> date:
    text = single(values)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Unreadable("must be a day such as 2026-03-01") from None
    if len(text) != 10 or not _EARLIEST <= day <= _LATEST:
        raise Unreadable("must be a day such as 2026-03-01")
    return day


async def _correct(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, company_id = asked.read(schemas.Correction), (await asked.company()).id
    driver_id = read_id(wanted.driver_id, "driver")
    point = read_point(wanted.point)
    if point is None:
        raise PointUnreadable
    of = (company_id, driver_id, asked.id("delivery"))
    await correct_place(asked.platform, *of, point, wanted.note)
    return HttpReply(204, b"", ())


_OF = "/v1/companies/{company}"
_DRIVER = f"{_OF}/drivers/{{driver}}"
_DELIVERY = f"{_OF}/deliveries/{{delivery}}"
_SEE, _STEER = PersonAct.ASSIGNMENTS_SEE, PersonAct.ASSIGNMENTS_MANAGE

OPERATIONS = (
    Operation("GET", f"{_OF}/board", _SEE, _board),
    Operation("GET", f"{_OF}/dispatching", PersonAct.COMPANIES_SEE, _rules),
    Operation("PUT", f"{_OF}/dispatching", PersonAct.DRIVERS_MANAGE, _set_rules),
    Operation("POST", f"{_OF}/take-backs", _STEER, _take_back),
    Operation("GET", f"{_DELIVERY}/decisions", _SEE, _decisions),
    Operation("PUT", f"{_DELIVERY}/place", _STEER, _correct),
    Operation("GET", f"{_DRIVER}/tour", _SEE, _tour),
    Operation("PUT", f"{_DRIVER}/tour", _STEER, _order_tour),
    Operation("GET", f"{_DRIVER}/messages", _STEER, _messages),
    Operation("POST", f"{_DRIVER}/messages", _STEER, _write),
    Operation("GET", f"{_DRIVER}/day", _SEE, _day),
)

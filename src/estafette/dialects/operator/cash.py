"""Cash in the hands of drivers: who has how much, handovers, statements."""

from typing import Any

from estafette.core.money.cash import Handover, HandoverState
from estafette.core.people.permission import PersonAct
from estafette.dialects.operator import mapping, schemas
from estafette.dialects.operator.errors import Conflict
from estafette.dialects.operator.listing import an_id, cursor, limit_of, mode_of, write_cursor
from estafette.dialects.operator.money import MOST_ENTRIES, period
from estafette.dialects.operator.operations import Asked, Operation, read_id
from estafette.http.operations import json
from estafette.http.parameters import Unreadable, single
from estafette.http.reply import HttpReply
from estafette.usecases.deliveries.find import find_anywhere
from estafette.usecases.money.cash import page_of_companies, page_of_drivers
from estafette.usecases.money.driver_statement import driver_entry_json, driver_statement
from estafette.usecases.money.handovers import (
    HandoverFilter,
    confirm_handover,
    declare_handover,
    find_handover,
    page_of_handovers,
    reverse_collection,
    reverse_handover,
    withdraw_handover,
)


async def _companies(asked: Asked) -> HttpReply:
    query = asked.query
    mode, after, limit = mode_of(query), query.read("cursor", cursor), limit_of(query)
    asked.must_be_read("mode", "cursor", "limit")
    page = await page_of_companies(asked.platform, mode, after, limit)
    return _list([mapping.cash_of_company(one) for one in page.companies], page.next)


async def _drivers(asked: Asked) -> HttpReply:
    query = asked.query
    mode, after, limit = mode_of(query), query.read("cursor", cursor), limit_of(query)
    asked.must_be_read("mode", "cursor", "limit")
    page = await page_of_drivers(asked.platform, (await asked.company()).id, mode, after, limit)
    return _list([mapping.cash_of_driver(one) for one in page.drivers], page.next)


async def _handovers(asked: Asked) -> HttpReply:
    query = asked.query
    mode, driver = mode_of(query), query.read("driver_id", an_id)
    state, after, limit = query.read("state", _state), query.read("cursor", cursor), limit_of(query)
    asked.must_be_read("mode", "driver_id", "state", "cursor", "limit")
    wanted = HandoverFilter((await asked.company()).id, mode, driver, state)
    page = await page_of_handovers(asked.platform, wanted, after, limit)
    data = [mapping.handover(one.handover, one.driver) for one in page.handovers]
    return _list(data, page.next)


async def _declare(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, company = asked.read(schemas.NewHandover), (await asked.company()).id
    driver = read_id(wanted.driver_id, "driver")
    made = await declare_handover(asked.platform, company, driver, wanted.amount)
    return json(201, mapping.handover(made))


async def _show(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await find_handover(asked.platform, asked.id("company"), asked.id("handover"))
    return _one(found)


async def _count(asked: Asked) -> HttpReply:
    asked.must_be_read()
    of, wanted = (asked.id("company"), asked.id("handover")), asked.read(schemas.Count)
    return _one(await confirm_handover(asked.platform, *of, wanted.counted, wanted.reason))


async def _withdraw(asked: Asked) -> HttpReply:
    asked.must_be_read()
    asked.read(schemas.Closed)
    of = (asked.id("company"), asked.id("handover"))
    return _one(await withdraw_handover(asked.platform, *of))


async def _reverse(asked: Asked) -> HttpReply:
    asked.must_be_read()
    of, wanted = (asked.id("company"), asked.id("handover")), asked.read(schemas.Reversal)
    return _one(await reverse_handover(asked.platform, *of, wanted.reason))


async def _reverse_collection(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted = asked.read(schemas.Reversal)
    found = await find_anywhere(asked.platform, asked.id("delivery"))
    await reverse_collection(asked.platform, found.scope, found.id, wanted.reason)
    return json(200, mapping.delivery(found))


async def _statement(asked: Asked) -> HttpReply:
    begin, end = period(asked)
    company, driver = asked.id("company"), asked.id("driver")
    found = await driver_statement(asked.platform, company, driver, begin, end)
    entries: list[dict[str, Any]] = []
    async for entry in found.entries():
        if len(entries) == MOST_ENTRIES:
            raise Conflict(
                "period_too_long", f"The period has more than {MOST_ENTRIES} entries: narrow it"
            )
        entries.append(driver_entry_json(entry, found.closing))
    value = {
        "company_id": str(company),
        "driver_id": str(driver),
        "driver": found.driver.name,
        "mode": found.driver.mode.value,
        "from": mapping.time_text(begin),
        "to": mapping.time_text(end),
        "opening": found.opening,
        "entries": entries,
        "closing": found.closing,
    }
    return json(200, value)


def _state(values: list[str]) -> HandoverState:
    try:
        return HandoverState(single(values))
    except ValueError:
        raise Unreadable(f"must be one of {', '.join(HandoverState)}") from None


def _list(data: list[dict[str, Any]], following: str | None) -> HttpReply:
    return json(200, {"data": data, "next": following and write_cursor(following)})


def _one(of: Handover) -> HttpReply:
    return json(200, mapping.handover(of))


_HANDOVERS = "/v1/companies/{company}/handovers"
_HANDOVER = f"{_HANDOVERS}/{{handover}}"

OPERATIONS = (
    Operation("GET", "/v1/cash", PersonAct.CASH_SEE, _companies),
    Operation("GET", "/v1/companies/{company}/cash", PersonAct.CASH_SEE, _drivers),
    Operation("GET", _HANDOVERS, PersonAct.CASH_SEE, _handovers),
    Operation("POST", _HANDOVERS, PersonAct.CASH_DECLARE, _declare),
    Operation("GET", _HANDOVER, PersonAct.CASH_SEE, _show),
    Operation("POST", f"{_HANDOVER}/count", PersonAct.CASH_COUNT, _count),
    Operation("POST", f"{_HANDOVER}/withdraw", PersonAct.CASH_DECLARE, _withdraw),
    Operation("POST", f"{_HANDOVER}/reverse", PersonAct.CASH_REVERSE, _reverse),
    Operation(
        "GET",
        "/v1/companies/{company}/drivers/{driver}/statement",
        PersonAct.CASH_SEE,
        _statement,
    ),
    Operation(
        "POST",
        "/v1/deliveries/{delivery}/reverse-collection",
        PersonAct.CASH_REVERSE,
        _reverse_collection,
    ),
)

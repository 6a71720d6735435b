"""Drivers of in-house companies, their shifts, who carries what; and who carries for an account."""

from datetime import timedelta
from typing import Any

from estafette.core.accounts.account import Account, Mode
from estafette.core.couriers.carriers import CarrierChoice, CarrierPolicy
from estafette.core.edition import edition_of
from estafette.core.fleet.driver import USUAL, Capacity, Driver, Vehicle
from estafette.core.people.permission import PersonAct
from estafette.dialects.operator import mapping, schemas
from estafette.dialects.operator.accounts import in_edition
from estafette.dialects.operator.board import refused
from estafette.dialects.operator.errors import NotThere
from estafette.dialects.operator.listing import id_cursor, limit_of, mode_of, write_cursor
from estafette.dialects.operator.operations import Asked, Operation, read_id
from estafette.http.operations import json
from estafette.http.refusals import Detail, InvalidRequest
from estafette.http.reply import HttpReply
from estafette.usecases.accounts.settings import account_with_settings
from estafette.usecases.couriers.carriers import carriers_of, drop_carriers, set_carriers
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.bulk import OneOfMany, Wanted, assign_all, offer_all
from estafette.usecases.fleet.drivers import (
    add_driver,
    change_driver,
    list_drivers,
    pause_driver,
    remove_driver,
)
from estafette.usecases.fleet.history import history_of
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.shifts import end_shift, start_shift
from estafette.usecases.fleet.take_back import take_back

_DEVICE = "the operator's API"
_GONE = HttpReply(204, b"", ())


async def _list(asked: Asked) -> HttpReply:
    query = asked.query
    mode, after, limit = mode_of(query), query.read("cursor", id_cursor), limit_of(query)
    asked.must_be_read("mode", "cursor", "limit")
    page = await list_drivers(asked.platform, (await asked.company()).id, mode, after, limit)
    data = [mapping.driver(one) for one in page.drivers]
    following = page.next and write_cursor(str(page.next))
    return json(200, {"data": data, "next": following})


async def _add(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, company_id = asked.read(schemas.NewDriver), (await asked.company()).id
    vehicle = Vehicle(wanted.vehicle)
    usual = USUAL[vehicle]
    made = await add_driver(
        asked.platform,
        company_id,
        name=wanted.name,
        phone_e164=wanted.phone,
        vehicle=vehicle,
        capacity=Capacity(
            wanted.capacity_grams or usual.grams, wanted.capacity_parcels or usual.parcels
        ),
        skills=wanted.skills or (),
        zones=wanted.zones or (),
        cash_limit=wanted.cash_limit,
        mode=Mode(wanted.mode),
    )
    return _one(made, 201)


async def _show(asked: Asked) -> HttpReply:
    asked.must_be_read()
    return _one(await asked.driver())


async def _change(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, before = asked.read(schemas.DriverChanges), await asked.driver()
    of = (asked.platform, before.company_id, before.id)
    changes = _changes(before, wanted)
    # With the edition that was read: what is left out of a capacity is what stood there.
    after = await change_driver(*of, asked.edition or edition_of(before), **changes)
    if wanted.paused is not None:
        after = await pause_driver(*of, paused=wanted.paused)
    return _one(after)


def _changes(before: Driver, wanted: schemas.DriverChanges) -> dict[str, Any]:
    """Returns what a body names, by the fields of `Driver`; null empties what can be empty."""
    facts: dict[str, Any] = {}
    if wanted.name is not None:
        facts["name"] = wanted.name
    if wanted.phone is not None:
        facts["phone_e164"] = wanted.phone
    vehicle = before.vehicle if wanted.vehicle is None else Vehicle(wanted.vehicle)
    kept, usual, said = before.capacity_in(vehicle), USUAL[vehicle], wanted.model_fields_set
    facts["vehicle"] = vehicle
    facts["capacity"] = Capacity(
        (wanted.capacity_grams or usual.grams) if "capacity_grams" in said else kept.grams,
        (wanted.capacity_parcels or usual.parcels) if "capacity_parcels" in said else kept.parcels,
    )
    for name in ("skills", "zones"):
        if name in wanted.model_fields_set:
            facts[name] = tuple(getattr(wanted, name) or ())
    if "cash_limit" in wanted.model_fields_set:
        facts["cash_limit"] = wanted.cash_limit
    return facts


async def _remove(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await asked.driver()
    await remove_driver(asked.platform, found.company_id, found.id, asked.edition)
    return _GONE


async def _start(asked: Asked) -> HttpReply:
    asked.must_be_read()
    asked.read(schemas.Closed)
    found = await asked.driver()
    shift = await start_shift(asked.platform, found.company_id, found.id, _DEVICE)
    return json(200, mapping.shift(shift))


async def _end(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await asked.driver()
    await end_shift(asked.platform, found.company_id, found.id)
    return _GONE


async def _history(asked: Asked) -> HttpReply:
    asked.must_be_read()
    company_id, delivery_id = (await asked.company()).id, asked.id("delivery")
    found = await history_of(asked.platform, company_id, delivery_id)
    return json(200, {"data": [mapping.assignment(one) for one in found], "next": None})


async def _give(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, company_id = asked.read(schemas.NewAssignment), (await asked.company()).id
    delivery_id, driver_id = asked.id("delivery"), read_id(wanted.driver_id, "driver")
    if wanted.offer_seconds is not None:
        if wanted.instead_of is not None or wanted.took_over:
            told = Detail("offer_seconds", "goes with neither instead_of nor took_over")
            raise InvalidRequest((told,))
        length = timedelta(seconds=wanted.offer_seconds)
        made = await offer(
            asked.platform, company_id, delivery_id, driver_id, length, wanted.reason
        )
    else:
        before = wanted.instead_of
        made = await assign(
            asked.platform,
            company_id,
            delivery_id,
            driver_id,
            instead_of=None if before is None else read_id(before, "driver"),
            took_over=wanted.took_over,
            reason=wanted.reason,
        )
    return json(201, mapping.assignment(made))


async def _take_back(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, company_id = asked.read(schemas.TakenBack), (await asked.company()).id
    of = None if wanted.driver_id is None else read_id(wanted.driver_id, "driver")
    found = await take_back(
        asked.platform, company_id, asked.id("delivery"), from_driver=of, reason=wanted.reason
    )
    return json(200, mapping.delivery(found))


async def _give_all(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, company_id = asked.read(schemas.NewAssignments), (await asked.company()).id
    rows = [
        Wanted(
            read_id(one.delivery_id, "delivery"),
            read_id(one.driver_id, "driver"),
            None if one.instead_of is None else read_id(one.instead_of, "driver"),
        )
        for one in wanted.assignments
    ]
    if wanted.offer_seconds is None:
        outcomes = await assign_all(asked.platform, company_id, rows, wanted.reason)
    elif any(one.instead_of for one in rows):
        raise InvalidRequest((Detail("offer_seconds", "does not go with instead_of"),))
    else:
        length = timedelta(seconds=wanted.offer_seconds)
        outcomes = await offer_all(asked.platform, company_id, rows, length, wanted.reason)
    return json(200, {"data": [_outcome(one) for one in outcomes], "next": None})


def _outcome(of: OneOfMany) -> dict[str, Any]:
    """Returns what happened to one of several."""
    return {
        "delivery_id": str(of.delivery_id),
        "assigned": of.refusal is None,
        **refused(of),
    }


async def _show_carriers(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await carriers_of(asked.platform, await _account(asked))
    if found is None:
        raise NotThere("policy: nobody carries for this account by itself")
    return _policy(found)


async def _set_carriers(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted, account = asked.read(schemas.Carriers), await _account(asked)
    ids = [read_id(id, "courier company") for id in wanted.companies]
    choice, edition = CarrierChoice(wanted.choice), asked.edition
    return _policy(await set_carriers(asked.platform, account, choice, ids, edition=edition))


async def _drop_carriers(asked: Asked) -> HttpReply:
    asked.must_be_read()
    await drop_carriers(asked.platform, await _account(asked), asked.edition)
    return _GONE


def _policy(of: CarrierPolicy) -> HttpReply:
    value = {"choice": of.choice.value, "companies": [str(id) for id in of.companies]}
    return in_edition(value, edition_of(of))


async def _account(asked: Asked) -> Account:
    return (await account_with_settings(asked.platform, asked.id("account"))).account


def _one(of: Driver, status: int = 200) -> HttpReply:
    return in_edition(mapping.driver(of), edition_of(of), status)


_OF = "/v1/companies/{company}"
_DRIVERS = f"{_OF}/drivers"
_DRIVER = f"{_DRIVERS}/{{driver}}"
_DELIVERY = f"{_OF}/deliveries/{{delivery}}"
_CARRIERS = "/v1/accounts/{account}/carriers"
_SEE, _MANAGE = PersonAct.DRIVERS_SEE, PersonAct.DRIVERS_MANAGE

OPERATIONS = (
    Operation("GET", _DRIVERS, _SEE, _list),
    Operation("POST", _DRIVERS, _MANAGE, _add),
    Operation("GET", _DRIVER, _SEE, _show),
    Operation("PATCH", _DRIVER, _MANAGE, _change),
    Operation("DELETE", _DRIVER, _MANAGE, _remove),
    Operation("PUT", f"{_DRIVER}/shift", PersonAct.ASSIGNMENTS_MANAGE, _start),
    Operation("DELETE", f"{_DRIVER}/shift", PersonAct.ASSIGNMENTS_MANAGE, _end),
    Operation("POST", f"{_OF}/assignments", PersonAct.ASSIGNMENTS_MANAGE, _give_all),
    Operation("GET", f"{_DELIVERY}/assignments", PersonAct.ASSIGNMENTS_SEE, _history),
    Operation("POST", f"{_DELIVERY}/assignments", PersonAct.ASSIGNMENTS_MANAGE, _give),
    Operation("POST", f"{_DELIVERY}/take-back", PersonAct.ASSIGNMENTS_MANAGE, _take_back),
    Operation("GET", _CARRIERS, PersonAct.ACCOUNTS_SEE, _show_carriers),
    Operation("PUT", _CARRIERS, PersonAct.ACCOUNTS_MANAGE, _set_carriers),
    Operation("DELETE", _CARRIERS, PersonAct.ACCOUNTS_MANAGE, _drop_carriers),
)

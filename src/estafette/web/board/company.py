"""The company itself, as its people see it: what the operator sets, and how it dispatches."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from estafette.core.couriers.hours_text import hours_text
from estafette.core.edition import EditedMeanwhileError, edition_of
from estafette.core.fleet.dispatching import BOUNDS, DispatchingRules
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.people.permission import PersonAct
from estafette.http.formats import number
from estafette.http.phones import readable
from estafette.http.shell import Tone
from estafette.http.texts import N_, gettext
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.fleet.dispatching_rules import dispatching_rules, set_dispatching_rules
from estafette.usecases.fleet.speeds import known_speeds
from estafette.web import failing
from estafette.web.board.drivers import vehicle_name
from estafette.web.board.words import said_of
from estafette.web.parts import Column
from estafette.web.visit import Visit, render

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

_RULES: Final = {
    "offer_seconds": (N_("Seconds to answer an offer"), ""),
    "rounds": (N_("Drivers who are asked before it stalls"), ""),
    "most_each": (N_("Deliveries of one driver at a time"), N_("Offers are counted too.")),
    "vanish_minutes": (
        N_("Minutes without a sign of life"),
        N_("What the driver has not picked up is offered to others then."),
    ),
}

_HOURS: Final = {
    "busy": N_("in the morning and the evening"),
    "day": N_("by day"),
    "night": N_("at night"),
}


async def show(request: Request, visit: Visit) -> Response:
    """Shows the company's zones, hours and limits, how it dispatches, and what may fail."""
    return await _shown(visit)


async def set_rules(request: Request, visit: Visit) -> Response:
    """Sets whether and how the company dispatches by itself."""
    typed = {name: visit.form.value(name) for name in ("automatic", *_RULES)}
    wanted, faults = _read(typed)
    if faults:
        return await _shown(visit, typed, faults, 422)

    async def do() -> Response:
        try:
            changed = DispatchingRules(automatic=typed["automatic"] == "yes", **wanted)
            await set_dispatching_rules(visit.platform, visit.company.id, changed)
        except FleetRefusal as refusal:
            return visit.go(visit.path, said_of(refusal), Tone.BAD)
        return visit.go(visit.path, gettext("This is how it dispatches from now on."))

    return await visit.once(do, otherwise=visit.path)


async def say_failing(request: Request, visit: Visit) -> Response:
    """Sets what becomes of parcels that cannot be handed over, and which windows are offered."""
    here, form = f"{visit.home}/company", visit.form
    windows, faults = failing.windows_in(form)
    typed = {name: form.value(name) for name in failing.FIELDS}
    policy = None
    try:
        policy = failing.policy_in(form)
    except ValueError:
        faults["attempts"] = gettext("Choose among what is offered.")
    if windows is None or faults:
        return await _shown(visit, typed, faults, 422)

    async def do() -> Response:
        company = visit.company
        able = replace(company.capabilities, failing=policy, windows=windows)
        try:
            wanted = replace(company, capabilities=able)
            await save_company(visit.platform, wanted, form.value("edition"))
        except EditedMeanwhileError:
            text = gettext("Somebody else has changed this meanwhile. Look at it, and send again.")
            return visit.go(here, text, Tone.BAD)
        return visit.go(here, gettext("This holds from now on."))

    return await visit.once(do, otherwise=here)


async def _shown(
    visit: Visit,
    typed: Mapping[str, str] = _NOTHING,
    faults: Mapping[str, str] = _NOTHING,
    status: int = 200,
) -> Response:
    """Shows the page with what was typed into one of its forms, and what is wrong with it."""
    rules = asdict(await dispatching_rules(visit.platform, visit.company.id))
    automatic = "yes" if rules["automatic"] else ""
    able = visit.company.capabilities
    return render(
        visit,
        "web/board/templates/company.html",
        status=status,
        company=visit.company,
        hours=hours_text(visit.company.hours),
        phone=visit.company.phone_e164 and readable(visit.company.phone_e164),
        is_automatic=typed.get("automatic", automatic) == "yes",
        fields=[
            (
                name,
                gettext(label),
                hint and gettext(hint),
                typed.get(name, str(rules[name])),
                faults.get(name),
            )
            for name, (label, hint) in _RULES.items()
        ],
        speeds=await known_speeds(visit.platform, visit.company),
        speed_columns=_speed_columns(),
        vehicle_name=vehicle_name,
        hours_name=_hours_name,
        may_manage=visit.may(PersonAct.DRIVERS_MANAGE),
        may_say=visit.may(PersonAct.COMPANIES_MANAGE),
        edition=edition_of(visit.company),
        policy=None if able.failing is None else failing.policy_text(able.failing),
        values={**failing.fields_of(able.failing), **typed},
        faults=faults,
        attempts=failing.attempt_choices(),
        follows=failing.follow_choices(),
        windows=failing.window_fields(able.windows, typed, faults),
    )


def _hours_name(hours: str) -> str:
    return gettext(_HOURS[hours])


def _speed_columns() -> tuple[Column, ...]:
    return (
        Column("vehicle", gettext("Vehicle")),
        Column("city", gettext("City")),
        Column("hours", gettext("When"), "quiet"),
        Column("kmh", gettext("km an hour"), "number"),
        Column("usual", gettext("Usually"), "number"),
        Column("legs", gettext("Ways"), "number"),
    )


def _read(typed: dict[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """Returns the numbers that were typed, and by the field what is wrong with them."""
    numbers: dict[str, int] = {}
    faults: dict[str, str] = {}
    for name in _RULES:
        text = typed[name]
        least, most = BOUNDS[name]
        if text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most:
            numbers[name] = int(text)
        else:
            faults[name] = gettext(
                "A number from %(least)s to %(most)s.", least=number(least), most=number(most)
            )
    return numbers, faults

"""The company itself, as its people see it: what the operator sets, and how it dispatches."""

from dataclasses import asdict, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

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
from estafette.web.session import SAFE
from estafette.web.visit import Visit, render

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
    """Shows the company's zones, hours and limits, and how it dispatches; saves the latter."""
    rules = await dispatching_rules(visit.platform, visit.company.id)
    speeds = await known_speeds(visit.platform, visit.company)
    typed = {name: str(value) for name, value in asdict(rules).items()}
    is_automatic = rules.automatic

    def shown(faults: dict[str, str], status: int = 200) -> Response:
        fields = [
            (name, gettext(label), hint and gettext(hint), typed[name], faults.get(name))
            for name, (label, hint) in _RULES.items()
        ]
        return render(
            visit,
            "web/board/templates/company.html",
            status=status,
            company=visit.company,
            phone=visit.company.phone_e164 and readable(visit.company.phone_e164),
            is_automatic=is_automatic,
            fields=fields,
            speeds=speeds,
            speed_columns=_speed_columns(),
            vehicle_name=vehicle_name,
            hours_name=_hours_name,
            may_manage=visit.may(PersonAct.DRIVERS_MANAGE),
            **_failing(visit),
        )

    if request.method in SAFE:
        return shown({})
    is_automatic = visit.form.value("automatic") == "yes"
    typed = {name: visit.form.value(name).strip() for name in _RULES}
    wanted, faults = _read(typed)
    if faults:
        return shown(faults, 422)

    async def do() -> Response:
        try:
            changed = DispatchingRules(automatic=is_automatic, **wanted)
            await set_dispatching_rules(visit.platform, visit.company.id, changed)
        except FleetRefusal as refusal:
            return visit.go(visit.path, said_of(refusal), Tone.BAD)
        return visit.go(visit.path, gettext("This is how it dispatches from now on."))

    return await visit.once(do, otherwise=visit.path)


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


def _failing(visit: Visit) -> dict[str, Any]:
    """Returns what the page shows of failed attempts and windows."""
    able = visit.company.capabilities
    return {
        "may_say": visit.may(PersonAct.COMPANIES_MANAGE),
        "edition": edition_of(visit.company),
        "policy": None if able.failing is None else failing.policy_text(able.failing),
        "values": failing.fields_of(able.failing),
        "attempts": failing.attempt_choices(),
        "follows": failing.follow_choices(),
        "windows": failing.window_fields(able.windows, {}, {}),
    }


async def say_failing(request: Request, visit: Visit) -> Response:
    """Sets what becomes of parcels that cannot be handed over, and which windows are offered."""
    here = f"{visit.home}/company"
    windows, faults = failing.windows_in(visit.form)
    try:
        policy = failing.policy_in(visit.form)
    except ValueError:
        faults["attempts"] = gettext("Choose among what is offered.")
        policy = None
    if windows is None or faults:
        return visit.go(here, " ".join(dict.fromkeys(faults.values())), Tone.BAD)

    async def do() -> Response:
        company = visit.company
        able = replace(company.capabilities, failing=policy, windows=windows)
        wanted, edition = replace(company, capabilities=able), visit.form.value("edition")
        try:
            await save_company(visit.platform, wanted, edition)
        except EditedMeanwhileError:
            text = gettext("Somebody else has changed this meanwhile. Look at it, and send again.")
            return visit.go(here, text, Tone.BAD)
        return visit.go(here, gettext("This holds from now on."))

    return await visit.once(do, otherwise=here)


def _read(typed: dict[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """Returns the numbers that were typed, and by the field what is wrong with them."""
    numbers: dict[str, int] = {}
    faults: dict[str, str] = {}
    for name, text in typed.items():
        least, most = BOUNDS[name]
        if text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most:
            numbers[name] = int(text)
        else:
            faults[name] = gettext(
                "A number from %(least)s to %(most)s.", least=number(least), most=number(most)
            )
    return numbers, faults

"""The board's pages and its navigation.

Paths are `/board/{company}/{mode}/…`: the company's id in hex, and `live` or `sandbox`. A page
that is added here is of an act (`core/people/permission.py`); one for the navigation has a line in
AREA besides.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from estafette.core.people.permission import PersonAct
from estafette.http.texts import N_
from estafette.web import cash
from estafette.web.areas import Area, Entry, Section
from estafette.web.board import company, deliveries, driver_day, drivers, live, news, steer
from estafette.web.people import team
from estafette.web.people.doors import choose_door
from estafette.web.visit import Page, Visit, page

BOARD: Final = "/board/{company}/{mode}"
_DELIVERY: Final = f"{BOARD}/deliveries/{{delivery}}"
_DRIVER: Final = f"{BOARD}/drivers/{{driver}}"
_POST: Final = ("POST",)
_BOTH: Final = ("GET", "POST")


async def _choose(request: Request, visit: Visit) -> Response:
    """Leads to the board of the person's company; lets them choose where there are several."""
    return choose_door(visit, "/board/", "web/board/templates/choose.html")


async def _enter(request: Request, visit: Visit) -> Response:
    """Leads to the company's real work; whose company it is, that page asks."""
    return RedirectResponse(f"/board/{request.path_params['company']}/live", 303)


ROUTES: Final[tuple[Page, ...]] = (
    page("/board", PersonAct.PROFILE_MANAGE, _choose),
    page("/board/{company}", PersonAct.PROFILE_MANAGE, _enter),
    page(BOARD, PersonAct.ASSIGNMENTS_SEE, live.show),
    page(f"{BOARD}/news", PersonAct.ASSIGNMENTS_SEE, news.follow),
    page(f"{BOARD}/assign", PersonAct.ASSIGNMENTS_MANAGE, steer.steer, _POST),
    page(_DELIVERY, PersonAct.DELIVERIES_SEE, deliveries.show),
    page(f"{_DELIVERY}/unlock", PersonAct.PINS_UNLOCK, deliveries.unlock, _POST),
    page(f"{_DELIVERY}/took-over", PersonAct.ASSIGNMENTS_MANAGE, deliveries.took_over, _POST),
    page(f"{BOARD}/drivers", PersonAct.DRIVERS_SEE, drivers.show),
    page(f"{BOARD}/drivers/add", PersonAct.DRIVERS_MANAGE, drivers.add, _BOTH),
    page(_DRIVER, PersonAct.DRIVERS_MANAGE, drivers.edit, _BOTH),
    page(f"{_DRIVER}/day", PersonAct.ASSIGNMENTS_SEE, driver_day.show),
    page(f"{_DRIVER}/message", PersonAct.ASSIGNMENTS_MANAGE, driver_day.write_to, _POST),
    page(f"{_DRIVER}/pause", PersonAct.DRIVERS_MANAGE, drivers.pause, _POST),
    page(f"{_DRIVER}/remove", PersonAct.DRIVERS_MANAGE, drivers.remove, _POST),
    page(f"{_DRIVER}/shift", PersonAct.DRIVERS_MANAGE, drivers.shift, _POST),
    *cash.pages_of(f"{BOARD}/cash"),
    page(f"{BOARD}/company", PersonAct.COMPANIES_SEE, company.show),
    page(f"{BOARD}/company", PersonAct.DRIVERS_MANAGE, company.set_rules, _POST),
    page(f"{BOARD}/company/failing", PersonAct.COMPANIES_MANAGE, company.say_failing, _POST),
    *team.pages(BOARD, has_audit=False),
)

AREA: Final = Area(
    N_("Board"),
    (
        Section(
            "",
            (
                Entry("", N_("Board"), "route", PersonAct.ASSIGNMENTS_SEE),
                Entry("/drivers", N_("Drivers"), "users", PersonAct.DRIVERS_SEE),
                Entry("/cash", N_("Cash of drivers"), "hand-coins", PersonAct.CASH_SEE),
            ),
        ),
        Section(
            N_("Company"),
            (
                Entry("/company", N_("Settings"), "truck", PersonAct.COMPANIES_SEE),
                Entry("/team", N_("Team"), "users", PersonAct.TEAM_SEE),
            ),
        ),
    ),
)
"""Its navigation. Sections and entries stand in the order in which they are shown."""

"""The office's pages and its navigation.

A page that is added here is of an act (`core/people/permission.py`); one for the navigation has a
line in AREA besides.
"""

from typing import Final

from estafette.core.people.permission import PersonAct
from estafette.http.texts import N_
from estafette.web.areas import Area, Entry, Section
from estafette.web.office import accounts, companies, overview, tariffs
from estafette.web.office import people as everybody
from estafette.web.people import team
from estafette.web.visit import Page, page

OFFICE: Final = "/office"

ROUTES: Final[tuple[Page, ...]] = (
    page(OFFICE, PersonAct.OVERVIEW_SEE, overview.show),
    *accounts.pages(OFFICE),
    *everybody.pages(OFFICE),
    *tariffs.pages(OFFICE),
    *companies.pages(OFFICE),
    *team.pages(OFFICE),
)

AREA: Final = Area(
    N_("Office"),
    (
        Section(
            "",
            (Entry("", N_("Overview"), "layout-dashboard", PersonAct.OVERVIEW_SEE),),
        ),
        Section(
            N_("Manage"),
            (
                Entry("/accounts", N_("Accounts"), "store", PersonAct.ACCOUNTS_SEE),
                Entry("/people", N_("People"), "users", PersonAct.PEOPLE_SEE),
                Entry("/companies", N_("Courier companies"), "truck", PersonAct.COMPANIES_SEE),
                Entry("/tariffs", N_("Price lists"), "receipt-text", PersonAct.TARIFFS_SEE),
            ),
        ),
        Section(
            N_("Organisation"),
            (
                Entry("/team", N_("Team"), "users", PersonAct.TEAM_SEE),
                Entry("/audit", N_("Audit"), "history", PersonAct.AUDIT_SEE),
            ),
        ),
    ),
)
"""Its navigation. Sections and entries stand in the order in which they are shown."""

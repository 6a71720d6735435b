"""The office's pages and its navigation.

A page that is added here is of an act (`core/people/permission.py`); one for the navigation has a
line in AREA besides.
"""

from typing import Final

from estafette.core.people.permission import PersonAct
from estafette.http.texts import N_
from estafette.web import cash
from estafette.web.areas import Area, Entry, Section
from estafette.web.office import (
    accounts,
    carriers,
    companies,
    deliveries,
    health,
    money,
    overview,
    payments,
    tariffs,
)
from estafette.web.office import people as everybody
from estafette.web.people import team
from estafette.web.visit import Page, page

OFFICE: Final = "/office"
_DELIVERY: Final = f"{deliveries.DELIVERIES}/{{delivery}}"
_POST: Final = ("POST",)

ROUTES: Final[tuple[Page, ...]] = (
    page(OFFICE, PersonAct.OVERVIEW_SEE, overview.show),
    *accounts.pages(OFFICE),
    *carriers.pages(OFFICE),
    *everybody.pages(OFFICE),
    *tariffs.pages(OFFICE),
    *companies.pages(OFFICE),
    page(payments.PAYMENTS, PersonAct.PAYMENTS_SEE, payments.show),
    page(f"{payments.PAYMENTS}/confirm", PersonAct.PAYMENTS_CONFIRM, payments.confirm, _POST),
    page(money.MONEY, PersonAct.STATEMENTS_SEE, money.show),
    page(f"{money.MONEY}/statement.csv", PersonAct.STATEMENTS_SEE, money.download),
    page(f"{money.MONEY}/settle", PersonAct.PAYMENTS_SETTLE, money.settle, _POST),
    page(f"{money.MONEY}/pay-out", PersonAct.PAYMENTS_PAY_OUT, money.pay_out, _POST),
    *cash.pages_of_office(),
    page(deliveries.DELIVERIES, PersonAct.DELIVERIES_SEE, deliveries.show),
    page(_DELIVERY, PersonAct.DELIVERIES_SEE, deliveries.show_one),
    page(f"{_DELIVERY}/move", PersonAct.DELIVERIES_MOVE, deliveries.move, _POST),
    page(f"{_DELIVERY}/carry", PersonAct.DELIVERIES_MOVE, deliveries.carry, _POST),
    page(f"{_DELIVERY}/settle", PersonAct.DELIVERIES_RELEASE, deliveries.settle, _POST),
    page(f"{_DELIVERY}/unlock", PersonAct.PINS_UNLOCK, deliveries.unlock, _POST),
    page(f"{OFFICE}/platforms", PersonAct.PLATFORMS_SEE, health.show_platforms),
    page(f"{OFFICE}/health", PersonAct.HEALTH_SEE, health.show),
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
            N_("Operation"),
            (
                Entry("/deliveries", N_("Deliveries"), "package", PersonAct.DELIVERIES_SEE),
                Entry("/payments", N_("Payments"), "banknote", PersonAct.PAYMENTS_SEE),
                Entry("/money", N_("Money"), "wallet", PersonAct.STATEMENTS_SEE),
                Entry("/cash", N_("Cash of drivers"), "hand-coins", PersonAct.CASH_SEE),
                Entry("/platforms", N_("Platforms"), "plug", PersonAct.PLATFORMS_SEE),
                Entry("/health", N_("Health"), "activity", PersonAct.HEALTH_SEE),
            ),
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

"""Every page of drivers, made from the pages themselves: for nobody, and from a foreign website."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.routing import Route

from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import PersonAct, Role, may
from estafette.web.driver import PREFIX, ROUTES, DriverPages
from estafette.web.driver.visit import DriverPage
from estafette.web.session import SAFE
from estafette.web.visit import Access
from tests.serving import running
from tests.web.drivers import DriverStage, driver_stage
from tests.web.people import at_browser

OPEN = {
    "/driver/static/{edition}/{name}",
    "/driver/worker.js",
    "/driver/page.webmanifest",
}
"""What is no page: files for everybody."""


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn) as server:
        yield await driver_stage(server)


def _methods(route: DriverPage) -> list[str]:
    return sorted((route.methods or set[str]()) - {"HEAD"})


async def test_every_page_names_its_act_which_drivers_may_do(stage: DriverStage) -> None:
    served = DriverPages(stage.server.platform, {}).starlette.routes
    pages = [route for route in served if isinstance(route, DriverPage)]
    assert pages == list(ROUTES)
    others = {route.path for route in served if isinstance(route, Route)}
    assert others - {page.path for page in pages} == OPEN
    for page in ROUTES:
        assert page.path.startswith(PREFIX)
        if page.act not in (Access.ANYBODY,):
            assert isinstance(page.act, PersonAct)
            assert may(Role.DRIVER, OrganisationKind.COMPANY, page.act)


async def test_who_is_not_signed_in_comes_to_sign_in(stage: DriverStage) -> None:
    nobody = at_browser(stage.server)
    for page in ROUTES:
        if isinstance(page.act, PersonAct) and not page.of_scripts:
            for method in _methods(page):
                ask = nobody.get if method in SAFE else nobody.send
                answer = await ask(page.path)
                said = f"{method} {page.path}"
                assert (answer.status, answer.headers["location"]) == (303, "/driver/sign-in"), said


async def test_a_form_of_another_website_does_nothing(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    shown = "; ".join(f"{name}={value}" for name, value in ze.cookies.items())
    for page in ROUTES:
        if "POST" in _methods(page):
            for foreign in (
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {},
            ):
                headers = {"Cookie": shown, **foreign}
                answer = await stage.server.request("POST", page.path, b"x=1", headers)
                assert answer.status == 403, f"{page.path} {foreign}"
    assert (await ze.day())["shift"] is not None


async def test_every_page_takes_what_nobody_expects_without_a_fault_of_ours(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    for page in ROUTES:
        if page.path in ("/driver/sign-out", "/driver/app"):
            continue
        bodies: list[Any] = [None, [], {}, {"driver": str(ze.driver.id)}, "\ud800", 10**400]
        for body in bodies:
            if "POST" in _methods(page):
                answer = await ze.post(page.path, body)
                assert 300 <= answer.status < 500, f"{page.path} {body!r}: {answer.status}"

"""Every page for every role: made from the pages themselves and the table of acts.

A page that is added is tested by this without a further line.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from yarl import URL

from estafette.core.audit import AuditedAct
from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import ROLES, PersonAct, Role, guest_role, may
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.web.app import PREFIXES, ROUTES, PeoplePages
from estafette.web.session import SAFE
from estafette.web.visit import Access, Page
from tests.edges import KASPI
from tests.serving import Server, Tenant, delivery_id, running
from tests.web.people import FORM, OUR_PAGE, PersonAtBrowser, at_browser, sign_in

PLATFORM, ACCOUNT = OrganisationKind.PLATFORM, OrganisationKind.ACCOUNT
BY_ACT = [route for route in ROUTES if isinstance(route.act, PersonAct)]
OF_PLACES = [route for route in BY_ACT if route.act is not PersonAct.PROFILE_MANAGE]


@dataclass
class Stage:
    """Two accounts, and somebody of every role."""

    server: Server
    own: Tenant
    other: Tenant
    of_platform: dict[Role, PersonAtBrowser] = field(default_factory=dict[Role, PersonAtBrowser])
    of_account: dict[Role, PersonAtBrowser] = field(default_factory=dict[Role, PersonAtBrowser])

    def path(self, route: Page, **ids: str) -> str:
        """The path of a page of the first account; what it is of else is nobody's, or `ids`."""
        named = {"account": self.own.account.id.hex, "mode": "sandbox", **ids}
        return route.path.format_map(_Filled(named))


class _Filled(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return uuid4().hex


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[Stage]:
    """The real server, with people."""
    async with running(postgres_dsn) as server:
        made = Stage(server, await server.tenant(KASPI), await server.tenant(KASPI))
        for role in ROLES[PLATFORM]:
            made.of_platform[role] = await sign_in(server, None, role)
        for role in ROLES[ACCOUNT]:
            made.of_account[role] = await sign_in(server, made.own.account, role)
        yield made


async def status_of(
    who: PersonAtBrowser, method: str, path: str, headers: Mapping[str, str] = OUR_PAGE
) -> tuple[int, str]:
    """The status and the `Location` of an answer, whose body may never end."""
    body = None if method in SAFE else f"once={uuid4().hex}".encode()
    sent = {"Content-Type": FORM, **headers} if body else dict(headers)
    if who.cookies:
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
    url = URL(f"{who.server.url}{path}", encoded=True)
    async with who.server.session.request(
        method, url, data=body, headers=sent, allow_redirects=False
    ) as response:
        return response.status, response.headers.get("location", "")


def methods_of(route: Page) -> list[str]:
    """The methods of a page; HEAD is as GET."""
    return sorted((route.methods or set[str]()) - {"HEAD"})


def _is_console(route: Page) -> bool:
    return route.path.startswith("/console/{account}/{mode}")


async def test_every_page_names_its_act(stage: Stage) -> None:
    application = PeoplePages(stage.server.platform).starlette
    assert isinstance(application, Starlette)
    assert list(application.routes) == list(ROUTES)
    for route in ROUTES:
        assert isinstance(route, Page), f"{route} is no page"
        assert isinstance(route.act, PersonAct | Access), f"{route.path} names no act"
        assert route.path.startswith(PREFIXES), f"{route.path} is not mounted"
    named = {(route.path, method) for route in ROUTES for method in methods_of(route)}
    assert len(named) == sum(len(methods_of(route)) for route in ROUTES), "a path is served twice"


async def test_who_is_not_signed_in_comes_to_sign_in(stage: Stage) -> None:
    nobody = at_browser(stage.server)
    for route in BY_ACT:
        for method in methods_of(route):
            status, place = await status_of(nobody, method, stage.path(route))
            assert (status, place.partition("?")[0]) == (303, "/sign-in"), f"{method} {route.path}"


@pytest.mark.parametrize("role", ROLES[ACCOUNT])
async def test_an_accounts_people_may_do_what_the_table_says(stage: Stage, role: Role) -> None:
    who = stage.of_account[role]
    for route in OF_PLACES:
        allowed = may(role, ACCOUNT, _act(route)) if _is_console(route) else None
        await _check(stage, who, route, allowed)


@pytest.mark.parametrize("role", ROLES[PLATFORM])
async def test_the_platforms_people_may_do_what_the_table_says(stage: Stage, role: Role) -> None:
    who = stage.of_platform[role]
    for route in OF_PLACES:
        if _is_console(route):
            guest = guest_role(role, ACCOUNT)
            allowed = None if guest is None else may(guest, ACCOUNT, _act(route))
        else:
            allowed = may(role, PLATFORM, _act(route))
        await _check(stage, who, route, allowed)


async def _check(stage: Stage, who: PersonAtBrowser, route: Page, allowed: bool | None) -> None:
    """None: the page is of an organisation that is not theirs."""
    for method in methods_of(route):
        status, place = await status_of(who, method, stage.path(route))
        said = f"{method} {route.path} for {who.role}: {status}"
        if allowed is None:
            assert status == 404, said
        elif allowed:
            assert status < 500, said
            assert status != 403, said
            assert not place.startswith("/sign-in"), said
        else:
            assert status == 403, said


async def test_a_form_that_a_role_may_not_send_is_in_the_audit(stage: Stage) -> None:
    who = stage.of_account[Role.VIEWER]
    forged = [
        route
        for route in OF_PLACES
        if _is_console(route) and "POST" in methods_of(route)
        and not may(Role.VIEWER, ACCOUNT, _act(route))
    ]  # fmt: skip
    assert forged
    for route in forged:
        await status_of(who, "POST", stage.path(route))
    wanted = AuditFilter(account_id=stage.own.account.id, act=AuditedAct.ACT_REFUSED)
    found = await list_entries(stage.server.platform, wanted, None, 200)
    assert who.person is not None
    assert {entry.by.name for entry in found.entries} == {str(who.person.id)}
    assert sorted(entry.changes["act"] for entry in found.entries) == sorted(map(_act, forged))


async def test_a_form_of_another_website_does_nothing(stage: Stage) -> None:
    who = stage.of_account[Role.OWNER]
    for route in ROUTES:
        for method in set(methods_of(route)) - SAFE:
            for foreign in (
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {},
            ):
                status, _ = await status_of(who, method, stage.path(route), foreign)
                assert status == 403, f"{method} {route.path} {foreign}"


async def test_what_is_of_another_account_is_not_there(stage: Stage) -> None:
    """With each id of the other account in each place of a path where one belongs."""
    shown = await stage.other.create()
    member = await sign_in(stage.server, stage.other.account, Role.VIEWER)
    assert member.person is not None
    ids = [delivery_id(shown), member.person.id, stage.other.account.id]
    texts = [shown, *(id.hex for id in ids), *map(str, ids), *_keys(stage.other)]
    who = stage.of_account[Role.OWNER]
    for route in OF_PLACES:
        places = set(route.param_convertors) - {"account", "mode"}
        if not _is_console(route) or not places:
            continue
        for text in texts:
            path = stage.path(route, **dict.fromkeys(places, text))
            for method in methods_of(route):
                status, _ = await status_of(who, method, path)
                assert 400 <= status < 500, f"{method} {path}: {status}"


def _keys(tenant: Tenant) -> list[str]:
    return [key[-4:] for key in tenant.keys.values()]


def _act(route: Page) -> PersonAct:
    assert isinstance(route.act, PersonAct)
    return route.act

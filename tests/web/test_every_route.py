"""Every page for every role: made from the pages themselves and the table of acts.

A page that is added is tested by this without a further line.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from starlette.applications import Starlette
from yarl import URL

from estafette.core.audit import AuditedAct
from estafette.core.people.organisation import OrganisationKind
from estafette.core.people.permission import ROLES, PersonAct, Role, guest_may, guest_role, may
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.web.app import PREFIXES, ROUTES, PeoplePages
from estafette.web.session import SAFE
from estafette.web.visit import Access, Page
from tests.edges import KASPI
from tests.serving import Server, Tenant, delivery_id, running
from tests.web.people import (
    FORM,
    OUR_PAGE,
    PersonAtBrowser,
    at_browser,
    new_company,
    sign_in,
    sign_in_at_company,
)

PLATFORM, ACCOUNT, COMPANY = OrganisationKind
PREFIX = {ACCOUNT: "/console/{account}/{mode}", COMPANY: "/board/{company}/{mode}"}
BY_ACT = [route for route in ROUTES if isinstance(route.act, PersonAct)]
OF_PLACES = [route for route in BY_ACT if route.act is not PersonAct.PROFILE_MANAGE]


@dataclass
class Stage:
    """Two accounts and two companies, and somebody of every role."""

    server: Server
    own: Tenant
    other: Tenant
    of_platform: dict[Role, PersonAtBrowser] = field(default_factory=dict[Role, PersonAtBrowser])
    of_account: dict[Role, PersonAtBrowser] = field(default_factory=dict[Role, PersonAtBrowser])
    of_company: dict[Role, PersonAtBrowser] = field(default_factory=dict[Role, PersonAtBrowser])
    companies: tuple[UUID, ...] = ()

    def of(self, kind: OrganisationKind) -> dict[Role, PersonAtBrowser]:
        """The people of the platform, of the first account, or of the first company."""
        return {PLATFORM: self.of_platform, ACCOUNT: self.of_account, COMPANY: self.of_company}[
            kind
        ]

    def path(self, route: Page, **ids: str) -> str:
        """The path of a page of the first of its kind; what else is in it is nobody's, or `ids`."""
        named = {
            "account": self.own.account.id.hex,
            "company": self.companies[0].hex,
            "mode": "sandbox",
            **ids,
        }
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
        made.companies = (await new_company(server), await new_company(server))
        for role in ROLES[COMPANY]:
            made.of_company[role] = await sign_in_at_company(server, made.companies[0], role)
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


def kind_of(route: Page) -> OrganisationKind:
    """The kind of organisation that a page is of."""
    begins = (kind for kind, prefix in PREFIX.items() if route.path.startswith(prefix))
    return next(begins, PLATFORM)


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


@pytest.mark.parametrize(("kind", "role"), [(kind, role) for kind in ROLES for role in ROLES[kind]])
async def test_everybody_may_do_what_the_table_says(
    stage: Stage, kind: OrganisationKind, role: Role
) -> None:
    who = stage.of(kind)[role]
    for route in OF_PLACES:
        place = kind_of(route)
        allowed = None
        if place is kind:
            allowed = may(role, place, _act(route))
        elif kind is PLATFORM and guest_role(role, place) is not None:
            allowed = guest_may(role, place, _act(route))
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
        if kind_of(route) is ACCOUNT and "POST" in methods_of(route)
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


async def test_what_is_of_another_account_or_company_is_not_there(stage: Stage) -> None:
    """With each id of the others in each place of a path where one belongs."""
    shown = await stage.other.create()
    member = await sign_in(stage.server, stage.other.account, Role.VIEWER)
    dispatcher = await sign_in_at_company(stage.server, stage.companies[1], Role.DISPATCHER)
    assert member.person is not None
    assert dispatcher.person is not None
    ids = [delivery_id(shown), member.person.id, dispatcher.person.id, stage.other.account.id]
    texts = [shown, *(id.hex for id in ids), *map(str, ids), *_keys(stage.other)]
    for route in OF_PLACES:
        kind = kind_of(route)
        places = set(route.param_convertors) - {"account", "company", "mode"}
        if kind is PLATFORM or not places:
            continue
        who = stage.of(kind)[ROLES[kind][0]]
        for text in texts:
            path = stage.path(route, **dict.fromkeys(places, text))
            for method in methods_of(route):
                status, _ = await status_of(who, method, path)
                assert 400 <= status < 500, f"{method} {path}: {status}"


async def test_nobody_comes_to_the_board_of_another_company(stage: Stage) -> None:
    who, other = stage.of_company[Role.MANAGER], stage.companies[1]
    for route in OF_PLACES:
        if kind_of(route) is COMPANY:
            for method in methods_of(route):
                status, _ = await status_of(who, method, stage.path(route, company=other.hex))
                assert status == 404, f"{method} {route.path}"


def _keys(tenant: Tenant) -> list[str]:
    return [key[-4:] for key in tenant.keys.values()]


def _act(route: Page) -> PersonAct:
    assert isinstance(route.act, PersonAct)
    return route.act

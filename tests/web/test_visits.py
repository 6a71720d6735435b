"""What comes before every page: session, membership, act, and where the form came from."""

import asyncio
import re
from typing import cast
from uuid import uuid4

import pytest
from multidict import CIMultiDictProxy
from starlette.responses import Response

from estafette.core.accounts.account import Mode
from estafette.core.people.organisation import PLATFORM
from estafette.core.people.permission import Role
from estafette.usecases.accounts.administration import create_account
from estafette.usecases.people.invite import invite, list_invitations
from estafette.web import last_person
from estafette.web.forms import FORM_LIMIT
from estafette.web.session import SESSION, Cookies
from tests.rows import tables
from tests.serving import Server, Tenant, running
from tests.web.people import (
    PersonAtBrowser,
    account,
    at_browser,
    form_of,
    new_company,
    new_person,
    sign_in,
    sign_in_at_company,
    signed_in,
)

PASSWORD = "six red boats row"


async def test_a_person_sees_the_pages_of_their_account(server: Server, entrega: Tenant) -> None:
    dana = await sign_in(server, entrega.account, Role.VIEWER)
    page = await dana.get(dana.home)
    assert page.status == 200
    assert entrega.account.name in page.body.decode()


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(
    server: Server, entrega: Tenant
) -> None:
    nobody = at_browser(server)
    answer = await nobody.get(f"/console/{entrega.account.id.hex}/live?x=1")
    assert answer.status == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2Fconsole%2F")
    assert answer.headers["location"].endswith("%2Flive%3Fx%3D1")
    assert (await nobody.follow(answer)).status == 200


async def test_a_session_is_refused_that_nobody_has_begun(server: Server, entrega: Tenant) -> None:
    """Session fixation: what a browser is made to send beforehand never opens anything."""
    planted = "a" * 40
    name = Cookies(server.platform.public_url).name(SESSION)
    victim = at_browser(server)
    victim.cookies[name] = planted
    dana = await sign_in(server, entrega.account, Role.VIEWER)
    assert dana.person is not None
    path = (await invite(server.platform, account(entrega.account.id), Role.VIEWER, None)).path
    await victim.fill(path, name="V", email=f"{uuid4().hex}@x.example", password=PASSWORD)
    assert victim.cookies[name] != planted
    assert (await victim.get(dana.home)).status == 200
    attacker = at_browser(server)
    attacker.cookies[name] = planted
    assert (await attacker.get(dana.home)).status == 303


async def test_signing_in_ends_the_session_before(server: Server, entrega: Tenant) -> None:
    person = await new_person(server)
    first = await signed_in(server, person)
    before = dict(first.cookies)
    path = (await invite(server.platform, account(entrega.account.id), Role.VIEWER, None)).path
    await first.send("/sign-out")
    again = at_browser(server)
    again.cookies = before
    assert (await again.get("/me")).status == 303
    assert (await again.get(path)).status == 200


@pytest.mark.parametrize(
    ("public_url", "name", "is_secure"),
    [
        ("https://delivery.example", "__Host-estafette-session", True),
        ("http://localhost:8000", "estafette-session-8000", False),
    ],
)
async def test_cookies_are_of_this_host_alone(
    postgres_dsn: str, public_url: str, name: str, is_secure: bool
) -> None:
    async with running(postgres_dsn, public_url=public_url) as server:
        link = await invite(server.platform, PLATFORM, Role.OWNER, None)
        fields = {"name": "D", "email": f"{uuid4().hex}@x.example", "password": PASSWORD}
        answer = await at_browser(server).send(link.path, {**fields, "language": "en"})
        headers = cast("CIMultiDictProxy[str]", answer.headers)
        lines = headers.getall("set-cookie")
    (line,) = [line for line in lines if line.startswith(f"{name}=")]
    flags = {part.strip().lower() for part in line.split(";")[1:]}
    assert {"httponly", "path=/", "samesite=lax"} <= flags
    assert ("secure" in flags) is is_secure
    assert not any(flag.startswith("domain") for flag in flags)


async def test_two_cookies_of_one_name_are_none(server: Server, entrega: Tenant) -> None:
    """A sibling domain may set one beside ours; which is ours nobody can say."""
    dana = await sign_in(server, entrega.account, Role.VIEWER)
    ((name, value),) = dana.cookies.items()
    answer = await at_browser(server).get(dana.home, {"Cookie": f"{name}={value}; {name}=another"})
    assert answer.status == 303


async def test_a_form_that_is_sent_twice_is_done_once(server: Server, entrega: Tenant) -> None:
    dana = await sign_in(server, entrega.account, Role.OWNER)
    path, token = f"{dana.home}/team/invite", uuid4().hex
    fields = {"email": f"{uuid4().hex}@x.example", "role": "viewer", "language": "en"}
    answers = await asyncio.gather(*(dana.send(path, fields, once=token) for _ in range(4)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1  # the page with the one link
    invited = await list_invitations(server.platform, dana.organisation)
    assert [one.email for one in invited] == [fields["email"]]
    other = await dana.send(path, {**fields, "email": "x@y.example"}, once=token)
    assert "something else in it" in (await dana.follow(other)).body.decode()
    assert len(await list_invitations(server.platform, dana.organisation)) == 1


async def test_a_refused_form_can_be_corrected_and_sent_again(
    server: Server, entrega: Tenant
) -> None:
    dana = await sign_in(server, entrega.account, Role.OWNER)
    path = f"{dana.home}/team/invite"
    refused = await dana.fill(path, email="no address", role="viewer")
    assert refused.status == 422
    form = form_of(refused)
    assert form.fields["email"] == "no address"
    good = {**form.fields, "email": f"{uuid4().hex}@x.example", "role": "viewer", "language": "en"}
    assert (await dana.send(path, good, once=form.once)).status == 200


async def test_what_was_typed_when_the_session_was_over_is_there_again(
    server: Server, entrega: Tenant
) -> None:
    email, password = f"{uuid4().hex}@x.example", PASSWORD
    link = await invite(server.platform, account(entrega.account.id), Role.OWNER, email)
    dana = at_browser(server)
    await dana.fill(link.path, name="Dana", password=password, language="en")
    path = f"/console/{entrega.account.id.hex}/sandbox/team/invite"
    form = form_of(await dana.get(path))
    await tables.remove(server.platform.pool, "sessions", {})
    typed = {**form.fields, "email": "new@x.example", "name": "New <b>", "role": "support"}
    stopped = await dana.send(
        path, {**typed, "password": "never kept", "code": "never kept"}, once=form.once
    )
    assert stopped.headers["location"].startswith("/sign-in?next=")
    assert await list_invitations(server.platform, account(entrega.account.id)) == []
    back = await dana.fill(stopped.headers["location"], email=email, password=password)
    assert back.headers["location"] == path
    page = await dana.follow(back)
    again = form_of(page)
    assert (again.fields["email"], again.fields["name"]) == ("new@x.example", "New <b>")
    assert re.search(r'value="support"[^>]* checked', page.body.decode())
    assert again.once == form.once
    assert "never kept" not in page.body.decode()
    done = await dana.send(path, {**again.fields, "role": "support"}, once=again.once)
    assert done.status == 200
    twice = await dana.send(path, {**again.fields, "role": "support"}, once=again.once)
    assert twice.body == done.body
    assert len(await list_invitations(server.platform, account(entrega.account.id))) == 1
    assert form_of(await dana.get(path)).fields["email"] == ""


async def test_a_button_that_was_pressed_too_late_can_be_pressed_again(
    server: Server, entrega: Tenant
) -> None:
    dana = await sign_in(server, entrega.account, Role.OWNER)
    assert dana.person is not None
    await remember(dana)
    link = await invite(server.platform, dana.organisation, Role.VIEWER, "a@x.example")
    path = f"{dana.home}/team/withdraw"
    form = form_of(await dana.get(f"{dana.home}/team"), path)
    await tables.remove(server.platform.pool, "sessions", {"person_id": dana.person.id})
    assert (await dana.send(path, form.fields, once=form.once)).status == 303
    dana.cookies |= (await signed_in(server, dana.person)).cookies
    page = await dana.get(path)
    again = form_of(page, path)
    assert again.fields == form.fields == {"invitation": link.invitation.id.hex}
    assert (await dana.send(path, again.fields, once=again.once)).status == 303
    assert await list_invitations(server.platform, dana.organisation) == []
    assert (await dana.get(path)).status == 404


async def test_who_is_not_signed_in_sends_no_more_than_a_form_without_files(
    server: Server, entrega: Tenant
) -> None:
    """An import may have megabytes; before somebody is known none of them is looked at."""
    dana = await sign_in(server, entrega.account, Role.OWNER)
    upload = f"{dana.home}/deliveries/import"
    large = b"x" * (FORM_LIMIT + 1)
    taken = await dana.send_file(upload, "file", large)
    assert "/sign-in" not in taken.headers.get("location", "")
    assert taken.status < 400
    session = Cookies(server.platform.public_url).name(SESSION)
    del dana.cookies[session]
    for who in (at_browser(server), dana):
        answer = await who.send_file(upload, "file", large)
        assert answer.status == 303
        assert answer.headers["location"].startswith("/sign-in?next=")


async def test_what_somebody_typed_is_not_shown_to_the_next_person(
    server: Server, entrega: Tenant
) -> None:
    dana = await sign_in(server, entrega.account, Role.OWNER)
    path = f"{dana.home}/team/invite"
    await remember(dana)
    session = Cookies(server.platform.public_url).name(SESSION)
    del dana.cookies[session]
    await dana.send(path, {"email": "secret@x.example"})
    next_one = await sign_in(server, entrega.account, Role.OWNER)
    assert any("draft" in name for name in dana.cookies)
    dana.cookies[session] = next_one.cookies[session]
    assert "secret@x.example" not in (await dana.get(path)).body.decode()


async def remember(who: PersonAtBrowser) -> None:
    """Has the browser remember who signed in, as signing in does."""
    assert who.person is not None
    response = Response()
    platform = who.server.platform
    last_person.keep(platform, Cookies(platform.public_url), response, who.person.id)
    name, _, rest = response.headers["set-cookie"].partition("=")
    who.cookies[name] = rest.partition(";")[0]


async def test_a_notice_is_shown_once_and_is_text(server: Server, entrega: Tenant) -> None:
    dana = await sign_in(server, entrega.account, Role.VIEWER, name="<i>Dana")
    await dana.fill("/me", name="<script>x", language="en")
    first, second = await dana.get("/me"), await dana.get("/me")
    assert "Your profile is changed" in first.body.decode()
    assert "Your profile is changed" not in second.body.decode()
    assert "<script>x" not in first.body.decode()
    name = Cookies(server.platform.public_url).name("notice")
    for forged in ("x", "W10", "WyJnb29kIiwgIjxiPiJd", "%00", "e30"):
        dana.cookies[name] = forged
        page = await dana.get("/me")
        assert page.status == 200
        assert "<b>" not in page.body.decode()


async def test_pages_load_from_here_alone_and_are_kept_nowhere(
    server: Server, entrega: Tenant
) -> None:
    dana = await sign_in(server, entrega.account, Role.OWNER)
    for path in (
        "/console/x/live",
        "/me",
        dana.home,
        f"{dana.home}/team",
        "/me/nothing",
        "/office",
    ):
        page = await dana.get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<script(?![^>]* src=)|\sstyle=|\son[a-z]+=", page.body.decode())


async def test_a_console_begins_in_the_mode_that_its_account_is_used_in(server: Server) -> None:
    both, _ = await create_account(server.platform, f"t-{uuid4().hex}", "AO")
    demo, _ = await create_account(server.platform, f"t-{uuid4().hex}", "AO", modes=(Mode.SANDBOX,))
    for of, mode in ((both, "live"), (demo, "sandbox")):
        dana = await sign_in(server, of, Role.VIEWER)
        begun = await dana.get("/console")
        assert begun.headers["location"] == f"/console/{of.id.hex}"
        assert (await dana.follow(begun)).headers["location"] == f"/console/{of.id.hex}/{mode}"
    stranger = await dana.get(f"/console/{both.id.hex}")
    assert (await dana.follow(stranger)).status == 404


async def test_the_platforms_people_are_guests_in_a_console_and_see_that_they_are(
    server: Server, entrega: Tenant
) -> None:
    path = f"/console/{entrega.account.id.hex}/live"
    for role, may in ((Role.SUPPORT, 403), (Role.FINANCE, 403), (Role.OWNER, 403)):
        guest = await sign_in(server, None, role)
        assert "as a guest" in (await guest.get(path)).body.decode()
        assert (await guest.get(f"{path}/team/invite")).status == may
    own = await sign_in(server, entrega.account, Role.VIEWER)
    assert "as a guest" not in (await own.get(path)).body.decode()


async def test_the_first_page_greets_who_has_signed_in(server: Server, entrega: Tenant) -> None:
    dana = await sign_in(server, entrega.account, Role.VIEWER, name="Dana <K>", language="pt")
    page = (await dana.get("/")).body.decode()
    assert "Dana &lt;K&gt;" in page
    assert f'href="/console/{entrega.account.id.hex}"' in page
    assert 'lang="pt"' in page
    stranger = (await at_browser(server).get("/")).body.decode()
    assert 'href="/sign-in"' in stranger
    assert "/console" not in stranger


async def test_a_board_is_opened_by_its_company_and_by_guests_who_are_in_the_audit(
    server: Server,
) -> None:
    company = await new_company(server)
    own = await sign_in_at_company(server, company, Role.DISPATCHER)
    page = (await own.get(own.home)).body.decode()
    assert "Sandbox" in page
    assert "as a guest" not in page
    entered = {"act": "company.entered", "object": str(company)}
    assert await tables.count(server.platform.pool, "audit", entered) == 0
    guest = await sign_in(server, None, Role.SUPPORT)
    for _ in range(2):
        assert "as a guest" in (await guest.get(own.home)).body.decode()
    assert await tables.count(server.platform.pool, "audit", entered) == 1
    finance = await sign_in(server, None, Role.FINANCE)
    assert (await finance.get(own.home)).status == 404
    driver = await sign_in_at_company(server, company, Role.DRIVER)
    assert (await driver.get(driver.home)).status == 403

"""People join, sign in, keep what they sign in with, and sign out: over HTTP, as a browser does."""

import json
import re
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
from pyotp.totp import TOTP

from estafette.core.notifications.letter import LetterKind
from estafette.core.people.organisation import PLATFORM, Organisation
from estafette.core.people.permission import Role
from estafette.usecases.people.administration import find_person, reset_person
from estafette.usecases.people.invite import invite
from tests.edges import ENTREGA
from tests.rows import tables
from tests.serving import Answer, Server, Tenant, running
from tests.web.people import (
    PersonAtBrowser,
    account,
    at_browser,
    form_of,
    new_person,
    sign_in,
    signed_in,
)

PASSWORD = "four horses carry letters"


async def invited(server: Server, of: Organisation, role: Role, email: str | None = None) -> str:
    """The path of a fresh invitation."""
    return (await invite(server.platform, of, role, email)).path


def fresh_email() -> str:
    return f"p-{uuid4().hex}@shop.example"


async def joined(server: Server, of: Organisation, role: Role, email: str) -> PersonAtBrowser:
    """Somebody new who has come by an invitation, with PASSWORD."""
    who = at_browser(server)
    path = await invited(server, of, role, email)
    answer = await who.fill(path, name="Dana K.", password=PASSWORD, language="en")
    assert answer.status == 303, answer.body
    return who


async def entered(
    server: Server, email: str, password: str = PASSWORD
) -> tuple[PersonAtBrowser, Answer]:
    """Somebody who has sent the form of sign-in, and its answer."""
    who = at_browser(server)
    return who, await who.fill("/sign-in", email=email, password=password)


async def test_a_link_makes_a_person_of_the_account_once(server: Server, entrega: Tenant) -> None:
    of, email = account(entrega.account.id), fresh_email()
    path = await invited(server, of, Role.DEVELOPER, email)
    dana, late = at_browser(server), at_browser(server)
    page = await dana.get(path)
    assert entrega.account.name in page.body.decode()
    answer = await dana.fill(path, name="Dana K.", password=PASSWORD, language="pt")
    assert answer.headers["location"] == f"/console/{entrega.account.id.hex}"
    page = await dana.get(f"/console/{entrega.account.id.hex}/live")
    assert page.headers["content-language"] == "pt"
    for method in (late.get(path), late.send(path, {"name": "E", "password": PASSWORD})):
        assert (await method).status == 404
    assert await tables.count(server.platform.pool, "people", {"email": email}) == 1


async def test_a_refused_form_says_why_and_keeps_what_was_typed(
    server: Server, entrega: Tenant
) -> None:
    path = await invited(server, account(entrega.account.id), Role.VIEWER)
    dana = at_browser(server)
    answer = await dana.fill(path, name="Dana <K>", email="no address", password="tiny")
    assert answer.status == 422
    text = answer.body.decode()
    assert 'value="Dana &lt;K&gt;"' in text
    assert 'aria-invalid="true"' in text
    assert "tiny" not in text
    answer = await dana.fill(path, name="Dana", email=fresh_email(), password="password1234")
    assert "easy to guess" in answer.body.decode()


async def test_who_is_signed_in_joins_by_one_button(server: Server, entrega: Tenant) -> None:
    person = await new_person(server)
    dana = await signed_in(server, person)
    path = await invited(server, account(entrega.account.id), Role.VIEWER, person.email)
    answer = await dana.fill(path, "")
    assert answer.headers["location"] == f"/console/{entrega.account.id.hex}"
    once_more = await signed_in(server, await new_person(server, "Eva"))
    path = await invited(server, account(entrega.account.id), Role.VIEWER, None)
    team = f"/console/{entrega.account.id.hex}/sandbox/team"
    answer = await once_more.fill(f"{path}?next={team}", "")
    assert answer.headers["location"] == team
    other = await signed_in(server, await new_person(server, "Other"))
    path = await invited(server, account(entrega.account.id), Role.VIEWER, fresh_email())
    refused = await other.fill(path, "")
    assert (refused.status, "Sign in as that person" in refused.body.decode()) == (422, True)


async def test_a_person_signs_in_and_comes_to_the_page_that_they_wanted(
    server: Server, entrega: Tenant
) -> None:
    email = fresh_email()
    await joined(server, account(entrega.account.id), Role.OWNER, email)
    home = f"/console/{entrega.account.id.hex}/sandbox"
    who = at_browser(server)
    place = (await who.get(f"{home}/team")).headers["location"]
    answer = await who.fill(place, email=email.upper(), password=PASSWORD)
    assert answer.headers["location"] == f"{home}/team"
    assert (await who.follow(answer)).status == 200
    assert (await who.get("/sign-in")).headers["location"] == f"/console/{entrega.account.id.hex}"


@pytest.mark.parametrize(
    "goal",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example",
     "/\t/evil.example", "javascript:alert(1)", "/%0d%0aSet-Cookie:x=1\r\nx", "", "evil"],
)  # fmt: skip
async def test_sign_in_leads_to_no_other_host(server: Server, entrega: Tenant, goal: str) -> None:
    dana = await sign_in(server, entrega.account, Role.VIEWER)
    answer = await dana.send("/sign-in?x", {"next": goal, "email": "a", "password": "b"})
    assert "evil" not in form_of(answer).fields["next"]
    led = await dana.get(f"/sign-in?next={quote(goal)}")
    assert led.headers["location"] == f"/console/{entrega.account.id.hex}"


async def test_wrong_answers_do_not_tell_whether_a_person_exists(
    server: Server, entrega: Tenant
) -> None:
    email = fresh_email()
    await joined(server, account(entrega.account.id), Role.VIEWER, email)
    await tables.remove(server.platform.pool, "sign_in_tallies")
    texts: set[str] = set()
    for tried in (email, fresh_email(), "no address", "", "a" * 5000):
        _, answer = await entered(server, tried, "not the password")
        assert answer.status == 422
        texts.add(re.sub(r'value="[^"]*"|\s+autofocus', "", answer.body.decode()))
    assert len(texts) == 1


async def test_too_many_wrong_passwords_are_told_kindly(server: Server, entrega: Tenant) -> None:
    email = fresh_email()
    await joined(server, account(entrega.account.id), Role.VIEWER, email)
    await tables.remove(server.platform.pool, "sign_in_tallies")
    statuses = [(await entered(server, email, "wrong one"))[1] for _ in range(11)]
    assert [answer.status for answer in statuses] == [422] * 10 + [429]
    assert 0 < int(statuses[-1].headers["retry-after"]) <= 900
    assert "Try again in" in statuses[-1].body.decode()


async def test_the_second_factor_stands_between_the_password_and_everything(
    server: Server, entrega: Tenant
) -> None:
    email = fresh_email()
    dana = await joined(server, account(entrega.account.id), Role.OWNER, email)
    home = f"/console/{entrega.account.id.hex}/sandbox"
    secret, codes = await set_up_app(dana)
    who, answer = await entered(server, email)
    assert answer.headers["location"].startswith("/sign-in/code")
    for path in (home, "/me", "/me/security", "/office"):
        assert (await who.get(path)).headers["location"].startswith("/sign-in/code"), path
    assert (await who.fill("/sign-in/code", code="000000")).status == 422
    before = dict(who.cookies)
    answer = await who.fill("/sign-in/code", code=codes[0])
    assert answer.status == 303
    assert who.cookies != before
    assert (await who.get(home)).status == 200
    again, _ = await entered(server, email)
    assert (await again.fill("/sign-in/code", code=codes[0])).status == 422
    assert (await again.fill("/sign-in/code", code=TOTP(secret).now())).status == 422
    assert (await again.fill("/sign-in/code", code=codes[1].upper())).status == 303


async def set_up_app(dana: PersonAtBrowser) -> tuple[str, list[str]]:
    """Sets up an authenticator app; returns its secret and the recovery codes."""
    assert (await dana.send("/me/security/app", {"old_password": "not it"})).status == 422
    page = await dana.fill("/me/security/app", old_password=PASSWORD)
    form = form_of(page, "/me/security/app")
    assert "<svg" in page.body.decode()
    wrong = await dana.send("/me/security/app", {**form.fields, "code": "12345"}, once=form.once)
    assert wrong.status == 422
    form = form_of(wrong, "/me/security/app")
    code = TOTP(form.fields["secret"]).now()
    done = await dana.send("/me/security/app", {**form.fields, "code": code}, once=form.once)
    assert done.status == 200
    codes = re.findall(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}", done.body.decode())
    assert len(set(codes)) == 10
    return form.fields["secret"], list(dict.fromkeys(codes))


async def test_the_operators_people_set_a_second_factor_first(server: Server) -> None:
    dana = await joined(server, PLATFORM, Role.OWNER, fresh_email())
    answer = await dana.get("/office")
    assert answer.headers["location"] == "/me/security"
    await set_up_app(dana)
    assert (await dana.get("/office")).status == 200


async def test_another_password_ends_the_other_sessions(server: Server, entrega: Tenant) -> None:
    email = fresh_email()
    dana = await joined(server, account(entrega.account.id), Role.OWNER, email)
    other, _ = await entered(server, email)
    assert (await other.get("/me")).status == 200
    path = "/me/security/password"
    wrong = await dana.fill(path, old_password="not it", password="five horses carry letters")
    assert wrong.status == 422
    answer = await dana.fill(path, old_password=PASSWORD, password="five horses carry letters")
    assert answer.headers["location"] == "/me/security"
    assert (await dana.get("/me")).status == 200
    assert (await other.get("/me")).headers["location"].startswith("/sign-in?")
    assert (await entered(server, email))[1].status == 422


async def test_sessions_are_listed_and_ended(server: Server, entrega: Tenant) -> None:
    person = await new_person(server)
    dana, phone = await signed_in(server, person), await signed_in(server, person)
    page = (await dana.get("/me/security")).body.decode()
    assert page.count("this one") == 1
    answer = await dana.send(
        "/me/sessions/end", dict(form_of(await dana.get("/me/security"), "/me/sessions/end").fields)
    )
    assert answer.status == 303
    assert (await phone.get("/me")).status == 303
    phone = await signed_in(server, person)
    await dana.send("/me/sessions/end-others")
    assert (await phone.get("/me")).status == 303
    assert (await dana.get("/me")).status == 200
    await dana.send("/sign-out")
    assert not any("session" in name for name in dana.cookies)


async def test_a_session_of_somebody_else_cannot_be_ended(server: Server, entrega: Tenant) -> None:
    person = await new_person(server)
    dana, other = await signed_in(server, person), await sign_in(server, entrega.account)
    again = await signed_in(server, person)
    form = form_of(await again.get("/me/security"), "/me/sessions/end")
    assert (await other.send("/me/sessions/end", form.fields)).status == 404
    assert (await dana.get("/me")).status == 200


async def test_a_link_that_was_given_out_sets_the_password_anew(
    server: Server, entrega: Tenant
) -> None:
    email = fresh_email()
    await joined(server, account(entrega.account.id), Role.OWNER, email)
    person = await find_person(server.platform, email)
    link = await reset_person(server.platform, person.id)
    who = at_browser(server)
    assert (await who.fill(link.path, password="password")).status == 422
    answer = await who.fill(link.path, password="five horses carry letters")
    assert answer.headers["location"] == "/sign-in"
    assert (await who.get("/me")).status == 200
    assert (await at_browser(server).get(link.path)).status == 404


async def test_who_has_forgotten_the_password_is_sent_a_letter(
    postgres_dsn: str,
) -> None:
    async with running(postgres_dsn, sends_letters=True) as server:
        tenant, email = await server.tenant(ENTREGA), fresh_email()
        dana = await joined(server, account(tenant.account.id), Role.OWNER, email)
        _, codes = await set_up_app(dana)
        assert "Forgotten" in (await at_browser(server).get("/sign-in")).body.decode()
        told: set[bytes] = set()
        for asked in (fresh_email(), "nobody", email):
            who = at_browser(server)
            answer = await who.fill("/sign-in/forgotten", email=asked)
            assert answer.headers["location"] == "/sign-in"
            told.add((await who.follow(answer)).body)
        assert len(told) == 1
        assert (await dana.get("/me")).status == 200  # until the link is used, nothing changes
        path = await letter_to(server, email, LetterKind.PASSWORD_RESET)
        answer = await who.fill(path, password="five horses carry letters")
        assert answer.headers["location"] == "/sign-in/code"  # a letter is no second factor
        assert (await dana.get("/me")).status == 303
        assert (await who.fill("/sign-in/code", code=codes[0])).status == 303
        assert (await who.get("/me")).status == 200


async def letter_to(server: Server, email: str, kind: LetterKind) -> str:
    """The path of the link in the only letter of a kind that waits for somebody."""
    found: list[str] = []
    for row in await tables.read(server.platform.pool, "letters", {"kind": kind}):
        content = json.loads(server.platform.cipher.decrypt(row["content"], row["id"].bytes))
        if content["to"] == email:
            found.append(content["facts"]["link"])
    (link,) = found
    return urlsplit(link).path


async def test_an_invitation_goes_by_letter_where_letters_are_sent(postgres_dsn: str) -> None:
    async with running(postgres_dsn, sends_letters=True) as server:
        tenant, email = await server.tenant(ENTREGA), fresh_email()
        dana = await sign_in(server, tenant.account, Role.OWNER)
        page = await dana.fill(f"{dana.home}/team/invite", email=email, role="viewer")
        assert "A letter with it goes to" in page.body.decode()
        path = await letter_to(server, email, LetterKind.INVITATION)
        assert path in page.body.decode()
        assert (await at_browser(server).get(path)).status == 200

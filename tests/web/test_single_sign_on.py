"""Sign-in at an OpenID provider: a real one, that runs beside the tests as a program of its own."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen
from uuid import uuid4

import aiohttp
import pytest

from estafette.core.people.permission import Role
from estafette.usecases.people.administration import disable_person
from estafette.usecases.people.invite import invite
from estafette.web.people.provider import Provider
from tests.edges import ENTREGA
from tests.processes import free_port
from tests.serving import Answer, Server, running
from tests.web.people import (
    PersonAtBrowser,
    account,
    at_browser,
    give_second_factor,
    join,
    new_person,
)


@dataclass
class Login:
    """The provider's side: who it knows, and what its form answers."""

    url: str

    async def knows(self, subject: str, email: str, *, verified: bool = True) -> None:
        """Has the provider know somebody by a subject."""
        claims = {"email": email, "email_verified": verified, "name": "Dana K."}
        async with (
            aiohttp.ClientSession() as session,
            session.put(f"{self.url}/users/{subject}", json=claims) as answer,
        ):
            assert answer.status == 204, await answer.text()

    async def allows(self, address: str, subject: str) -> str:
        """Signs somebody in there; gives where the browser is sent back to, as a path of ours."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, data={"sub": subject}, allow_redirects=False) as answer,
        ):
            assert answer.status in (302, 303), await answer.text()
            back = urlsplit(answer.headers["location"])
            return f"{back.path}?{back.query}"


@pytest.fixture(scope="module")
def login() -> Iterator[Login]:
    """The provider, for all tests here: it forgets nobody, so each has subjects of its own."""
    port = free_port()
    url = f"http://localhost:{port}"
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await_answer(f"{url}/.well-known/openid-configuration", process)
            yield Login(url)
        finally:
            process.terminate()


def _await_answer(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the provider has ended"
        try:
            with urlopen(url):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the provider does not answer")


@pytest.fixture
async def single(postgres_dsn: str, login: Login) -> AsyncIterator[Server]:
    """The server, which sends people to the provider."""
    there = Provider(login.url, "estafette", "a secret", "Login")
    async with running(postgres_dsn, provider=there) as server:
        yield server


async def came_back(
    server: Server, login: Login, subject: str, query: str = ""
) -> tuple[PersonAtBrowser, Answer]:
    """Somebody who went to the provider and came back, and the answer to that."""
    who = at_browser(server)
    led = await who.get(f"/sign-in/single{query}")
    asked = parse_qs(urlsplit(led.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) > 30
    back = await login.allows(led.headers["location"], subject)
    return who, await who.get(back)


async def test_a_person_is_let_in_by_the_address_that_the_provider_has_verified(
    single: Server, login: Login
) -> None:
    dana, subject = await new_person(single), uuid4().hex
    await login.knows(subject, dana.email.upper())
    who, answer = await came_back(single, login, subject, "?next=/me/security")
    assert answer.headers["location"] == "/me/security"
    assert (await who.get("/me/security")).status == 200
    assert "Sign in with Login" in (await at_browser(single).get("/sign-in")).body.decode()
    # from now on the provider's own id counts: whoever has the address later is not this person
    heir = uuid4().hex
    await login.knows(heir, dana.email)
    who, answer = await came_back(single, login, heir)
    assert (answer.headers["location"], (await who.get("/me")).status) == ("/sign-in", 303)
    await login.knows(subject, "another@shop.example")
    who, _ = await came_back(single, login, subject)
    assert dana.email in (await who.get("/me")).body.decode()


async def test_who_is_unknown_unverified_or_disabled_is_not_let_in(
    single: Server, login: Login
) -> None:
    dana, gone = await new_person(single), await new_person(single)
    await disable_person(single.platform, gone.id, disabled=True)
    for email, verified in (
        (f"{uuid4().hex}@x.example", True),
        (dana.email, False),
        (gone.email, True),
    ):
        subject = uuid4().hex
        await login.knows(subject, email, verified=verified)
        who, answer = await came_back(single, login, subject)
        assert answer.headers["location"] == "/sign-in"
        assert "nobody has invited" in (await who.follow(answer)).body.decode()
        assert (await who.get("/me")).status == 303


async def test_who_is_invited_becomes_a_person_without_a_password(
    single: Server, login: Login
) -> None:
    tenant, email, subject = await single.tenant(ENTREGA), f"{uuid4().hex}@x.example", uuid4().hex
    await invite(single.platform, account(tenant.account.id), Role.SUPPORT, email)
    await login.knows(subject, email)
    who, answer = await came_back(single, login, subject)
    assert answer.status == 303
    assert (await who.get(f"/console/{tenant.account.id.hex}/live")).status == 200


async def test_the_second_factor_is_asked_for_all_the_same(single: Server, login: Login) -> None:
    dana, subject = await new_person(single), uuid4().hex
    await give_second_factor(single, dana)
    await login.knows(subject, dana.email)
    who, answer = await came_back(single, login, subject)
    assert answer.headers["location"] == "/sign-in/code"
    assert (await who.get("/me")).headers["location"].startswith("/sign-in/code")


async def test_an_answer_that_this_browser_did_not_ask_for_signs_nobody_in(
    single: Server, login: Login
) -> None:
    tenant = await single.tenant(ENTREGA)
    dana, subject = await new_person(single), uuid4().hex
    await join(single, dana, account(tenant.account.id), Role.VIEWER)
    await login.knows(subject, dana.email)
    attacker, victim = at_browser(single), at_browser(single)
    led = await attacker.get("/sign-in/single")
    back = await login.allows(led.headers["location"], subject)
    await victim.get("/sign-in/single")
    for who, path in (
        (at_browser(single), back),
        (victim, back),
        (attacker, back.replace("code=", "code=x")),
        (attacker, "/sign-in/single/back?error=denied&state="),
    ):
        answer = await who.get(path)
        assert answer.headers["location"] == "/sign-in", path
        assert (await who.get("/me")).status == 303


async def test_without_the_setting_there_is_no_such_page(server: Server) -> None:
    nobody = at_browser(server)
    assert (await nobody.get("/sign-in/single")).status == 404
    assert (await nobody.get("/sign-in/single/back?code=1&state=2")).status == 404


async def test_a_provider_that_cannot_be_asked_is_told(postgres_dsn: str) -> None:
    there = Provider(f"http://localhost:{free_port()}", "estafette", "", "Login")
    async with running(postgres_dsn, provider=there) as server:
        who = at_browser(server)
        answer = await who.get("/sign-in/single")
        assert "did not come about" in (await who.follow(answer)).body.decode()

"""People who are signed in, against the real application and the real database.

    async with running(postgres_dsn) as server:
        dana = await sign_in(server, account, Role.VIEWER)
        page = await dana.get(f"{dana.home}/team")
        answer = await dana.send(f"{dana.home}/team/invite", email="a@b.example", role="viewer")

No password is hashed for them, which would take a third of a second for each. `client` calls as a
browser does: it keeps cookies, says that its forms come from our own pages, and follows nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from yarl import URL

from estafette.core.accounts.account import Account, Mode
from estafette.core.couriers.company import Company, Connector
from estafette.core.ids import new_id
from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.core.people.person import Person
from estafette.store.couriers import companies
from estafette.store.people import memberships, second_factors
from estafette.store.people import table as people
from estafette.usecases.people.sessions import Client, Stage, begin
from estafette.web.session import SESSION, Cookies
from tests.serving import Answer, Server

FORM = "application/x-www-form-urlencoded"
OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}

Fields = Mapping[str, str | Sequence[str]]


@dataclass
class PersonAtBrowser:
    """A person with a browser of their own: its cookies, by name."""

    server: Server
    person: Person | None
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    home: str = "/office"
    organisation: Organisation = PLATFORM
    role: Role | None = None

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Opens a page."""
        return await self._ask("GET", path, None, headers or {})

    async def send(
        self,
        path: str,
        fields: Fields | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        once: str | None = None,
        **more: str,
    ) -> Answer:
        """Sends a form to a path, as its page does; with a fresh token unless `once` is given."""
        token = uuid4().hex if once is None else once
        body = urlencode({"once": token, **(fields or {}), **more}, doseq=True).encode()
        sent = {"Content-Type": FORM, **OUR_PAGE, **(headers or {})}
        return await self._ask("POST", path, body, sent)

    async def follow(self, answer: Answer) -> Answer:
        """Goes where an answer leads."""
        assert answer.status == 303, answer.body
        return await self.get(answer.headers["location"])

    async def fill(self, path: str, action: str | None = None, **fields: str) -> Answer:
        """Opens a page and sends its form (that with `action`), changed in these fields."""
        page = await self.get(path)
        assert page.status == 200, page.body
        form = form_of(page, action)
        return await self.send(form.action or path, {**form.fields, **fields}, once=form.once)

    async def send_file(self, path: str, name: str, content: bytes) -> Answer:
        """Sends a form with a file in the field `name`."""
        part = 'Content-Disposition: form-data; name="{}"\r\n\r\n'
        body = (
            f"--x\r\n{part.format('once')}{uuid4().hex}\r\n".encode()
            + f"--x\r\n{part.format(name)}".replace(
                '"\r\n\r\n', '"; filename="file.csv"\r\n\r\n'
            ).encode()
            + content
            + b"\r\n--x--\r\n"
        )
        sent = {"Content-Type": "multipart/form-data; boundary=x", **OUR_PAGE}
        return await self._ask("POST", path, body, sent)

    async def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        sent = dict(headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent.setdefault("User-Agent", "Test")
        url = URL(f"{self.server.url}{path}", encoded=True)
        async with self.server.session.request(
            method, url, data=body, headers=sent, allow_redirects=False
        ) as response:
            answer = Answer(response.status, response.headers, await response.read())
            lines = response.headers.getall("set-cookie", [])
        for line in lines:
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0].strip('"')
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer


@dataclass(frozen=True)
class SeenForm:
    """A form of a page: where it goes, what is in its fields, and its token."""

    action: str
    fields: dict[str, str]
    once: str


_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
_FIELD = re.compile(r"<input\b[^>]*>|<select\b.*?</select>|<textarea\b.*?</textarea>", re.DOTALL)
_OPTION = re.compile(r'<option value="([^"]*)"( selected)?')
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


def form_of(page: Answer, action: str | None = None) -> SeenForm:
    """Returns the form of a page that is sent, or that with this action ("": to itself).

    Of several the first; the one that signs out is on every page.
    """
    for attributes, inside in _FORM.findall(page.body.decode()):
        said = _attributes(attributes)
        place = said.get("action", "")
        is_meant = place == action if action is not None else place != "/sign-out"
        if said.get("method") != "post" or not is_meant:
            continue
        fields: dict[str, str] = {}
        for part in _FIELD.findall(inside):
            tag = part[: part.index(">") + 1]
            each = _attributes(tag)
            is_left = each.get("type") in ("checkbox", "radio") and " checked" not in tag
            if "name" not in each or is_left:
                continue
            value = each.get("value", "")
            if part.startswith("<select"):
                options = _OPTION.findall(part)
                first = options[0][0] if options else ""
                value = next((one for one, chosen in options if chosen), first)
            elif part.startswith("<textarea"):
                value = part[len(tag) : part.rindex("</")].removeprefix("\n")
            fields[each["name"]] = unescape(value)
        return SeenForm(said.get("action", ""), fields, fields.pop("once", ""))
    raise AssertionError(f"no form to {action}: {page.body.decode()}")


def _attributes(text: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in _ATTRIBUTE.findall(text)}


async def new_person(server: Server, name: str = "Dana", language: str = "en") -> Person:
    """Writes a person who belongs to nothing and has no password that anybody knows."""
    id = new_id()
    async with server.platform.pool.acquire() as connection:
        assert await people.insert(connection, id, f"p-{id.hex}@shop.example", name, language, "")
        person = await people.find(connection, id)
    assert person is not None
    return person


async def give_second_factor(server: Server, person: Person) -> None:
    """Gives a person an authenticator app, without which nothing of the platform opens."""
    sealed = server.platform.cipher.encrypt("JBSWY3DPEHPK3PXP", person.id.bytes)
    async with server.platform.pool.acquire() as connection:
        assert await second_factors.begin(connection, person.id, sealed)
        await second_factors.take_step(connection, person.id, 0)


async def join(server: Server, person: Person, of: Organisation, role: Role) -> None:
    """Makes a person a member."""
    async with server.platform.pool.acquire() as connection:
        assert await memberships.insert(connection, of, person.id, role)


def at_browser(server: Server) -> PersonAtBrowser:
    """Somebody who is not signed in."""
    return PersonAtBrowser(server, None)


async def signed_in(server: Server, person: Person) -> PersonAtBrowser:
    """A person in a new browser, signed in."""
    async with server.platform.pool.acquire() as connection, connection.transaction():
        client = Client("127.0.0.1", "Test")
        new = await begin(connection, person, Stage.OPEN, "password", client)
    name = Cookies(server.platform.public_url).name(SESSION)
    return PersonAtBrowser(server, person, {name: new.token})


async def sign_in(
    server: Server,
    of: Account | None = None,
    role: Role = Role.OWNER,
    *,
    mode: Mode = Mode.SANDBOX,
    **about: Any,
) -> PersonAtBrowser:
    """A new person of an account, or of the platform, with this role, signed in.

    `home` is the path before the pages of their place.
    """
    person = await new_person(server, **about)
    organisation = PLATFORM if of is None else account(of.id)
    await join(server, person, organisation, role)
    if of is None:
        await give_second_factor(server, person)
    visitor = await signed_in(server, person)
    visitor.organisation, visitor.role = organisation, role
    if of is not None:
        visitor.home = f"/console/{of.id.hex}/{mode}"
    return visitor


async def sign_in_at_company(
    server: Server, of: UUID, role: Role = Role.MANAGER, *, mode: Mode = Mode.SANDBOX, **about: Any
) -> PersonAtBrowser:
    """A new person of a courier company, signed in; `home` is the path before its board's pages."""
    person = await new_person(server, **about)
    organisation = Organisation(OrganisationKind.COMPANY, of)
    await join(server, person, organisation, role)
    visitor = await signed_in(server, person)
    visitor.organisation, visitor.role = organisation, role
    visitor.home = f"/board/{of.hex}/{mode}"
    return visitor


async def new_company(server: Server, market: str = "KZ") -> UUID:
    """Writes an in-house courier company of a market, which serves all of its accounts."""
    id = new_id()
    company = Company(
        id, market, None, f"Qala {id.hex[-4:]}", f"qala-{id.hex}", Connector.INHOUSE, "Asia/Almaty"
    )
    async with server.platform.pool.acquire() as connection:
        assert await companies.save(connection, company)
    return id


def account(id: UUID) -> Organisation:
    """The account of an id, as people belong to it."""
    return Organisation(OrganisationKind.ACCOUNT, id)

"""People: of all organisations, members of one, invitations."""

from uuid import UUID

from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import PersonAct
from estafette.dialects.operator import mapping, schemas
from estafette.dialects.operator.errors import NotThere
from estafette.dialects.operator.listing import (
    cursor,
    id_cursor,
    limit_of,
    write_cursor,
)
from estafette.dialects.operator.operations import Asked, Operation, read_id
from estafette.http.operations import json
from estafette.http.parameters import text
from estafette.http.reply import HttpReply
from estafette.usecases.people.administration import (
    disable_person,
    find_person,
    list_people,
    reset_person,
)
from estafette.usecases.people.invite import (
    IssuedLink,
    invite,
    list_invitations,
    withdraw_invitation,
)
from estafette.usecases.people.members import change_role, list_members, remove_member
from estafette.usecases.people.organisations import belongings

_NOTHING = HttpReply(204, b"", ())


def _organisation(asked: Asked) -> Organisation:
    """The organisation of a path: `platform`, `account:ID`, `company:ID`. Raises NotThere."""
    kind, _, id = asked.path["organisation"].partition(":")
    if kind == OrganisationKind.PLATFORM and not id:
        return PLATFORM
    if kind in (OrganisationKind.ACCOUNT, OrganisationKind.COMPANY):
        return Organisation(OrganisationKind(kind), read_id(id, "organisation"))
    raise NotThere("organisation")


async def _list(asked: Asked) -> HttpReply:
    begins = asked.query.read("email", text)
    after, limit = asked.query.read("cursor", cursor), limit_of(asked.query)
    asked.must_be_read("email", "cursor", "limit")
    page = await list_people(asked.platform, begins, after, limit)
    following = None if page.next is None else write_cursor(page.next)
    return json(200, {"data": [*map(mapping.person, page.people)], "next": following})


async def _show(asked: Asked) -> HttpReply:
    asked.must_be_read()
    found = await find_person(asked.platform, asked.id("person"))
    belonging = [
        {
            "organisation": mapping.organisation(each.membership.organisation),
            "name": each.name,
            "role": each.membership.role.value,
        }
        for each in await belongings(asked.platform, found)
    ]
    return json(200, {**mapping.person(found), "belongs_to": belonging})


async def _disable(asked: Asked) -> HttpReply:
    return await _switch(asked, asked.id("person"), disabled=True)


async def _enable(asked: Asked) -> HttpReply:
    return await _switch(asked, asked.id("person"), disabled=False)


async def _switch(asked: Asked, id: UUID, *, disabled: bool) -> HttpReply:
    asked.must_be_read()
    asked.read(schemas.Closed)
    return json(200, mapping.person(await disable_person(asked.platform, id, disabled=disabled)))


async def _reset(asked: Asked) -> HttpReply:
    asked.must_be_read()
    asked.read(schemas.Closed)
    return _link(asked, await reset_person(asked.platform, asked.id("person")))


def _link(asked: Asked, link: IssuedLink) -> HttpReply:
    value = mapping.invitation(link.invitation)
    return json(201, {**value, "url": asked.platform.public_url + link.path})


async def _members(asked: Asked) -> HttpReply:
    of = _organisation(asked)
    after, limit = asked.query.read("cursor", id_cursor), limit_of(asked.query)
    asked.must_be_read("cursor", "limit")
    page = await list_members(asked.platform, of, after, limit)
    data = [
        mapping.member(person, membership.role, membership.since)
        for person, membership in page.members
    ]
    following = None if page.next is None else write_cursor(str(page.next))
    return json(200, {"data": data, "next": following})


async def _set_role(asked: Asked) -> HttpReply:
    asked.must_be_read()
    of, id, wanted = _organisation(asked), asked.id("person"), asked.read(schemas.NewRole)
    await change_role(asked.platform, of, id, wanted.role)
    return _NOTHING


async def _remove(asked: Asked) -> HttpReply:
    asked.must_be_read()
    await remove_member(asked.platform, _organisation(asked), asked.id("person"))
    return _NOTHING


async def _invitations(asked: Asked) -> HttpReply:
    of = _organisation(asked)
    after, limit = asked.query.read("cursor", id_cursor), limit_of(asked.query)
    asked.must_be_read("cursor", "limit")
    found = await list_invitations(asked.platform, of, after, limit + 1)
    shown = found[:limit]
    following = write_cursor(str(shown[-1].id)) if len(found) > limit else None
    return json(200, {"data": [*map(mapping.invitation, shown)], "next": following})


async def _invite(asked: Asked) -> HttpReply:
    asked.must_be_read()
    of, wanted = _organisation(asked), asked.read(schemas.NewInvitation)
    link = await invite(
        asked.platform,
        of,
        wanted.role,
        wanted.email,
        name=wanted.name,
        language=wanted.language,
    )
    return _link(asked, link)


async def _withdraw(asked: Asked) -> HttpReply:
    asked.must_be_read()
    await withdraw_invitation(asked.platform, _organisation(asked), asked.id("invitation"))
    return _NOTHING


_OF = "/v1/organisations/{organisation}"
_SEE, _MANAGE = PersonAct.PEOPLE_SEE, PersonAct.PEOPLE_MANAGE

OPERATIONS = (
    Operation("GET", "/v1/people", _SEE, _list),
    Operation("GET", "/v1/people/{person}", _SEE, _show),
    Operation("POST", "/v1/people/{person}/disable", _MANAGE, _disable),
    Operation("POST", "/v1/people/{person}/enable", _MANAGE, _enable),
    Operation("POST", "/v1/people/{person}/reset", _MANAGE, _reset),
    Operation("GET", f"{_OF}/members", _SEE, _members),
    Operation("PUT", f"{_OF}/members/{{person}}/role", _MANAGE, _set_role),
    Operation("DELETE", f"{_OF}/members/{{person}}", _MANAGE, _remove),
    Operation("GET", f"{_OF}/invitations", _SEE, _invitations),
    Operation("POST", f"{_OF}/invitations", _MANAGE, _invite),
    Operation("DELETE", f"{_OF}/invitations/{{invitation}}", _MANAGE, _withdraw),
)

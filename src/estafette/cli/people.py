"""`estafette people`: invite, list, disable, enable, reset those who sign in to the pages."""

from typing import Annotated, Any

from cyclopts import App, Parameter

from estafette.cli.output import OK, misused, say, say_json, styled, table, time_text
from estafette.cli.session import on_platform
from estafette.cli.words import AsJson, known_market
from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import HEAD, ROLES, Role
from estafette.core.people.person import LANGUAGES, Membership, Person
from estafette.usecases.accounts.administration import find_account
from estafette.usecases.couriers.companies import find_company
from estafette.usecases.people.administration import (
    disable_person,
    find_person,
    list_people,
    reset_person,
)
from estafette.usecases.people.invite import (
    Invitation,
    IssuedLink,
    invite,
    list_invitations,
    withdraw_invitation,
)
from estafette.usecases.people.members import list_members
from estafette.usecases.people.organisations import belongings
from estafette.usecases.platform import Platform

app = App(name="people", help="People who sign in: invite, list, disable, enable, reset.")

_LARGEST_PAGE = 1000
_Account = Annotated[
    str | None, Parameter(name="--account", help="The account; unless given, the operator's own.")
]
_Company = Annotated[
    str | None, Parameter(name="--company", help="A courier company's slug, with --market.")
]
_Market = Annotated[str | None, Parameter(name="--market", help="The company's market.")]


async def _organisation(
    platform: Platform, account: str | None, company: str | None, market: str | None
) -> Organisation:
    """The organisation that the options name. Raises CommandError, or what finds no such one."""
    account_id = None if account is None else (await find_account(platform, account)).id
    if company is not None:
        if market is None:
            raise misused("--company needs --market, such as --market AO")
        found = await find_company(platform, known_market(market), company, account_id)
        return Organisation(OrganisationKind.COMPANY, found.id)
    if account_id is None:
        return PLATFORM
    return Organisation(OrganisationKind.ACCOUNT, account_id)


@app.command(name="invite")
def invite_(
    email: str,
    *,
    role: Annotated[
        Role | None,
        Parameter(
            help="; ".join(f"{kind}: {', '.join(roles)}" for kind, roles in ROLES.items())
            + ". Unless given, the first."
        ),
    ] = None,
    account: _Account = None,
    company: _Company = None,
    market: _Market = None,
    name: Annotated[str, Parameter(help="What the person is called.")] = "",
    language: Annotated[str, Parameter(help=f"One of {', '.join(LANGUAGES)}.")] = LANGUAGES[0],
    json: AsJson = False,
) -> int:
    """Print a link, which works once, by which somebody joins the operator or an account.

    Who has no password yet chooses one there. An earlier link for the same person opens nothing.

    Parameters
    ----------
    email
        Whom it is for: with this e-mail address they sign in.
    """

    async def work(platform: Platform) -> tuple[Organisation, IssuedLink, str]:
        of = await _organisation(platform, account, company, market)
        link = await invite(
            platform, of, role or HEAD[of.kind], email, name=name, language=language
        )
        return of, link, platform.public_url

    of, link, base = on_platform(work)
    known = link.invitation
    if json:
        say_json({**_invitation_json(known), "url": base + link.path})
        return OK
    to = {OrganisationKind.ACCOUNT: account, OrganisationKind.COMPANY: company}.get(of.kind)
    say(f"{known.email} may join {to or 'the operator'} as {known.role}, by this link:")
    _say_link(base + link.path, known)
    return OK


def _say_link(url: str, known: Invitation) -> None:
    say(styled(url, "bold"))
    say(
        styled(
            f"It works once, until {time_text(known.expires_at)}, and is not shown again.",
            "yellow",
        )
    )


def _invitation_json(known: Invitation) -> dict[str, Any]:
    return {
        "id": known.id,
        "email": known.email,
        "role": known.role,
        "expires_at": known.expires_at,
    }


def _json(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "language": person.language,
        "state": _state(person),
        "second_factor": _second_factor(person),
        "signed_in_at": person.seen_at,
    }


def _state(person: Person) -> str:
    if person.disabled_at is not None:
        return "disabled"
    return "active" if person.has_password or person.has_passkey else "reset"


def _second_factor(person: Person) -> str:
    factors = [("app", person.has_totp), ("passkey", person.has_passkey)]
    return "+".join(name for name, has in factors if has) or "none"


@app.command(name="list")
def list_(
    *,
    account: _Account = None,
    company: _Company = None,
    market: _Market = None,
    operator: Annotated[
        bool, Parameter(negative="", help="The operator's own people alone.")
    ] = False,
    limit: Annotated[int, Parameter(help=f"At most so many, up to {_LARGEST_PAGE}.")] = 100,
    after: Annotated[
        str | None, Parameter(help="Go on after this e-mail address, of all people.")
    ] = None,
    json: AsJson = False,
) -> int:
    """List all people; or those of the operator, an account or a company, and who is invited."""
    if not 1 <= limit <= _LARGEST_PAGE:
        raise misused(f"--limit must be from 1 to {_LARGEST_PAGE}")
    if account is None and company is None and not operator:
        return _list_all(after, limit, json=json)

    async def work(
        platform: Platform,
    ) -> tuple[list[tuple[Person, Membership]], list[Invitation]]:
        of = await _organisation(platform, account, company, market)
        members = (await list_members(platform, of, limit=limit)).members
        shown = [(each.person, each.membership) for each in members]
        return shown, await list_invitations(platform, of)

    members, invited = on_platform(work)
    if json:
        say_json(
            {
                "people": [
                    {**_json(person), "role": membership.role} for person, membership in members
                ],
                "invitations": [_invitation_json(each) for each in invited],
            }
        )
        return OK
    table(
        ("EMAIL", "NAME", "ROLE", "STATE", "SECOND FACTOR", "SIGNED IN"),
        [(*_row(person)[:2], membership.role, *_row(person)[2:]) for person, membership in members],
        "Nobody; `estafette people invite EMAIL` makes a link",
    )
    if invited:
        say()
        table(
            ("INVITED", "ROLE", "UNTIL", "ID"),
            [
                (each.email or "whoever has the link", each.role, each.expires_at, each.id)
                for each in invited
            ],
            "",
        )
    return OK


def _row(person: Person) -> tuple[object, ...]:
    seen = person.seen_at or "never"
    return (person.email, person.name, _state(person), _second_factor(person), seen)


def _list_all(after: str | None, limit: int, *, json: bool) -> int:
    async def work(platform: Platform) -> tuple[list[tuple[Person, list[str]]], str | None]:
        page = await list_people(platform, after=after, limit=limit)
        return [
            (
                person,
                [
                    f"{each.name} ({each.membership.role})"
                    for each in await belongings(platform, person)
                ],
            )
            for person in page.people
        ], page.next

    found, following = on_platform(work)
    if json:
        people = [{**_json(person), "belongs_to": places} for person, places in found]
        say_json({"people": people, "next": following})
        return OK
    table(
        ("EMAIL", "NAME", "STATE", "SECOND FACTOR", "SIGNED IN", "BELONGS TO"),
        [(*_row(person), ", ".join(places) or None) for person, places in found],
        "Nobody; `estafette people invite EMAIL` makes a link",
    )
    if following is not None:
        say(f"There are more: --after {following}")
    return OK


@app.command
def withdraw(
    email: str,
    *,
    account: _Account = None,
    company: _Company = None,
    market: _Market = None,
    json: AsJson = False,
) -> int:
    """Have an open invitation open nothing.

    Parameters
    ----------
    email
        Whom it is for.
    """

    async def work(platform: Platform) -> int:
        of = await _organisation(platform, account, company, market)
        open_ones = await list_invitations(platform, of)
        wanted = [each for each in open_ones if each.email == email.strip().lower()]
        for each in wanted:
            await withdraw_invitation(platform, of, each.id)
        return len(wanted)

    if not on_platform(work):
        raise misused(f"there is no open invitation of {email}")
    if json:
        say_json({"email": email, "withdrawn": True})
    else:
        say(f"The link of {email} opens nothing now")
    return OK


def _switch(email: str, *, disabled: bool, json: bool) -> int:
    async def work(platform: Platform) -> Person:
        person = await find_person(platform, email)
        return await disable_person(platform, person.id, disabled=disabled)

    person = on_platform(work)
    if json:
        say_json(_json(person))
    elif disabled:
        say(f"{person.email} cannot sign in now, and every session has ended")
    else:
        say(f"{person.email} may sign in again")
    return OK


@app.command
def disable(email: str, *, json: AsJson = False) -> int:
    """Have a person not sign in any more; every session ends at once.

    Parameters
    ----------
    email
        Who it is.
    """
    return _switch(email, disabled=True, json=json)


@app.command
def enable(email: str, *, json: AsJson = False) -> int:
    """Let a disabled person sign in again.

    Parameters
    ----------
    email
        Who it is.
    """
    return _switch(email, disabled=False, json=json)


@app.command
def reset(email: str, *, json: AsJson = False) -> int:
    """Take a person's password, second factor, passkeys and sessions; print a link to begin anew.

    For who has lost a device or the password, and for an account that somebody else may have used.

    Parameters
    ----------
    email
        Who it is.
    """

    async def work(platform: Platform) -> tuple[IssuedLink, str]:
        person = await find_person(platform, email)
        return await reset_person(platform, person.id), platform.public_url

    link, base = on_platform(work)
    if json:
        say_json({**_invitation_json(link.invitation), "url": base + link.path})
        return OK
    say(f"{link.invitation.email} cannot sign in until this link was used:")
    _say_link(base + link.path, link.invitation)
    return OK

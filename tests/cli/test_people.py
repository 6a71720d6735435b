"""`estafette people`: who signs in, as a person at a shell sees to it."""

import asyncio
from uuid import uuid4

from estafette.core.people.refusals import SignInRefused
from estafette.usecases.people.accept import join_as_new, set_password_by_link
from estafette.usecases.people.sessions import find_session
from estafette.usecases.people.sign_in import sign_in
from tests.cli.stage import Command, Up
from tests.usecases.people.people import PASSWORD, new_client, token_of
from tests.usecases.stage import platform_over


def test_somebody_is_invited_joins_is_listed_disabled_and_reset(
    over_database: Command, postgres_dsn: str
) -> None:
    email, account = f"{uuid4().hex}@shop.example", f"shop-{uuid4().hex[:12]}"
    over_database("accounts", "create", account, "--market", "KZ")
    of = ("--account", account)
    first = over_database("people", "invite", email.upper(), *of, "--role", "viewer", "--json")
    assert (first["email"], first["role"]) == (email, "viewer")
    again = over_database("people", "invite", email, *of, "--role", "developer", "--json")
    told = over_database("people", "list", *of, "--json")
    assert [each["role"] for each in told["invitations"]] == ["developer"]
    assert again["url"] not in over_database("people", "list", *of)

    async def joins() -> str:
        async with platform_over(postgres_dsn) as platform:
            new = await join_as_new(
                platform,
                token_of(again["url"]),
                new_client(),
                name="Dana \u202eK.".replace("\u202e", ""),
                password=PASSWORD,
                language="kk",
            )
            return new.token

    token = asyncio.run(joins())
    [listed] = over_database("people", "list", *of, "--json")["people"]
    assert (listed["email"], listed["role"], listed["state"]) == (email, "developer", "active")
    assert listed["second_factor"] == "none"

    over_database("people", "disable", email)
    assert _is_over(postgres_dsn, token)
    assert not _signs_in(postgres_dsn, email)
    over_database("people", "enable", email)
    assert _signs_in(postgres_dsn, email)

    link = over_database("people", "reset", email, "--json")["url"]
    assert not _signs_in(postgres_dsn, email)

    async def begins_anew() -> None:
        async with platform_over(postgres_dsn) as platform:
            another = PASSWORD + " again"
            await set_password_by_link(platform, token_of(link), another, new_client())
            await sign_in(platform, email, another, new_client())

    asyncio.run(begins_anew())


def _is_over(dsn: str, token: str) -> bool:
    async def look() -> bool:
        async with platform_over(dsn) as platform:
            return await find_session(platform, token) is None

    return asyncio.run(look())


def _signs_in(dsn: str, email: str) -> bool:
    async def attempt() -> bool:
        async with platform_over(dsn) as platform:
            try:
                await sign_in(platform, email, PASSWORD, new_client())
            except SignInRefused:
                return False
            return True

    return asyncio.run(attempt())


def test_what_cannot_be_is_said_in_a_line(over_database: Command) -> None:
    for arguments, words in (
        (("invite", "nobody"), "is not an e-mail address"),
        (("invite", "a@shop.example", "--role", "driver"), "its roles are owner, support, finance"),
        (("invite", "a@shop.example", "--account", "no-such"), "no account 'no-such'"),
        (("reset", "a@nowhere.example"), "no person 'a@nowhere.example'"),
        (("disable", "\u202e"), "no person"),
    ):
        said = over_database("people", *arguments, code=1, remarks=True)
        assert words in said
        assert "\u202e" not in said


def test_the_links_of_a_demo_are_printed_until_somebody_has_joined(
    up: Up, command: Command
) -> None:
    people = up.demo["people"]
    assert up.ready["people"] == {name: each["url"] for name, each in people.items()}
    invited = command("people", "list", "--operator", "--json")
    assert [each["email"] for each in invited["invitations"]] == [None]

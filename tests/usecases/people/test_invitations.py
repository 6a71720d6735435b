"""Invitations: they work once, for whom they are, as long as they are good."""

import asyncio
from datetime import timedelta

import pytest

from estafette.core.ids import new_id
from estafette.core.people.organisation import PLATFORM, Organisation, OrganisationKind
from estafette.core.people.permission import Role
from estafette.core.people.person import FieldError
from estafette.core.people.refusals import (
    AlreadyMember,
    EmailTaken,
    InvitationOfAnother,
    InvitationRefused,
    NotFound,
    OrganisationNotFound,
    RoleUnknown,
)
from estafette.usecases.accounts.administration import remove_account
from estafette.usecases.people.accept import join, join_as_new, look_at_invitation
from estafette.usecases.people.invite import invite, list_invitations, withdraw_invitation
from estafette.usecases.people.members import list_members
from estafette.usecases.people.organisations import belongings
from estafette.usecases.people.sessions import NewSession, find_session
from estafette.usecases.platform import Platform
from tests.rows import tables
from tests.usecases.people.people import (
    CLIENT,
    PASSWORD,
    account,
    new_email,
    new_person,
    token_of,
)
from tests.usecases.stage import Tenant


async def accept(platform: Platform, token: str, email: str | None = None) -> NewSession:
    return await join_as_new(
        platform, token, CLIENT, name="A B", password=PASSWORD, language="en", email=email
    )


async def test_who_accepts_is_signed_in_and_belongs(tenant: Tenant) -> None:
    of, email = account(tenant.account.id), new_email()
    link = await invite(tenant.platform, of, Role.DEVELOPER, email)
    new = await accept(tenant.platform, token_of(link.path))
    assert new.person.email == email
    signed_in = await find_session(tenant.platform, new.token)
    assert signed_in is not None
    assert signed_in.person.id == new.person.id
    [belonging] = await belongings(tenant.platform, new.person)
    assert (belonging.name, belonging.membership.role) == (tenant.account.name, Role.DEVELOPER)


async def test_one_of_many_who_use_a_link_at_once_joins(tenant: Tenant) -> None:
    of = account(tenant.account.id)
    link = await invite(tenant.platform, of, Role.VIEWER, None)
    tries = [accept(tenant.platform, token_of(link.path), new_email()) for _ in range(5)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, NewSession) for each in ended) == 1
    assert sum(isinstance(each, InvitationRefused) for each in ended) == 4
    assert len((await list_members(tenant.platform, of)).members) == 1


async def test_a_used_withdrawn_or_unknown_link_opens_nothing(tenant: Tenant) -> None:
    of, platform = account(tenant.account.id), tenant.platform
    used = await invite(platform, of, Role.VIEWER, new_email())
    await accept(platform, token_of(used.path))
    withdrawn = await invite(platform, of, Role.VIEWER, new_email())
    await withdraw_invitation(platform, of, withdrawn.invitation.id)
    for token in (token_of(used.path), token_of(withdrawn.path), "x" * 40, ""):
        with pytest.raises(InvitationRefused):
            await look_at_invitation(platform, token)
        with pytest.raises(InvitationRefused):
            await accept(platform, token, new_email())


async def test_a_link_that_is_over_opens_nothing(tenant: Tenant) -> None:
    of, platform = account(tenant.account.id), tenant.platform
    link = await invite(platform, of, Role.VIEWER, new_email())
    which = {"id": link.invitation.id}
    await tables.change(platform.pool, "invitations", which, expires_at=timedelta(0))
    with pytest.raises(InvitationRefused):
        await accept(platform, token_of(link.path))
    assert await list_invitations(platform, of) == []


async def test_a_second_invitation_of_the_same_person_replaces_the_first(tenant: Tenant) -> None:
    of, email = account(tenant.account.id), new_email()
    first = await invite(tenant.platform, of, Role.VIEWER, email)
    second = await invite(tenant.platform, of, Role.OWNER, email)
    with pytest.raises(InvitationRefused):
        await accept(tenant.platform, token_of(first.path))
    assert await accept(tenant.platform, token_of(second.path))


async def test_no_token_and_no_password_stands_in_the_database(tenant: Tenant) -> None:
    platform = tenant.platform
    link = await invite(platform, account(tenant.account.id), Role.VIEWER, new_email())
    new = await accept(platform, token_of(link.path))
    for table in ("invitations", "sessions", "people"):
        stored = "\n".join(await tables.texts(platform.pool, table))
        assert token_of(link.path) not in stored
        assert new.token not in stored
        assert PASSWORD not in stored


async def test_who_is_known_joins_signed_in_and_by_their_own_invitation(tenant: Tenant) -> None:
    platform, of = tenant.platform, account(tenant.account.id)
    known, other = await new_person(platform), await new_person(platform)
    link = await invite(platform, of, Role.SUPPORT, known.person.email)
    with pytest.raises(EmailTaken):
        await accept(platform, token_of(link.path))
    with pytest.raises(InvitationOfAnother):
        await join(platform, other.signed_in, token_of(link.path), CLIENT)
    assert await join(platform, known.signed_in, token_of(link.path), CLIENT) == of
    places = await belongings(platform, known.person)
    assert {each.membership.organisation for each in places} == {PLATFORM, of}
    with pytest.raises(AlreadyMember):
        await invite(platform, of, Role.OWNER, known.person.email)
    again = await invite(platform, of, Role.OWNER, None)
    with pytest.raises(AlreadyMember):
        await join(platform, known.signed_in, token_of(again.path), CLIENT)
    await look_at_invitation(platform, token_of(again.path))  # it was not used up


async def test_what_cannot_be_is_refused(tenant: Tenant) -> None:
    platform, of = tenant.platform, account(tenant.account.id)
    with pytest.raises(RoleUnknown):
        await invite(platform, of, Role.DRIVER, new_email())
    with pytest.raises(FieldError):
        await invite(platform, of, Role.OWNER, "nobody")
    with pytest.raises(OrganisationNotFound):
        await invite(platform, account(new_id()), Role.OWNER, new_email())
    company = Organisation(OrganisationKind.COMPANY, new_id())
    with pytest.raises(OrganisationNotFound):
        await invite(platform, company, Role.DRIVER, new_email())
    with pytest.raises(NotFound):
        await withdraw_invitation(platform, of, new_id())


async def test_an_invitation_of_another_organisation_is_not_withdrawn(tenant: Tenant) -> None:
    link = await invite(tenant.platform, PLATFORM, Role.OWNER, new_email())
    with pytest.raises(NotFound):
        await withdraw_invitation(tenant.platform, account(tenant.account.id), link.invitation.id)


async def test_an_account_goes_with_its_memberships_and_invitations(tenant: Tenant) -> None:
    platform, of = tenant.platform, account(tenant.account.id)
    member = await new_person(platform, of)
    link = await invite(platform, of, Role.VIEWER, new_email())
    await remove_account(platform, tenant.account.name)
    of_member = {"person_id": member.person.id}
    assert await tables.count(platform.pool, "memberships", of_member) == 0
    with pytest.raises(InvitationRefused):
        await look_at_invitation(platform, token_of(link.path))

"""Sessions: how long they go on, and what ends them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from estafette.core.audit import AuditedAct, By
from estafette.core.people.permission import Role
from estafette.core.people.person import SESSION_IDLE
from estafette.core.people.refusals import (
    LastHead,
    NotFound,
    PersonNotFound,
    RoleUnknown,
    SessionEnded,
    SignInRefused,
)
from estafette.store.audit import AuditFilter
from estafette.store.people import ends
from estafette.usecases.audit import list_entries
from estafette.usecases.people.administration import disable_person, reset_person
from estafette.usecases.people.members import change_role, list_members, remove_member
from estafette.usecases.people.profile import change_password, change_profile
from estafette.usecases.people.sessions import (
    end_other_sessions,
    end_session,
    find_session,
    list_sessions,
    sign_out,
)
from estafette.usecases.people.sign_in import sign_in
from estafette.usecases.platform import Platform
from tests.rows import tables
from tests.usecases.people.people import PASSWORD, Somebody, account, new_person
from tests.usecases.stage import Tenant

ANOTHER = PASSWORD + " together"


async def test_a_session_ends_unused_and_after_its_longest_time(platform: Platform) -> None:
    one = await new_person(platform)
    which = {"id": one.new.session.id}
    await tables.change(platform.pool, "sessions", which, seen_at=-SESSION_IDLE)
    assert await find_session(platform, one.new.token) is None
    assert await list_sessions(platform, one.person) == []
    await tables.change(
        platform.pool, "sessions", which, seen_at=timedelta(0), expires_at=timedelta(0)
    )
    assert await find_session(platform, one.new.token) is None
    async with platform.pool.acquire() as connection:
        await ends.forget(connection)
    assert await tables.count(platform.pool, "sessions", which) == 0


async def test_a_session_that_is_used_goes_on_and_tells_from_where(platform: Platform) -> None:
    one = await new_person(platform)
    which = {"id": one.new.session.id}
    await tables.change(platform.pool, "sessions", which, seen_at=timedelta(hours=-20))
    assert await find_session(platform, one.new.token, "198.51.100.9") is not None
    [session] = await list_sessions(platform, one.person)
    assert session.address == "198.51.100.9"
    assert session.seen_at > session.created_at


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "\ud800", "\0"])
async def test_what_is_no_token_opens_nothing(platform: Platform, token: str) -> None:
    assert await find_session(platform, token) is None


async def test_one_session_is_ended_by_its_person_alone(platform: Platform) -> None:
    one, other = await new_person(platform), await new_person(platform)
    with pytest.raises(NotFound):
        await end_session(platform, other.person, one.new.session.id)
    await end_session(platform, one.person, one.new.session.id)
    assert await find_session(platform, one.new.token) is None
    await sign_out(platform, other.new.token)
    assert await find_session(platform, other.new.token) is None


async def _password(platform: Platform, of: Tenant, one: Somebody) -> None:
    await change_password(platform, one.signed_in, PASSWORD, ANOTHER, one.client)


async def _role(platform: Platform, of: Tenant, one: Somebody) -> None:
    await change_role(platform, account(of.account.id), one.person.id, Role.VIEWER)


async def _removed(platform: Platform, of: Tenant, one: Somebody) -> None:
    await remove_member(platform, account(of.account.id), one.person.id)


async def _disabled(platform: Platform, of: Tenant, one: Somebody) -> None:
    await disable_person(platform, one.person.id, disabled=True)


async def _reset(platform: Platform, of: Tenant, one: Somebody) -> None:
    await reset_person(platform, one.person.id)


@pytest.mark.parametrize("act", [_password, _role, _removed, _disabled, _reset])
async def test_sessions_end_with_what_they_stand_on(
    tenant: Tenant, act: Callable[[Platform, Tenant, Somebody], Awaitable[None]]
) -> None:
    platform, of = tenant.platform, account(tenant.account.id)
    await new_person(platform, of)
    one, other = await new_person(platform, of, Role.DEVELOPER), await new_person(platform, of)
    second = await sign_in(platform, one.person.email, PASSWORD, one.client)
    await act(platform, tenant, one)
    for token in (one.new.token, second.token):
        assert await find_session(platform, token) is None
    assert await find_session(platform, other.new.token) is not None


async def test_a_new_password_goes_on_with_a_new_token(platform: Platform) -> None:
    one = await new_person(platform)
    with pytest.raises(SignInRefused):
        await change_password(platform, one.signed_in, ANOTHER, ANOTHER, one.client)
    new = await change_password(platform, one.signed_in, PASSWORD, ANOTHER, one.client)
    assert await find_session(platform, new.token) is not None
    with pytest.raises(SessionEnded):
        await change_password(platform, one.signed_in, ANOTHER, PASSWORD, one.client)
    with pytest.raises(SignInRefused):
        await sign_in(platform, one.person.email, PASSWORD, one.client)


async def test_all_others_are_ended(platform: Platform) -> None:
    one = await new_person(platform)
    second = await sign_in(platform, one.person.email, PASSWORD, one.client)
    assert await end_other_sessions(platform, one.signed_in) == 1
    assert await find_session(platform, second.token) is None
    assert await find_session(platform, one.new.token) is not None


async def test_the_last_owner_stays(tenant: Tenant) -> None:
    platform, of = tenant.platform, account(tenant.account.id)
    one, viewer = await new_person(platform, of), await new_person(platform, of, Role.VIEWER)
    for refused in (
        remove_member(platform, of, one.person.id),
        change_role(platform, of, one.person.id, Role.VIEWER),
    ):
        with pytest.raises(LastHead):
            await refused
    second = await new_person(platform, of)
    await disable_person(platform, second.person.id, disabled=True)
    with pytest.raises(LastHead):  # who cannot sign in owns nothing
        await remove_member(platform, of, one.person.id)
    await change_role(platform, of, viewer.person.id, Role.OWNER)
    await remove_member(platform, of, one.person.id)
    left = {member.person.id for member in (await list_members(platform, of)).members}
    assert left == {viewer.person.id, second.person.id}


async def test_who_is_not_there_cannot_be_changed(tenant: Tenant) -> None:
    platform, of = tenant.platform, account(tenant.account.id)
    stranger = await new_person(platform)
    for refused in (
        remove_member(platform, of, stranger.person.id),
        change_role(platform, of, stranger.person.id, Role.OWNER),
    ):
        with pytest.raises(PersonNotFound):
            await refused
    with pytest.raises(RoleUnknown):
        await change_role(platform, of, stranger.person.id, Role.MANAGER)


async def test_what_people_do_is_in_the_audit_without_secrets(tenant: Tenant) -> None:
    of = account(tenant.account.id)
    owner = await new_person(tenant.platform, of)
    platform = tenant.platform.acting(By.person(owner.person.id, "203.0.113.1"))
    other = await new_person(platform, of, Role.VIEWER)
    await change_role(platform, of, other.person.id, Role.SUPPORT)
    await change_profile(platform, owner.person, "Sandra N.", "en")
    found = (await list_entries(platform, AuditFilter(of.id), limit=50)).entries
    acts = [entry.act for entry in found if entry.at >= owner.person.created_at]
    assert acts[:3] == [
        AuditedAct.PERSON_ROLE_CHANGED,
        AuditedAct.PERSON_JOINED,
        AuditedAct.INVITATION_CREATED,
    ]
    assert found[0].by == By.person(owner.person.id, "203.0.113.1")
    assert found[0].changes["role"] == ["viewer", "support"]
    assert PASSWORD not in repr(found)
    assert other.new.token not in repr(found)


async def test_who_belongs_to_nothing_is_removed_after_a_while(tenant: Tenant) -> None:
    platform, of = tenant.platform, account(tenant.account.id)
    await new_person(platform, of)
    gone, staying = await new_person(platform, of), await new_person(platform, of)
    await remove_member(platform, of, gone.person.id)
    long_ago = timedelta(days=-91)
    for one in (gone, staying):
        await tables.change(platform.pool, "people", {"id": one.person.id}, seen_at=long_ago)
    async with platform.pool.acquire() as connection:
        await ends.forget(connection)
    ids = [gone.person.id, staying.person.id]
    left = await tables.values(platform.pool, "people", "id", {"id": ids})
    assert left == [staying.person.id]

"""Signing in: who may, who may not, and what the refusal tells: nothing."""

import asyncio
import time
from datetime import timedelta
from statistics import median

import pytest
from pyotp.totp import TOTP

from estafette.core.ids import new_id
from estafette.core.people.person import MOST_SESSIONS, Person
from estafette.core.people.refusals import (
    CodeRefused,
    PeopleRefusal,
    SecondFactorRequired,
    SessionEnded,
    SignInRefused,
    TooManyAttempts,
)
from estafette.usecases.people.administration import disable_person, reset_person
from estafette.usecases.people.organisations import belongings
from estafette.usecases.people.passwords import (
    MEMORY_KIB,
    MOST_FROM_ADDRESS,
    MOST_OF_PERSON,
    NOBODY,
    ROUNDS,
    hashed,
    of_address,
    of_person,
)
from estafette.usecases.people.second_factor import (
    MOST_CODES,
    begin_totp,
    confirm_totp,
    count_recovery_codes,
    remove_totp,
)
from estafette.usecases.people.sessions import (
    Client,
    NewSession,
    SignedIn,
    Stage,
    find_session,
    list_sessions,
    must_enrol,
)
from estafette.usecases.people.sign_in import pass_code, sign_in
from estafette.usecases.platform import Platform
from tests.rows import tables
from tests.usecases.people.people import (
    PASSWORD,
    Somebody,
    account,
    new_client,
    new_email,
    new_person,
)
from tests.usecases.stage import Tenant


async def test_the_right_password_signs_in_with_a_token_of_its_own(platform: Platform) -> None:
    one = await new_person(platform)
    new = await sign_in(platform, one.person.email.upper(), PASSWORD, one.client)
    assert new.session.stage is Stage.OPEN
    assert new.token != one.new.token
    found = await find_session(platform, new.token, one.client.address)
    assert found is not None
    assert found.person.id == one.person.id


async def test_a_refusal_does_not_tell_whether_there_is_such_a_person(platform: Platform) -> None:
    known, disabled = await new_person(platform), await new_person(platform)
    await disable_person(platform, disabled.person.id, disabled=True)
    without = await new_person(platform)
    await reset_person(platform, without.person.id)
    refused: list[PeopleRefusal] = []
    for email in (known.person.email, disabled.person.email, without.person.email, new_email()):
        with pytest.raises(SignInRefused) as told:
            await sign_in(platform, email, "another password", new_client())
        refused.append(told.value)
    assert len({(type(each), str(each)) for each in refused}) == 1
    with pytest.raises(SignInRefused):
        await sign_in(platform, disabled.person.email, PASSWORD, new_client())


async def test_a_refusal_takes_as_long_for_nobody_as_for_somebody(platform: Platform) -> None:
    one = await new_person(platform)

    async def processor_seconds(email: str) -> float:
        began = time.process_time()
        with pytest.raises(SignInRefused):
            await sign_in(platform, email, "another password", new_client())
        return time.process_time() - began

    known = [await processor_seconds(one.person.email) for _ in range(3)]
    unknown = [await processor_seconds(new_email()) for _ in range(3)]
    assert 0.6 < median(known) / median(unknown) < 1.6


async def test_nobodys_hash_costs_what_everybodys_does() -> None:
    parts = (await hashed(PASSWORD)).split("$")[1:4]
    assert parts == NOBODY.split("$")[1:4] == ["argon2id", "v=19", f"m={MEMORY_KIB},t={ROUNDS},p=1"]


async def tried(platform: Platform, subject: bytes, tries: int) -> None:
    """Has so much been tried already."""
    now = timedelta(0)
    await tables.add(platform.pool, "sign_in_tallies", subject=subject, since=now, tries=tries)


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_person_is_tried_so_often_known_or_not(platform: Platform, is_known: bool) -> None:
    email = (await new_person(platform)).person.email if is_known else new_email()
    await tried(platform, of_person(email), MOST_OF_PERSON - 2)
    tries = [sign_in(platform, email, "another password", new_client()) for _ in range(4)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(each) for each in ended].count(SignInRefused) == 2
    late = [each for each in ended if isinstance(each, TooManyAttempts)]
    assert len(late) == 2
    assert all(0 < each.retry_after <= 900 for each in late)
    with pytest.raises(TooManyAttempts):
        await sign_in(platform, email, PASSWORD, new_client())


async def test_an_address_tries_so_often_whomever_it_names(platform: Platform) -> None:
    one, client = await new_person(platform), new_client()
    await tried(platform, of_address(client.address), MOST_FROM_ADDRESS)
    with pytest.raises(TooManyAttempts):
        await sign_in(platform, one.person.email, PASSWORD, client)
    neighbour = Client((client.address or "").replace("::1", "::2"))
    with pytest.raises(TooManyAttempts):
        await sign_in(platform, one.person.email, PASSWORD, neighbour)


async def test_tries_are_forgotten_after_a_while_and_with_success(platform: Platform) -> None:
    one = await new_person(platform)
    await tried(platform, of_person(one.person.email), MOST_OF_PERSON - 1)
    await sign_in(platform, one.person.email, PASSWORD, new_client())
    with pytest.raises(SignInRefused):
        await sign_in(platform, one.person.email, "another password", new_client())


async def test_an_old_session_ends_for_one_too_many(platform: Platform) -> None:
    one = await new_person(platform)
    [row] = await tables.read(platform.pool, "sessions", {"person_id": one.person.id})
    seen_at = row["seen_at"] + timedelta(seconds=1)
    more = [
        {**row, "id": (id := new_id()), "token_hash": id.bytes, "seen_at": seen_at}
        for _ in range(MOST_SESSIONS - 1)
    ]
    await tables.add_many(platform.pool, "sessions", more)
    await sign_in(platform, one.person.email, PASSWORD, one.client)
    assert len(await list_sessions(platform, one.person)) == MOST_SESSIONS
    assert await find_session(platform, one.new.token) is None


async def enrolled(platform: Platform, one: Somebody) -> tuple[TOTP, list[str], NewSession]:
    """Has somebody use an app; returns it, with which the code of now has been shown."""
    offer = await begin_totp(platform, one.person)
    app = TOTP(offer.secret)
    done = await confirm_totp(platform, one.signed_in, app.now(), one.client)
    return app, done.recovery_codes, done.new


async def later(platform: Platform, one: Somebody) -> None:
    """Has the codes that were taken so far be those of long ago."""
    which = {"person_id": one.person.id}
    await tables.change(platform.pool, "totp_secrets", which, last_step=0)


async def test_with_a_second_factor_the_password_alone_opens_nothing(platform: Platform) -> None:
    one = await new_person(platform)
    app, _, _ = await enrolled(platform, one)
    await later(platform, one)
    half = await sign_in(platform, one.person.email, PASSWORD, one.client)
    assert half.session.stage is Stage.SECOND_FACTOR
    assert half.session.id not in {each.id for each in await list_sessions(platform, one.person)}
    whole = await pass_code(platform, half.token, app.now(), one.client)
    assert whole.session.stage is Stage.OPEN
    assert whole.token != half.token
    assert await find_session(platform, half.token) is None


async def test_a_code_is_taken_once(platform: Platform) -> None:
    one = await new_person(platform)
    app, _, _ = await enrolled(platform, one)
    await later(platform, one)
    first = await sign_in(platform, one.person.email, PASSWORD, one.client)
    second = await sign_in(platform, one.person.email, PASSWORD, one.client)
    code = app.now()
    ended = await asyncio.gather(
        pass_code(platform, first.token, code, one.client),
        pass_code(platform, second.token, code, one.client),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in ended) == ["CodeRefused", "NewSession"]
    third = await sign_in(platform, one.person.email, PASSWORD, one.client)
    with pytest.raises(CodeRefused):
        await pass_code(platform, third.token, code, one.client)


async def test_the_code_that_set_the_app_up_signs_nobody_in(platform: Platform) -> None:
    one = await new_person(platform)
    offer = await begin_totp(platform, one.person)
    code = TOTP(offer.secret).now()
    await confirm_totp(platform, one.signed_in, code, one.client)
    half = await sign_in(platform, one.person.email, PASSWORD, one.client)
    with pytest.raises(CodeRefused):
        await pass_code(platform, half.token, code, one.client)


async def test_a_recovery_code_works_once(platform: Platform) -> None:
    one = await new_person(platform)
    _, codes, _ = await enrolled(platform, one)
    assert len(set(codes)) == 10
    halves = [await sign_in(platform, one.person.email, PASSWORD, one.client) for _ in range(2)]
    ended = await asyncio.gather(
        *(pass_code(platform, half.token, codes[0].upper(), one.client) for half in halves),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in ended) == ["CodeRefused", "NewSession"]
    assert await count_recovery_codes(platform, one.person) == 9


async def test_codes_are_tried_so_often(platform: Platform) -> None:
    one = await new_person(platform)
    app, _, _ = await enrolled(platform, one)
    await later(platform, one)
    half = await sign_in(platform, one.person.email, PASSWORD, one.client)
    for code in ("000000", "abcdef", "", "1" * 5000, "а" * 6)[:MOST_CODES]:
        with pytest.raises(CodeRefused):
            await pass_code(platform, half.token, code, one.client)
    with pytest.raises(TooManyAttempts):
        await pass_code(platform, half.token, app.now(), one.client)


async def test_an_app_that_was_never_confirmed_is_no_second_factor(platform: Platform) -> None:
    one = await new_person(platform)
    offer = await begin_totp(platform, one.person)
    new = await sign_in(platform, one.person.email, PASSWORD, one.client)
    assert new.session.stage is Stage.OPEN
    with pytest.raises(SessionEnded):
        await pass_code(platform, new.token, TOTP(offer.secret).now(), one.client)


async def test_setting_the_app_up_renews_the_session_and_ends_all_others(
    platform: Platform,
) -> None:
    one = await new_person(platform)
    other = await sign_in(platform, one.person.email, PASSWORD, one.client)
    _, _, new = await enrolled(platform, one)
    assert await find_session(platform, other.token) is None
    assert await find_session(platform, one.new.token) is None
    assert await find_session(platform, new.token) is not None


async def test_the_operators_people_need_a_second_factor(tenant: Tenant) -> None:
    platform = tenant.platform
    operator = await new_person(platform)
    merchant = await new_person(platform, account(tenant.account.id))

    async def must(person: Person) -> bool:
        of = [one.membership for one in await belongings(platform, person)]
        return must_enrol(platform, person, of)

    assert await must(operator.person)
    assert not await must(merchant.person)
    _, _, new = await enrolled(platform, operator)
    found = await find_session(platform, new.token)
    assert found is not None
    assert not await must(found.person)
    with pytest.raises(SecondFactorRequired):
        await remove_totp(platform, found, PASSWORD)


async def test_a_merchants_person_may_do_without_again(tenant: Tenant) -> None:
    platform = tenant.platform
    one = await new_person(platform, account(tenant.account.id))
    _, _, new = await enrolled(platform, one)
    with pytest.raises(SignInRefused):
        await remove_totp(platform, SignedIn(new.session, new.person), "another password")
    await remove_totp(platform, SignedIn(new.session, new.person), PASSWORD)
    assert (await sign_in(platform, one.person.email, PASSWORD, one.client)).session.stage is (
        Stage.OPEN
    )

"""Passkeys: they sign in by themselves or as a second factor, and a challenge is answered once."""

from dataclasses import replace

import pytest

from estafette.core.ids import new_id
from estafette.core.people.refusals import (
    NotFound,
    PasskeyRefused,
    SecondFactorRequired,
    SessionEnded,
    SignInRefused,
)
from estafette.usecases.people.administration import disable_person
from estafette.usecases.people.passkeys import (
    add_passkey,
    begin_adding,
    begin_second_factor,
    begin_sign_in,
    list_passkeys,
    pass_passkey,
    remove_passkey,
    sign_in_by_passkey,
)
from estafette.usecases.people.sessions import Stage, find_session
from estafette.usecases.people.sign_in import sign_in
from estafette.usecases.platform import Platform
from tests.usecases.people.device import Device
from tests.usecases.people.people import PASSWORD, Somebody, account, new_person
from tests.usecases.stage import Tenant

ORIGIN, HOST = "https://office.example", "office.example"


@pytest.fixture
def named(platform: Platform) -> Platform:
    """The platform at a host with a name."""
    return replace(platform, public_url=ORIGIN)


async def with_passkey(platform: Platform, one: Somebody) -> Device:
    device = Device(ORIGIN, HOST)
    asked = await begin_adding(platform, one.person, PASSWORD)
    answer = device.make(asked.options)
    await add_passkey(platform, one.signed_in, asked.challenge_id, answer, "Sandra's phone")
    return device


async def test_a_passkey_signs_in_by_itself(named: Platform) -> None:
    one = await new_person(named)
    device = await with_passkey(named, one)
    asked = await begin_sign_in(named, one.client)
    new = await sign_in_by_passkey(
        named, asked.challenge_id, device.sign(asked.options), one.client
    )
    assert new.person.id == one.person.id
    assert new.session.stage is Stage.OPEN
    [known] = await list_passkeys(named, one.person)
    assert (known.name, known.sign_count) == ("Sandra's phone", 1)
    assert known.used_at is not None


async def test_a_passkey_is_a_second_factor(named: Platform) -> None:
    one = await new_person(named)
    device = await with_passkey(named, one)
    half = await sign_in(named, one.person.email, PASSWORD, one.client)
    assert half.session.stage is Stage.SECOND_FACTOR
    asked = await begin_second_factor(named, half.token, one.client)
    answer = device.sign(asked.options)
    whole = await pass_passkey(named, half.token, asked.challenge_id, answer, one.client)
    assert whole.token != half.token
    assert await find_session(named, half.token) is None
    with pytest.raises(SessionEnded):
        await begin_second_factor(named, whole.token, one.client)


async def test_a_challenge_is_answered_once(named: Platform) -> None:
    one = await new_person(named)
    device = await with_passkey(named, one)
    asked = await begin_sign_in(named, one.client)
    answer = device.sign(asked.options)
    await sign_in_by_passkey(named, asked.challenge_id, answer, one.client)
    with pytest.raises(PasskeyRefused):
        await sign_in_by_passkey(named, asked.challenge_id, answer, one.client)
    other = await begin_sign_in(named, one.client)
    with pytest.raises(PasskeyRefused):  # an answer to another challenge
        await sign_in_by_passkey(named, other.challenge_id, answer, one.client)
    with pytest.raises(PasskeyRefused):
        await sign_in_by_passkey(named, new_id(), answer, one.client)


async def test_a_challenge_is_for_one_person_and_one_purpose(named: Platform) -> None:
    one, other = await new_person(named), await new_person(named)
    device, of_other = await with_passkey(named, one), await with_passkey(named, other)
    half = await sign_in(named, one.person.email, PASSWORD, one.client)
    asked = await begin_second_factor(named, half.token, one.client)
    answer = of_other.sign(asked.options)
    with pytest.raises(PasskeyRefused):
        await pass_passkey(named, half.token, asked.challenge_id, answer, one.client)
    asked = await begin_sign_in(named, one.client)
    answer = device.sign(asked.options)
    with pytest.raises(PasskeyRefused):
        await pass_passkey(named, half.token, asked.challenge_id, answer, one.client)
    adding = await begin_adding(named, one.person, PASSWORD)
    made = Device(ORIGIN, HOST).make(adding.options)
    with pytest.raises(PasskeyRefused):
        await add_passkey(named, other.signed_in, adding.challenge_id, made, "stolen")


@pytest.mark.parametrize(
    "device",
    [
        Device("https://evil.example", HOST),
        Device(ORIGIN, "evil.example"),
        Device(ORIGIN, HOST, verifies=False),
    ],
)
async def test_a_passkey_of_another_page_or_that_asks_nobody_is_refused(
    named: Platform, device: Device
) -> None:
    one = await new_person(named)
    asked = await begin_adding(named, one.person, PASSWORD)
    made = device.make(asked.options)
    with pytest.raises(PasskeyRefused):
        await add_passkey(named, one.signed_in, asked.challenge_id, made, "phone")
    assert await list_passkeys(named, one.person) == []


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", '{"rawId": 5}', '{"rawId": "AA"}', "x" * 20_000, "[" * 9_000]
)
async def test_what_is_no_answer_is_refused(named: Platform, answer: str) -> None:
    one = await new_person(named)
    asked = await begin_sign_in(named, one.client)
    with pytest.raises(PasskeyRefused):
        await sign_in_by_passkey(named, asked.challenge_id, answer, one.client)
    adding = await begin_adding(named, one.person, PASSWORD)
    with pytest.raises(PasskeyRefused):
        await add_passkey(named, one.signed_in, adding.challenge_id, answer, "phone")


async def test_a_copy_of_a_device_is_noticed_by_its_count(named: Platform) -> None:
    one = await new_person(named)
    device = await with_passkey(named, one)
    for count, is_taken in ((5, True), (3, False)):
        device.count = count - 1
        asked = await begin_sign_in(named, one.client)
        answer = device.sign(asked.options)
        if is_taken:
            await sign_in_by_passkey(named, asked.challenge_id, answer, one.client)
        else:
            with pytest.raises(PasskeyRefused):
                await sign_in_by_passkey(named, asked.challenge_id, answer, one.client)


async def test_a_disabled_persons_passkey_opens_nothing(named: Platform) -> None:
    one = await new_person(named)
    device = await with_passkey(named, one)
    await new_person(named)
    await disable_person(named, one.person.id, disabled=True)
    asked = await begin_sign_in(named, one.client)
    answer = device.sign(asked.options)
    with pytest.raises(PasskeyRefused):
        await sign_in_by_passkey(named, asked.challenge_id, answer, one.client)


async def test_adding_and_removing_one_takes_the_password_and_ends_other_sessions(
    tenant: Tenant,
) -> None:
    platform = replace(tenant.platform, public_url=ORIGIN)
    one = await new_person(platform, account(tenant.account.id))
    other = await sign_in(platform, one.person.email, PASSWORD, one.client)
    with pytest.raises(SignInRefused):
        await begin_adding(platform, one.person, "another password")
    await with_passkey(platform, one)
    assert await find_session(platform, other.token) is None
    [known] = await list_passkeys(platform, one.person)
    with pytest.raises(SignInRefused):
        await remove_passkey(platform, one.signed_in, known.id, "another password")
    with pytest.raises(NotFound):
        await remove_passkey(platform, one.signed_in, new_id(), PASSWORD)
    await remove_passkey(platform, one.signed_in, known.id, PASSWORD)
    assert await list_passkeys(platform, one.person) == []


async def test_the_operators_people_keep_their_last_one(named: Platform) -> None:
    one = await new_person(named)
    await with_passkey(named, one)
    [known] = await list_passkeys(named, one.person)
    with pytest.raises(SecondFactorRequired):
        await remove_passkey(named, one.signed_in, known.id, PASSWORD)


async def test_a_server_without_a_name_has_no_passkeys(platform: Platform) -> None:
    bare = replace(platform, public_url="http://192.0.2.1:8000")
    one = await new_person(bare)
    with pytest.raises(PasskeyRefused, match="host name"):
        await begin_sign_in(bare, one.client)

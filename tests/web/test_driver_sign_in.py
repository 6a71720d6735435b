"""Drivers sign in by phone and code, over HTTP."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import orjson
import pytest

from estafette.core.fleet.driver import Vehicle
from estafette.core.fleet.session import MOST_TRIES
from estafette.core.notifications.letter import LetterKind
from estafette.notifications import texts
from estafette.usecases.fleet.drivers import add_driver, change_driver, remove_driver
from estafette.usecases.fleet.positions import has_token, renew_token
from estafette.usecases.notifications import outbox
from estafette.usecases.notifications.outbox import DueLetter
from tests.rows import tables
from tests.serving import Server, running
from tests.web.drivers import DriverStage, driver_stage, new_phone
from tests.web.people import PersonAtBrowser, at_browser, new_company


@pytest.fixture
async def stage(postgres_dsn: str) -> AsyncIterator[DriverStage]:
    async with running(postgres_dsn) as server:
        yield await driver_stage(server)


async def code_for(server: Server, phone: str) -> str | None:
    """The code in the newest text that waits to be sent to a phone."""
    platform = server.platform
    found = None
    for row in await tables.read(platform.pool, "letters", order="id"):
        if row["kind"] != LetterKind.SIGN_IN_CODE or row["content"] is None:
            continue
        content = orjson.loads(platform.cipher.decrypt(row["content"], row["id"].bytes))
        if content["to"] == phone:
            found = content["facts"]["code"]
    return found


async def ask_code(browser: PersonAtBrowser, phone: str) -> None:
    answer = await browser.send("/driver/sign-in", phone=phone)
    assert (answer.status, answer.headers["location"]) == (303, "/driver/sign-in/code?lang=en")


async def test_a_driver_signs_in_by_the_code_that_was_sent_and_stays_signed_in(
    stage: DriverStage,
) -> None:
    driver = await stage.driver()
    phone = at_browser(stage.server)
    assert (await phone.get("/driver")).headers["location"] == "/driver/sign-in"
    await ask_code(phone, driver.phone_e164)
    code = await code_for(stage.server, driver.phone_e164)
    assert code is not None
    assert re.fullmatch(r"[0-9]{6}", code)
    answer = await phone.send("/driver/sign-in/code", code=f" {code[:3]} {code[3:]} ")
    assert (answer.status, answer.headers["location"]) == (303, "/driver")
    assert (await phone.get("/driver/day")).told["driver"]["id"] == str(driver.id)
    again = at_browser(stage.server)
    await ask_code(again, driver.phone_e164)
    refused = await again.send("/driver/sign-in/code", code=code)
    assert refused.status == 422, "a code works once"
    assert (await again.get("/driver/day")).status == 401


async def test_a_number_without_its_country_is_read_as_of_each_market(stage: DriverStage) -> None:
    driver = await stage.driver()
    phone = at_browser(stage.server)
    await ask_code(phone, driver.phone_e164.removeprefix("+244"))
    assert await code_for(stage.server, driver.phone_e164) is not None


async def test_a_phone_of_nobody_is_answered_as_a_drivers_is(stage: DriverStage) -> None:
    known, unknown = (await stage.driver()).phone_e164, new_phone()
    seen: list[tuple[int, int, bytes]] = []
    for number in (known, unknown):
        phone = at_browser(stage.server)
        await ask_code(phone, number)
        page = await phone.get("/driver/sign-in/code")
        wrong = await phone.send("/driver/sign-in/code", code="000000")
        body = (page.body + wrong.body).replace(number.encode(), b"")
        seen.append((page.status, wrong.status, body))
    assert seen[0] == seen[1]
    assert await code_for(stage.server, unknown) is None


async def test_a_code_can_be_tried_so_often_and_no_more(stage: DriverStage) -> None:
    driver = await stage.driver()
    phone = at_browser(stage.server)
    await ask_code(phone, driver.phone_e164)
    code = await code_for(stage.server, driver.phone_e164)
    assert code is not None
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(MOST_TRIES):
        assert (await phone.send("/driver/sign-in/code", code=wrong)).status == 422
    assert (await phone.send("/driver/sign-in/code", code=code)).status == 422
    assert (await phone.get("/driver/day")).status == 401


@pytest.mark.parametrize("is_known", [True, False])
async def test_codes_are_sent_to_one_phone_within_bounds(
    stage: DriverStage, *, is_known: bool
) -> None:
    number = (await stage.driver()).phone_e164 if is_known else new_phone()
    phone = at_browser(stage.server)
    answers = [await phone.send("/driver/sign-in", phone=number) for _ in range(4)]
    assert [answer.status for answer in answers] == [303, 303, 303, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_what_is_no_phone_number_is_said_to_be_none(stage: DriverStage) -> None:
    phone = at_browser(stage.server)
    for text in ("", "12", "a@b.example", "+" * 41, "\u202e+244923444555" * 3):
        answer = await phone.send("/driver/sign-in", phone=text)
        assert answer.status == 422, text
        assert b"This is no phone number" in answer.body


async def test_a_driver_who_was_removed_or_has_another_phone_is_out_at_once(
    stage: DriverStage,
) -> None:
    ze = await stage.driver_at_phone()
    assert (await ze.get("/driver/day")).status == 200
    of = (stage.server.platform, stage.company_id, ze.driver.id)
    await renew_token(stage.server.platform, ze.driver)
    await change_driver(*of, name="José")
    assert (await ze.get("/driver/day")).status == 200
    await change_driver(*of, phone_e164=new_phone())
    assert (await ze.get("/driver/day")).status == 401
    assert not await has_token(stage.server.platform, ze.driver)
    ana = await stage.driver_at_phone(name="Ana")
    await remove_driver(stage.server.platform, stage.company_id, ana.driver.id)
    assert (await ana.get("/driver/day")).status == 401


async def test_a_drivers_session_opens_no_page_of_other_people(stage: DriverStage) -> None:
    ze = await stage.driver_at_phone()
    ((name, token),) = ze.cookies.items()
    stranger = at_browser(stage.server)
    stranger.cookies = {name.replace("driver", "session"): token}
    for path in ("/me", "/office", "/sign-in/code"):
        answer = await stranger.get(path)
        assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")


async def test_the_code_is_told_in_the_drivers_language(stage: DriverStage) -> None:
    driver = await stage.driver()
    phone = at_browser(stage.server)
    await phone.send("/driver/sign-in?lang=pt", phone=driver.phone_e164)
    code = await code_for(stage.server, driver.phone_e164)
    claimed = await outbox.claim(stage.server.platform, timedelta(seconds=30), 1000)
    said = [
        texts.code(one.id, one.letter).text
        for one in claimed.due
        if isinstance(one, DueLetter) and one.letter and one.letter.to == driver.phone_e164
    ]
    assert said == [
        f"{code} é o seu código para a página do motorista. Vale 10 minutos. Não o diga a ninguém."
    ]


async def test_whose_phone_several_companies_know_chooses_for_whom_they_drive(
    stage: DriverStage,
) -> None:
    driver = await stage.driver()
    other = await new_company(stage.server, "AO")
    again = await add_driver(
        stage.server.platform,
        other,
        name="Zé",
        phone_e164=driver.phone_e164,
        vehicle=Vehicle.CAR,
    )
    for company_id, expected in ((driver.company_id, driver), (other, again)):
        phone = at_browser(stage.server)
        await ask_code(phone, driver.phone_e164)
        code = await code_for(stage.server, driver.phone_e164)
        assert code is not None
        page = await phone.send("/driver/sign-in/code", code=code)
        assert page.status == 200
        assert company_id.hex in page.body.decode()
        assert (await phone.get("/driver/day")).status == 401, "nobody is signed in yet"
        strange = await phone.send("/driver/sign-in/code", code=code, company=uuid4().hex)
        assert strange.status == 422
        assert (
            await phone.send("/driver/sign-in/code", code=code, company=company_id.hex)
        ).status == 303
        day = (await phone.get("/driver/day")).told
        assert day["driver"]["id"] == str(expected.id)

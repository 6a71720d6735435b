"""What follows failed attempts: said on the pages of merchants, companies and the platform."""

import re
from html import unescape

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.failing import AfterAttempts, AttemptReason, FailurePolicy
from estafette.core.deliveries.windows import WindowRules
from estafette.core.people.permission import Role
from estafette.usecases.accounts.settings import account_with_settings
from estafette.usecases.couriers.companies import company_of
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.steps import pick_up, set_out
from tests.web.board_stage import Stage
from tests.web.people import PersonAtBrowser, sign_in, sign_in_at_company


async def read(who: PersonAtBrowser, path: str) -> str:
    answer = await who.get(path)
    assert answer.status == 200
    return unescape(answer.body.decode())


async def test_a_merchant_says_it_of_all_deliveries_and_a_value_that_is_none_is_refused(
    stage: Stage,
) -> None:
    account, platform = stage.shop.account, stage.server.platform
    who = await sign_in(stage.server, account, Role.SUPPORT, mode=Mode.LIVE)
    path = f"{who.home}/failing"
    wrong = await who.fill(path, f"{path}/change", attempts="6")
    assert wrong.status == 422
    answer = await who.fill(path, f"{path}/change", attempts="3", then="leave_at_door")
    assert "This holds from now on." in (await who.follow(answer)).body.decode()
    said = (await account_with_settings(platform, account.id)).failing
    assert said == FailurePolicy(3, AfterAttempts.LEAVE)
    assert (await who.fill(path, f"{path}/change", attempts="")).status == 303
    assert (await account_with_settings(platform, account.id)).failing is None
    viewer = await sign_in(stage.server, account, Role.VIEWER, mode=Mode.LIVE)
    assert "disabled" in await read(viewer, path)
    assert (await viewer.send(f"{path}/change", {"attempts": "1"})).status == 403


async def test_a_manager_sets_the_policy_and_the_windows_on_the_board(stage: Stage) -> None:
    manager = await sign_in_at_company(stage.server, stage.company_id, mode=Mode.LIVE)
    path, platform = f"{manager.home}/company", stage.server.platform
    action = f"{path}/failing"
    wrong = await manager.fill(path, action, window_hours="99")
    assert wrong.status == 422
    assert re.search(r'value="99"[^>]*window_hours-error', wrong.body.decode()), (
        "it stays in the form"
    )
    assert "A number from 1 to 12." in wrong.body.decode()
    said = {"attempts": "2", "then": "discard", "window_hours": "2", "window_changes": "0"}
    answer = await manager.fill(path, action, **said)
    assert "This holds from now on." in (await manager.follow(answer)).body.decode()
    able = (await company_of(platform, stage.company_id)).capabilities
    assert able.failing == FailurePolicy(2, AfterAttempts.DISCARD)
    assert able.windows == WindowRules(hours=2, days=3, changes=0)
    assert "2 attempts · It is discarded" in await read(stage.dispatcher, path)
    assert (await stage.dispatcher.send(action, said)).status == 403

    owner = await sign_in(stage.server)
    settings = f"/office/companies/{stage.company_id.hex}/settings"
    sent = await owner.fill(settings, parcel_types="small", attempts="1", window_days="7")
    assert sent.status == 303, sent.body
    able = (await company_of(platform, stage.company_id)).capabilities
    assert able.failing == FailurePolicy(1, AfterAttempts.DISCARD)
    assert able.windows == WindowRules(hours=2, days=7, changes=0)
    faulty = await owner.fill(settings, parcel_types="small", window_hours="0")
    assert faulty.status == 422
    assert 'id="window_hours-error"' in faulty.body.decode()


@pytest.mark.parametrize(
    ("language", "reason", "times", "back", "end"),
    [
        (
            *("en", "Nobody was there: Dog", "1 failed attempt", "It is brought back by"),
            "2 attempts · It is brought back",
        ),
        (
            *("ru", "Никого не было: Dog", "1 неудачная попытка", "Возвращается этой доставкой"),
            "2 попытки · Возвращается",
        ),
    ],
)
async def test_attempts_are_shown_in_the_readers_words_and_the_return_is_linked_both_ways(
    stage: Stage, language: str, reason: str, times: str, back: str, end: str
) -> None:
    driver, platform = await stage.driver("Zé"), stage.server.platform
    delivery = await stage.shop.create(failing=FailurePolicy(2, AfterAttempts.RETURN))
    await assign(platform, stage.company_id, delivery.id, driver.id)
    of = (platform, stage.company_id, driver.id, delivery.id)
    await pick_up(*of)
    await attempt_failed(*of, AttemptReason.NOBODY_THERE, "Dog")
    merchant = await sign_in(
        stage.server, stage.shop.account, Role.VIEWER, mode=Mode.LIVE, language=language
    )
    dispatcher = await sign_in_at_company(
        stage.server, stage.company_id, Role.DISPATCHER, mode=Mode.LIVE, language=language
    )
    assert times in await read(dispatcher, dispatcher.home)
    for who in (merchant, dispatcher):
        page = await read(who, f"{who.home}/deliveries/{delivery.id.hex}")
        assert reason in page
        assert "nobody was there" not in page
    await set_out(*of)
    await attempt_failed(*of, AttemptReason.NOBODY_THERE)
    returned = (await stage.shop.delivery(delivery.id)).return_id
    assert returned is not None
    for who in (merchant, dispatcher):
        page = await read(who, f"{who.home}/deliveries/{delivery.id.hex}")
        assert back in page
        assert f"{end}: DLV-" in page
        assert "attempts: returned" not in page
        assert f'href="{who.home}/deliveries/{returned.hex}"' in page
        page = await read(who, f"{who.home}/deliveries/{returned.hex}")
        assert f'href="{who.home}/deliveries/{delivery.id.hex}"' in page

"""Accounts as the operator's people see and set them."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest

from estafette.core.edition import EditedMeanwhileError
from estafette.usecases.accounts.administration import (
    AccountRefusedError,
    create_account,
    disable_account,
    set_rate,
)
from estafette.usecases.accounts.settings import (
    AccountFilter,
    OpenedAccount,
    account_with_settings,
    page_of_accounts,
    set_account,
)
from estafette.usecases.platform import Platform
from tests.rows import tables


async def _opened(platform: Platform, name: str | None = None) -> OpenedAccount:
    account, keys = await create_account(platform, name or f"t-{uuid4().hex}", "KZ", modes=())
    assert keys == []  # its own people make them
    return await account_with_settings(platform, account.id)


async def _save(platform: Platform, opened: OpenedAccount, rate: int) -> OpenedAccount:
    return await set_account(
        platform,
        opened.account.id,
        rate_per_second=rate,
        burst=opened.account.burst,
        personal_data_days=30,
        edition=opened.edition,
    )


async def test_of_two_who_edit_an_account_the_second_is_told_and_can_save_what_is_there_now(
    platform: Platform,
) -> None:
    opened = await _opened(platform)
    saved = await asyncio.gather(
        *(_save(platform, opened, rate) for rate in (7, 8, 9)), return_exceptions=True
    )
    (won,) = (one for one in saved if isinstance(one, OpenedAccount))
    lost = [one for one in saved if isinstance(one, EditedMeanwhileError)]
    assert [one.now for one in lost] == [won.edition] * 2
    assert await account_with_settings(platform, opened.account.id) == won
    assert (await _save(platform, won, 11)).account.rate_per_second == 11


async def test_what_a_command_changes_is_noticed_and_a_change_that_was_taken_back_is_none(
    platform: Platform,
) -> None:
    opened = await _opened(platform)
    name, rate = opened.account.name, opened.account.rate_per_second
    await set_rate(platform, name, rate + 1, opened.account.burst)
    with pytest.raises(EditedMeanwhileError):
        await _save(platform, opened, 5)
    await set_rate(platform, name, rate, opened.account.burst)
    assert (await _save(platform, opened, 5)).personal_data_days == 30


async def test_what_was_set_is_in_the_audit_with_what_it_was(platform: Platform) -> None:
    opened = await _opened(platform)
    await _save(platform, opened, 5)
    of_it = {"object": str(opened.account.id), "act": "account.changed"}
    (entry,) = await tables.read(platform.pool, "audit", of_it)
    assert orjson.loads(entry["changes"]) == {
        "rate_per_second": [opened.account.rate_per_second, 5],
        "personal_data_days": [None, 30],
    }


@pytest.mark.parametrize(
    "wrong", [{"rate_per_second": 0}, {"burst": 2_000_000}, {"personal_data_days": 0}]
)
async def test_what_cannot_be_set_changes_nothing(
    platform: Platform, wrong: dict[str, int]
) -> None:
    opened = await _opened(platform)
    wanted: dict[str, Any] = {
        "rate_per_second": 5,
        "burst": 5,
        "personal_data_days": 30,
        **wrong,
    }
    with pytest.raises(AccountRefusedError):
        await set_account(platform, opened.account.id, **wanted)
    assert await account_with_settings(platform, opened.account.id) == opened


async def test_accounts_are_found_by_a_part_of_their_name_and_shown_by_the_page(
    platform: Platform,
) -> None:
    part = uuid4().hex
    for name in (f"c-{part}", f"a-{part}", f"b-{part}"):
        await _opened(platform, name)
    await disable_account(platform, f"b-{part}", disabled=True)
    first = await page_of_accounts(platform, AccountFilter(part), limit=2)
    assert [one.name for one in first.accounts] == [f"a-{part}", f"b-{part}"]
    last = await page_of_accounts(platform, AccountFilter(part), first.next, limit=2)
    assert ([one.name for one in last.accounts], last.next) == ([f"c-{part}"], None)
    disabled = await page_of_accounts(platform, AccountFilter(part, is_disabled=True))
    assert [one.name for one in disabled.accounts] == [f"b-{part}"]
    assert (await page_of_accounts(platform, AccountFilter(part, "AO"))).accounts == []

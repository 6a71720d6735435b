"""Accounts as the operator's people see and set them: lists, one with its settings, a visit."""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Account
from estafette.core.audit import AuditedAct, difference
from estafette.core.edition import edition_of, must_be
from estafette.store.accounts import table as accounts
from estafette.store.accounts.table import AccountFilter, AccountSettings
from estafette.usecases import audit
from estafette.usecases.accounts.administration import (
    AccountNotFoundError,
    checked_personal_data_days,
    checked_positive,
)
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.platform import Platform

__all__ = [
    "AccountFilter",
    "AccountsPage",
    "OpenedAccount",
    "account_with_settings",
    "accounts_of",
    "page_of_accounts",
    "set_account",
]


class AccountsPage(NamedTuple):
    """Some accounts by name; the list goes on after `next`, None: these are the last."""

    accounts: list[Account]
    next: str | None


async def page_of_accounts(
    platform: Platform, wanted: AccountFilter, after: str | None = None, limit: int = 50
) -> AccountsPage:
    """Returns accounts, those that follow the name `after`. Raises Busy."""
    async with reading(platform) as connection:
        found = await accounts.page(connection, wanted, after or "", limit + 1)
    shown = found[:limit]
    return AccountsPage(shown, shown[-1].name if len(found) > limit else None)


async def accounts_of(platform: Platform, ids: Collection[UUID]) -> dict[UUID, Account]:
    """Returns the accounts of these ids, by them; as many as a page shows. Raises Busy."""
    async with reading(platform) as connection:
        return await accounts.find_all(connection, ids)


class OpenedAccount(NamedTuple):
    """An account as somebody opens it to set it, in its edition (see `core.edition`)."""

    account: Account
    personal_data_days: int | None
    edition: str


async def account_with_settings(platform: Platform, account_id: UUID) -> OpenedAccount:
    """Returns an account with its settings. Raises AccountNotFoundError or Busy."""
    async with reading(platform) as connection:
        found = await accounts.settings_of(connection, account_id)
    if found is None:
        raise AccountNotFoundError(str(account_id))
    return _opened(found)


async def set_account(
    platform: Platform,
    account_id: UUID,
    *,
    rate_per_second: int,
    burst: int,
    personal_data_days: int | None,
    edition: str | None = None,
) -> OpenedAccount:
    """Sets what an account may ask for, and for how long its personal data is kept.

    `edition` is that in which the account was opened; None: whatever it is. Raises
    AccountNotFoundError, AccountRefusedError, EditedMeanwhileError or Busy.
    """
    checked_positive("rate", rate_per_second)
    checked_positive("burst", burst)
    checked_personal_data_days(personal_data_days)
    async with writing(platform) as connection:
        found = await accounts.lock_settings(connection, account_id)
        if found is None:
            raise AccountNotFoundError(str(account_id))
        before = _opened(found)
        must_be(edition, before.edition)
        await accounts.set_rate(connection, account_id, rate_per_second, burst)
        await accounts.keep_personal_data(connection, account_id, personal_data_days)
        account = replace(found.account, rate_per_second=rate_per_second, burst=burst)
        after = _opened(AccountSettings(account, personal_data_days))
        if changes := difference(_facts(before), _facts(after)):
            act = AuditedAct.ACCOUNT_CHANGED
            await audit.note(connection, platform.by, act, account_id, changes, of=account_id)
    return after


def _opened(found: AccountSettings) -> OpenedAccount:
    account, days = found
    edition = edition_of(account.rate_per_second, account.burst, days, account.is_disabled)
    return OpenedAccount(account, days, edition)


def _facts(opened: OpenedAccount) -> dict[str, int | None]:
    return {
        "rate_per_second": opened.account.rate_per_second,
        "burst": opened.account.burst,
        "personal_data_days": opened.personal_data_days,
    }

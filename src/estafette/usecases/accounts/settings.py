"""Accounts as the operator's people see and set them: lists, one with its settings, a visit."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Account
from estafette.core.audit import AuditedAct, difference
from estafette.core.deliveries.failing import FailurePolicy
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
    "Said",
    "account_with_settings",
    "accounts_of",
    "page_of_accounts",
    "say_failing",
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
    """An account as somebody opens it to set it, in its edition (see `core.edition`).

    `failing` is what its people have said of failed attempts; None: nothing.
    """

    account: Account
    personal_data_days: int | None
    edition: str
    failing: FailurePolicy | None


class Said(NamedTuple):
    """What shall hold of failed attempts from now on; None: what each courier company says."""

    policy: FailurePolicy | None


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
    said: Said | None = None,
    edition: str | None = None,
) -> OpenedAccount:
    """Sets what an account may ask for, and for how long its personal data is kept.

    With `said`, what becomes of its deliveries that cannot be handed over, too.
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
        policy = found.failing if said is None else said.policy
        await accounts.set_failing(connection, account_id, policy)
        after = _opened(AccountSettings(account, personal_data_days, policy))
        if changes := difference(_facts(before), _facts(after)):
            act = AuditedAct.ACCOUNT_CHANGED
            await audit.note(connection, platform.by, act, account_id, changes, of=account_id)
    return after


def _opened(found: AccountSettings) -> OpenedAccount:
    account, days, failing = found
    facts = (account.rate_per_second, account.burst, days, account.is_disabled, failing)
    return OpenedAccount(account, days, edition_of(*facts), failing)


async def say_failing(
    platform: Platform, account_id: UUID, policy: FailurePolicy | None, *, edition: str | None
) -> OpenedAccount:
    """Sets what becomes of an account's deliveries that cannot be handed over, as its people say.

    None: what each courier company says. `edition` is that in which it was opened; None: whatever
    it is. Raises AccountNotFoundError, EditedMeanwhileError or Busy.
    """
    async with writing(platform) as connection:
        found = await accounts.lock_settings(connection, account_id)
        if found is None:
            raise AccountNotFoundError(str(account_id))
        before = _opened(found)
        must_be(edition, before.edition)
        await accounts.set_failing(connection, account_id, policy)
        after = _opened(found._replace(failing=policy))
        if changes := difference(_facts(before), _facts(after)):
            act = AuditedAct.ACCOUNT_CHANGED
            await audit.note(connection, platform.by, act, account_id, changes, of=account_id)
    return after


def _facts(opened: OpenedAccount) -> dict[str, Any]:
    policy = opened.failing
    return {
        "failing_attempts": policy and policy.attempts,
        "failing_then": policy and policy.then.value,
        "rate_per_second": opened.account.rate_per_second,
        "burst": opened.account.burst,
        "personal_data_days": opened.personal_data_days,
    }

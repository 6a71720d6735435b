"""Accounts: list, open, show, change, close, open again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from estafette.core.people.permission import PersonAct
from estafette.dialects.operator import mapping, schemas
from estafette.dialects.operator.listing import cursor, flag, limit_of, market, write_cursor
from estafette.dialects.operator.operations import Asked, Operation
from estafette.http.operations import json
from estafette.http.parameters import text
from estafette.http.reply import JSON, HttpReply
from estafette.usecases.accounts.administration import (
    RATE_PER_SECOND,
    create_account,
    disable_account,
)
from estafette.usecases.accounts.settings import (
    AccountFilter,
    OpenedAccount,
    Said,
    account_with_settings,
    page_of_accounts,
    set_account,
)


def in_edition(value: Mapping[str, Any], edition: str, status: int = 200) -> HttpReply:
    """Returns an answer in JSON with the edition of what it shows."""
    tag = (b"etag", f'"{edition}"'.encode())
    return json(status, value)._replace(headers=(JSON, tag))


def _opened(found: OpenedAccount) -> HttpReply:
    return in_edition(mapping.opened_account(found), found.edition)


async def _list(asked: Asked) -> HttpReply:
    wanted = AccountFilter(
        part=asked.query.read("name", text) or "",
        market=asked.query.read("market", market),
        is_disabled=asked.query.read("closed", flag),
    )
    after, limit = asked.query.read("cursor", cursor), limit_of(asked.query)
    asked.must_be_read("name", "market", "closed", "cursor", "limit")
    page = await page_of_accounts(asked.platform, wanted, after, limit)
    following = None if page.next is None else write_cursor(page.next)
    return json(200, {"data": [*map(mapping.account, page.accounts)], "next": following})


async def _create(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted = asked.read(schemas.NewAccount)
    account, issued = await create_account(
        asked.platform,
        wanted.name,
        wanted.market,
        rate_per_second=wanted.rate_per_second or RATE_PER_SECOND,
        burst=wanted.burst,
    )
    found = await account_with_settings(asked.platform, account.id)
    value = {**mapping.opened_account(found), "keys": [*map(mapping.issued_key, issued)]}
    return in_edition(value, found.edition, 201)


async def _show(asked: Asked) -> HttpReply:
    asked.must_be_read()
    return _opened(await account_with_settings(asked.platform, asked.id("account")))


async def _change(asked: Asked) -> HttpReply:
    asked.must_be_read()
    id, wanted = asked.id("account"), asked.read(schemas.AccountChanges)
    before = await account_with_settings(asked.platform, id)
    days = before.personal_data_days
    if "personal_data_days" in wanted.model_fields_set:
        days = wanted.personal_data_days
    return _opened(
        await set_account(
            asked.platform,
            id,
            rate_per_second=wanted.rate_per_second or before.account.rate_per_second,
            burst=wanted.burst or before.account.burst,
            personal_data_days=days,
            said=Said(wanted.failing) if "failing" in wanted.model_fields_set else None,
            edition=asked.edition or before.edition,
        )
    )


async def _close(asked: Asked) -> HttpReply:
    return await _switch(asked, asked.id("account"), disabled=True)


async def _open(asked: Asked) -> HttpReply:
    return await _switch(asked, asked.id("account"), disabled=False)


async def _switch(asked: Asked, id: UUID, *, disabled: bool) -> HttpReply:
    asked.must_be_read()
    asked.read(schemas.Closed)
    found = await account_with_settings(asked.platform, id)
    await disable_account(asked.platform, found.account.name, disabled=disabled)
    return _opened(await account_with_settings(asked.platform, id))


OPERATIONS = (
    Operation("GET", "/v1/accounts", PersonAct.ACCOUNTS_SEE, _list),
    Operation("POST", "/v1/accounts", PersonAct.ACCOUNTS_MANAGE, _create),
    Operation("GET", "/v1/accounts/{account}", PersonAct.ACCOUNTS_SEE, _show),
    Operation("PATCH", "/v1/accounts/{account}", PersonAct.ACCOUNTS_MANAGE, _change),
    Operation("POST", "/v1/accounts/{account}/close", PersonAct.ACCOUNTS_MANAGE, _close),
    Operation("POST", "/v1/accounts/{account}/open", PersonAct.ACCOUNTS_MANAGE, _open),
)

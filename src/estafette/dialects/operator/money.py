"""Money: transfers that are awaited, what changes hands, statements."""

from datetime import datetime, timedelta
from typing import Any

from estafette.core.accounts.account import Mode
from estafette.core.money.books import Book, Cause
from estafette.core.people.permission import PersonAct
from estafette.dialects.operator import mapping, schemas
from estafette.dialects.operator.errors import Conflict
from estafette.dialects.operator.listing import (
    an_id,
    cursor,
    limit_of,
    mode_of,
    time,
    write_cursor,
)
from estafette.dialects.operator.operations import Asked, Operation, read_id
from estafette.http.operations import json
from estafette.http.refusals import Detail, InvalidRequest
from estafette.http.reply import HttpReply
from estafette.usecases.accounts.settings import account_with_settings
from estafette.usecases.couriers.companies import company_of
from estafette.usecases.deliveries.find import find_anywhere
from estafette.usecases.money.books import entry_json, statement
from estafette.usecases.money.payments import confirm_payment, page_of_awaited
from estafette.usecases.money.settle import WantedTransfer, pay
from estafette.usecases.platform import clock

MOST_ENTRIES = 10_000
LONGEST_PERIOD = timedelta(days=366)


async def _awaited(asked: Asked) -> HttpReply:
    mode, account_id = mode_of(asked.query), asked.query.read("account_id", an_id)
    after, limit = asked.query.read("cursor", cursor), limit_of(asked.query)
    asked.must_be_read("mode", "account_id", "cursor", "limit")
    page = await page_of_awaited(asked.platform, mode, account_id, after, limit)
    data = [
        {**mapping.delivery(one), "fee": one.fee, "payment_method": one.payment.method.value}
        for one in page.deliveries
    ]
    return json(200, {"data": data, "next": page.next and write_cursor(page.next)})


async def _confirm(asked: Asked) -> HttpReply:
    asked.must_be_read()
    wanted = asked.read(schemas.Noted)
    found = await find_anywhere(asked.platform, asked.id("delivery"))
    account = (await account_with_settings(asked.platform, found.scope.account_id)).account
    dialect = asked.platform.dialects[account.dialect]
    done = await confirm_payment(asked.platform, found.scope, dialect, found.id, wanted.note)
    return json(200, mapping.delivery(done))


async def _settle(asked: Asked) -> HttpReply:
    return await _pay(asked, Cause.SETTLED)


async def _pay_out(asked: Asked) -> HttpReply:
    return await _pay(asked, Cause.PAID_OUT)


async def _pay(asked: Asked, cause: Cause) -> HttpReply:
    asked.must_be_read()
    id, wanted = asked.id("account"), asked.read(schemas.NewTransfer)
    account = (await account_with_settings(asked.platform, id)).account
    company = None
    if wanted.company_id is not None:
        company = await company_of(asked.platform, read_id(wanted.company_id, "courier company"))
        if company.market != account.market.code or company.account_id not in (None, account.id):
            raise Conflict("refused", "The courier company does not carry for this account")
    transfer = WantedTransfer(
        account=account,
        mode=Mode(wanted.mode),
        cause=cause,
        book=Book(wanted.book),
        amount=wanted.amount,
        reference=wanted.reference,
        company=company,
    )
    payment, was_there = await pay(asked.platform, transfer)
    return json(200 if was_there else 201, mapping.payment(payment, was_there=was_there))


def period(asked: Asked, *besides: str) -> tuple[datetime, datetime]:
    """Returns the period of a statement; `besides` are the other parameters of the query."""
    end = asked.query.read("to", time) or clock()
    begin = asked.query.read("from", time) or end - timedelta(days=31)
    asked.must_be_read(*besides, "from", "to")
    if not timedelta(0) <= end - begin <= LONGEST_PERIOD:
        told = Detail("from", f"must be before `to`, by at most {LONGEST_PERIOD.days} days")
        raise InvalidRequest((told,))
    return begin, end


async def _statement(asked: Asked) -> HttpReply:
    mode, only = mode_of(asked.query), asked.query.read("company_id", an_id)
    begin, end = period(asked, "mode", "company_id")
    account = (await account_with_settings(asked.platform, asked.id("account"))).account
    found = await statement(asked.platform, account, mode, begin, end, only)
    entries: list[dict[str, Any]] = []
    async for entry in found.entries():
        if len(entries) == MOST_ENTRIES:
            raise Conflict(
                "period_too_long", f"The period has more than {MOST_ENTRIES} entries: narrow it"
            )
        entries.append(entry_json(entry, found.closing[entry.holder]))
    value = {
        "account_id": str(account.id),
        "mode": mode.value,
        "currency": account.market.currency,
        "from": mapping.time_text(begin),
        "to": mapping.time_text(end),
        "opening": found.balances(found.opening),
        "entries": entries,
        "closing": found.balances(found.closing),
    }
    return json(200, value)


OPERATIONS = (
    Operation("GET", "/v1/payments", PersonAct.PAYMENTS_SEE, _awaited),
    Operation(
        "POST", "/v1/deliveries/{delivery}/confirm-payment", PersonAct.PAYMENTS_CONFIRM, _confirm
    ),
    Operation("POST", "/v1/accounts/{account}/settlements", PersonAct.PAYMENTS_SETTLE, _settle),
    Operation("POST", "/v1/accounts/{account}/payouts", PersonAct.PAYMENTS_PAY_OUT, _pay_out),
    Operation("GET", "/v1/accounts/{account}/statement", PersonAct.STATEMENTS_SEE, _statement),
)

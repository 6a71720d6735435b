"""Quotes: written once, locked while a delivery is created from one."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.accounts.account import Scope
from estafette.core.couriers.company import Connector
from estafette.core.deliveries.delivery import Delivery
from estafette.core.quotes.quote import Quote, comparable
from estafette.store.columns import Columns, insertion, rows
from estafette.store.deliveries.rows import dump
from estafette.store.pool import Connection


def digests(payload: Mapping[str, Any]) -> dict[str, str]:
    """Returns what a quote keeps of a payload: the SHA-256 of each entry as it is compared.

    Its entries are JSON values whose texts a schema has bounded.
    """
    return {name: _digest(value) for name, value in payload.items()}


def _digest(value: Any) -> str:
    canonical = orjson.dumps(comparable(value), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def _seconds(within: timedelta) -> int:
    return int(within.total_seconds())


def _terms(quote: Quote) -> str | None:
    """Returns what a company's offer said besides the price, as stored."""
    if quote.company_id is None:
        return None
    fields = (
        ("name", quote.company_name),
        ("slug", quote.company_slug),
        ("connector", quote.connector),
        ("fee", quote.company_fee),
        ("require_pin", quote.require_pin or None),
        ("upstream", quote.upstream),
    )
    return dump({name: value for name, value in fields if value is not None})


class _NewQuote(NamedTuple):
    quote: Quote
    digests: str


def _quote_of(new: _NewQuote) -> Quote:
    return new.quote


NEW: Final = Columns[Quote](
    {
        "account_id": ("uuid", lambda quote: quote.scope.account_id),
        "id": ("uuid", lambda quote: quote.id),
        "mode": ("text", lambda quote: quote.scope.mode),
        "fee": ("bigint", lambda quote: quote.fee),
        "pickup_within_seconds": ("integer", lambda quote: _seconds(quote.pickup_within)),
        "delivery_within_seconds": ("integer", lambda quote: _seconds(quote.delivery_within)),
        "created_at": ("timestamptz", lambda quote: quote.created_at),
        "expires_at": ("timestamptz", lambda quote: quote.expires_at),
        "company_id": ("uuid", lambda quote: quote.company_id),
        "terms": ("json", _terms),
    }
).within(_quote_of) + Columns[_NewQuote]({"digests": ("json", lambda new: new.digests)})
"""What is written of new quotes."""

_INSERT = insertion("quotes", NEW.types, rows(NEW))


async def insert(connection: Connection, quotes: Sequence[Quote]) -> None:
    """Writes new quotes."""
    # the quotes of one request share what they bind
    all_bound = {id(quote.bound): quote.bound for quote in quotes}
    texts = {key: dump(bound) for key, bound in all_bound.items()}
    new = [_NewQuote(quote, texts[id(quote.bound)]) for quote in quotes]
    await connection.execute(_INSERT, *NEW.of(new))


_COLUMNS = (
    "id, account_id, mode, payload, digests, fee, pickup_within_seconds,"
    " delivery_within_seconds, created_at, expires_at, used_by, company_id, terms"
)

# The sub-selects hide from the planner how many are wanted, which would make it plan each time:
# with the partitions that takes longer than the work.
_LOCK = f"""
select {_COLUMNS} from quotes
join unnest((select $1::uuid[]), (select $2::uuid[])) as wanted (wanted_account, wanted_id)
    on account_id = wanted_account and id = wanted_id
order by account_id, id for update of quotes
"""  # noqa: S608 - the columns are a constant


async def lock(
    connection: Connection, wanted: Sequence[tuple[Scope, UUID]]
) -> dict[tuple[Scope, UUID], Quote]:
    """Returns the quotes of each scope with those ids, their rows locked for this transaction."""
    if not wanted:
        return {}
    found = await connection.fetch(
        _LOCK, [scope.account_id for scope, _ in wanted], [id for _, id in wanted]
    )
    scopes = {scope: scope for scope, _ in wanted}
    result: dict[tuple[Scope, UUID], Quote] = {}
    for row in found:
        scope = scopes.get(Scope(row["account_id"], row["mode"]))
        if scope is not None:
            result[scope, row["id"]] = _quote(scope, row)
    return result


_MARK_USED = """
update quotes set used_by = used.delivery_id
from unnest((select $1::uuid[]), (select $2::uuid[]), (select $3::uuid[]))
    as used (account_id, quote_id, delivery_id)
where quotes.account_id = used.account_id and quotes.id = used.quote_id
"""


async def mark_used(connection: Connection, used: Sequence[tuple[UUID, UUID, UUID]]) -> None:
    """Notes which deliveries were created from quotes: the account, the quote, the delivery."""
    if used:
        await connection.execute(_MARK_USED, *map(list, zip(*used, strict=True)))


_ERASE = """
update quotes set payload = '{}', digests = '{}', terms = (quotes.terms::jsonb - 'upstream')::json
from unnest((select $1::uuid[]), (select $2::uuid[])) as gone (account_id, quote_id)
where quotes.account_id = gone.account_id and quotes.id = gone.quote_id
"""


async def erase(connection: Connection, erased: Sequence[Delivery]) -> None:
    """Erases what the quotes of deliveries have kept of their payloads.

    The others that were offered with them go a day after they have expired, and hold digests.
    """
    used = [(one.scope.account_id, one.quote_id) for one in erased if one.quote_id is not None]
    if used:
        await connection.execute(_ERASE, *map(list, zip(*used, strict=True)))


def _bound(row: asyncpg.Record) -> dict[str, str]:
    """What a quote binds; of one by a server of an earlier version, which kept the payload."""
    if row["digests"] is None:
        return digests(orjson.loads(row["payload"]))
    return orjson.loads(row["digests"])


def _quote(scope: Scope, row: asyncpg.Record) -> Quote:
    terms: dict[str, Any] = orjson.loads(row["terms"]) if row["terms"] else {}
    return Quote(
        id=row["id"],
        scope=scope,
        bound=_bound(row),
        fee=row["fee"],
        pickup_within=timedelta(seconds=row["pickup_within_seconds"]),
        delivery_within=timedelta(seconds=row["delivery_within_seconds"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_by=row["used_by"],
        company_id=row["company_id"],
        company_name=terms.get("name"),
        company_slug=terms.get("slug"),
        connector=Connector(terms["connector"]) if terms else None,
        company_fee=terms.get("fee"),
        require_pin=terms.get("require_pin", False),
        upstream=terms.get("upstream"),
    )

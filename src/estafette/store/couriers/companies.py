"""Courier companies: read whole with their price lists, changed one at a time."""

from collections.abc import Collection, Iterable
from dataclasses import astuple
from datetime import time
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from estafette.core.couriers.company import Capabilities, Company, Connector, Hours, Margin
from estafette.core.deliveries.failing import AfterAttempts, FailurePolicy
from estafette.core.deliveries.windows import AS_USUAL, WindowRules
from estafette.core.money.payment import BankAccount
from estafette.core.proofs.demand import as_words, from_words
from estafette.store.accounts import table as accounts
from estafette.store.columns import Columns, parameters
from estafette.store.pool import Connection

PLACE: Final = Columns[Company](
    {
        "id": ("uuid", lambda company: company.id),
        "market": ("text", lambda company: company.market),
        "account_id": ("uuid", lambda company: company.account_id),
    }
)
"""What never changes of a company."""

KEPT: Final = Columns[Company](
    {
        "name": ("text", lambda company: company.name),
        "slug": ("text", lambda company: company.slug),
        "connector": ("text", lambda company: company.connector),
        "time_zone": ("text", lambda company: company.time_zone),
        "logo_url": ("text", lambda company: company.logo_url),
        "service_zones": ("text[]", lambda company: company.service_zones),
        "base_fee": ("bigint", lambda company: company.base_fee),
        "base_eta_minutes": ("integer", lambda company: company.base_eta_minutes),
        "hours": ("jsonb", lambda company: hours_json(company.hours)),
        "capabilities": ("jsonb", lambda company: _capabilities_json(company.capabilities)),
        "margin_percent": ("numeric", lambda company: company.margin.percent),
        "margin_fixed": ("bigint", lambda company: company.margin.fixed),
        "active": ("boolean", lambda company: company.active),
        "phone_e164": ("text", lambda company: company.phone_e164),
    }
)
"""What can change of a company."""

_COLUMNS = ", ".join([*PLACE.types, *KEPT.types])
_SAVE = f"""
insert into companies ({_COLUMNS}) values {parameters(PLACE, KEPT)}
on conflict (id) do update set {", ".join(f"{name} = excluded.{name}" for name in KEPT.types)}
"""  # noqa: S608 - the columns are constants


async def save(connection: Connection, company: Company) -> bool:
    """Writes a new company or all that can change of one; False when its slug is taken."""
    try:
        await connection.execute(_SAVE, *PLACE.of_one(company), *KEPT.of_one(company))
    except asyncpg.UniqueViolationError:
        return False
    return True


async def every(connection: Connection, market: str | None = None) -> list[Company]:
    """Returns all companies (of a market), inactive ones included, by name."""
    found = await connection.fetch(
        f"select {_COLUMNS} from companies"  # noqa: S608 - the columns are a constant
        " where $1::text is null or market = $1 order by market, name, id",
        market,
    )
    return [_company(row) for row in found]


class CompanyFilter(NamedTuple):
    """Which companies: of a market, with `part` in name or slug, for all accounts or for one.

    `account_id` None: those of every account, and those for all.
    """

    market: str | None = None
    part: str = ""
    account_id: UUID | None = None


class CompanyPosition(NamedTuple):
    """Where a company stands in the order of names."""

    name: str
    id: UUID


_PAGE = f"""
select {_COLUMNS} from companies
where ($1::text is null or market = $1)
    and ($2 = '' or strpos(lower(name), lower($2)) > 0 or strpos(slug, lower($2)) > 0)
    and ($3::uuid is null or account_id = $3)
    and ($4::text is null or (name, id) > ($4, $5::uuid))
order by name, id limit $6
"""  # noqa: S608 - the columns are a constant


async def page(
    connection: Connection, wanted: CompanyFilter, after: CompanyPosition | None, limit: int
) -> list[Company]:
    """At most `limit` companies by name, inactive ones included, those that follow `after`."""
    found = await connection.fetch(_PAGE, *wanted, *(after or (None, None)), limit)
    return [_company(row) for row in found]


async def find(connection: Connection, id: UUID) -> Company | None:
    """The company of that id."""
    query = f"select {_COLUMNS} from companies where id = $1"  # noqa: S608 - a constant
    row = await connection.fetchrow(query, id)
    return None if row is None else _company(row)


async def names(connection: Connection, ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of the companies of these ids, by them."""
    found = await connection.fetch(
        "select id, name from companies where id = any($1::uuid[])", list(ids)
    )
    return {row["id"]: row["name"] for row in found}


async def keep(connection: Connection, id: UUID) -> bool:
    """Keeps others from removing a company until the transaction ends; False if there is none."""
    query = "select true from companies where id = $1 for share"
    return bool(await connection.fetchval(query, id))


async def lock(connection: Connection, id: UUID) -> Company | None:
    """The company of that id, its row locked for this transaction; None when there is none."""
    row = await connection.fetchrow(
        f"select {_COLUMNS} from companies where id = $1 for update",  # noqa: S608 - a constant
        id,
    )
    return None if row is None else _company(row)


async def lock_own(connection: Connection, account_id: UUID) -> set[str]:
    """The slugs of an account's own companies, which nobody else gives it in the meantime."""
    await accounts.lock(connection, account_id)
    found = await connection.fetch("select slug from companies where account_id = $1", account_id)
    return {row["slug"] for row in found}


def _company(row: asyncpg.Record) -> Company:
    return Company(
        id=row["id"],
        market=row["market"],
        account_id=row["account_id"],
        name=row["name"],
        slug=row["slug"],
        connector=Connector(row["connector"]),
        time_zone=row["time_zone"],
        logo_url=row["logo_url"],
        service_zones=tuple(row["service_zones"]),
        base_fee=row["base_fee"],
        base_eta_minutes=row["base_eta_minutes"],
        hours=_hours(row["hours"]),
        capabilities=_capabilities(orjson.loads(row["capabilities"])),
        margin=Margin(row["margin_percent"], row["margin_fixed"]),
        active=row["active"],
        phone_e164=row["phone_e164"],
    )


def hours_json(hours: Hours | None) -> str | None:
    """Opening hours as stored: `{"mon": [["08:00", "18:00"]]}`."""
    if hours is None:
        return None
    days = {
        day: [[f"{opens:%H:%M}", f"{closes:%H:%M}"] for opens, closes in spans]
        for day, spans in hours.days.items()
    }
    return orjson.dumps(days).decode()


def _hours(text: str | None) -> Hours | None:
    if text is None:
        return None
    days: dict[str, list[Iterable[str]]] = orjson.loads(text)
    return Hours(
        {
            day: tuple(
                (time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans
            )
            for day, spans in days.items()
        }
    )


def _capabilities_json(able: Capabilities) -> str:
    fields = (
        ("bank_transfer_enabled", able.bank_transfer_enabled or None),
        ("bank_name", able.bank.bank),
        ("bank_iban", able.bank.iban),
        ("bank_account_holder", able.bank.holder),
        ("require_delivery_pin", able.require_delivery_pin or None),
        ("parcel_types", able.parcel_types),
        ("max_weight_grams", able.max_weight_grams),
        ("proof", as_words(able.proof) or None),
        ("failing", able.failing and _failing_json(able.failing)),
        ("leaves", _leaves(able.failing) or None),
        ("windows", None if able.windows == AS_USUAL else astuple(able.windows)),
    )
    return orjson.dumps({name: value for name, value in fields if value is not None}).decode()


def _leaves(policy: FailurePolicy | None) -> bool:
    return policy is not None and policy.then is AfterAttempts.LEAVE


def _failing_json(policy: FailurePolicy) -> list[Any]:
    """Servers of the version before know no parcels that are left: to them they come back."""
    return [policy.attempts, AfterAttempts.RETURN if _leaves(policy) else policy.then]


def _failing(stored: dict[str, Any]) -> FailurePolicy | None:
    policy = stored.get("failing")
    if not policy:
        return None
    is_left = stored.get("leaves", False)
    return FailurePolicy(policy[0], AfterAttempts.LEAVE if is_left else AfterAttempts(policy[1]))


def _capabilities(stored: dict[str, Any]) -> Capabilities:
    types = stored.get("parcel_types")
    return Capabilities(
        bank_transfer_enabled=stored.get("bank_transfer_enabled", False),
        bank=BankAccount(
            stored.get("bank_name"), stored.get("bank_iban"), stored.get("bank_account_holder")
        ),
        require_delivery_pin=stored.get("require_delivery_pin", False),
        parcel_types=tuple(types) if types is not None else None,
        max_weight_grams=stored.get("max_weight_grams"),
        proof=from_words(stored.get("proof", {})),
        failing=_failing(stored),
        windows=WindowRules(*stored.get("windows", ())),
    )

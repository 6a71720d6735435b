"""All that is stored encrypted, page by page, to be written anew under another key."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from estafette.store.deliveries.terms import read_terms, with_pin
from estafette.store.pool import Connection

Place = tuple[UUID, UUID]
"""The account and the id of a row, after which a page begins."""

START: Place = (UUID(int=0), UUID(int=0))


class SealedEndpoint(NamedTuple):
    """An endpoint's secrets, its headers among them."""

    account_id: UUID
    id: UUID
    secret: bytes
    next_secret: bytes | None
    headers: bytes | None


async def endpoints(connection: Connection, after: Place, limit: int) -> list[SealedEndpoint]:
    """The endpoints that follow, their rows locked for this transaction."""
    found = await connection.fetch(
        "select account_id, id, secret, next_secret, headers from endpoints"
        " where (account_id, id) > ($1, $2) order by account_id, id limit $3 for update",
        *after,
        limit,
    )
    return [SealedEndpoint(*row) for row in found]


async def write_endpoints(connection: Connection, changed: Sequence[SealedEndpoint]) -> None:
    """Writes the secrets of endpoints."""
    await connection.execute(
        "update endpoints set secret = input.secret, next_secret = input.next_secret,"
        " headers = input.headers"
        " from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])"
        " as input (account_id, id, secret, next_secret, headers)"
        " where endpoints.account_id = input.account_id and endpoints.id = input.id",
        *map(list, zip(*changed, strict=True)),
    )


LINK_COLUMNS = ("live_key", "sandbox_key", "live_webhook_secret", "sandbox_webhook_secret")


async def links(connection: Connection) -> list[tuple[UUID, dict[str, bytes]]]:
    """The keys and secrets of every company's link, by column, their rows locked."""
    found = await connection.fetch(
        f"select company_id, {', '.join(LINK_COLUMNS)} from company_links"  # noqa: S608 - constants
        " order by company_id for update"
    )
    return [
        (row["company_id"], {name: row[name] for name in LINK_COLUMNS if row[name] is not None})
        for row in found
    ]


async def write_link(connection: Connection, company_id: UUID, values: dict[str, bytes]) -> None:
    """Writes some of the keys and secrets of a company's link."""
    for name, value in values.items():
        await connection.execute(
            f"update company_links set {name} = $2 where company_id = $1",  # noqa: S608 - a constant
            company_id,
            value,
        )


async def data_keys(connection: Connection) -> dict[str, bytes]:
    """The keys of indexes over personal data, by their names, their rows locked."""
    found = await connection.fetch("select name, key from data_keys order by name for update")
    return {row["name"]: row["key"] for row in found}


async def write_data_key(connection: Connection, name: str, key: bytes) -> None:
    """Writes the key of an index; what it indexes stays as it is."""
    await connection.execute("update data_keys set key = $2 where name = $1", name, key)


CHECK = "check"
"""The name, among the keys of indexes, of a text by which a wrong secret key is known."""


async def check_value(connection: Connection) -> bytes | None:
    """That text as it was encrypted; None where it is not written yet."""
    return await connection.fetchval("select key from data_keys where name = $1", CHECK)


async def keep_check_value(connection: Connection, value: bytes) -> bytes:
    """Writes that text unless another process has; returns what is kept."""
    await connection.execute(
        "insert into data_keys (name, key) values ($1, $2) on conflict do nothing", CHECK, value
    )
    return await check_value(connection) or value


async def newest_endpoints(connection: Connection, limit: int) -> list[SealedEndpoint]:
    """The endpoints that were made last, of all accounts. It reads through all of them."""
    found = await connection.fetch(
        "select account_id, id, secret, next_secret, headers from endpoints"
        " order by id desc limit $1",
        limit,
    )
    return [SealedEndpoint(*row) for row in found]


class StoredPin(NamedTuple):
    """A delivery's PIN as it is stored, and the terms that hold it."""

    account_id: UUID
    id: UUID
    pin: str
    terms: str


_PAGE_END = """
select account_id, id from (
    select account_id, id from deliveries where (account_id, id) > ($1, $2)
    order by account_id, id limit $3
) page order by account_id desc, id desc limit 1
"""

_PINS = """
select account_id, id, terms::text from deliveries
where (account_id, id) > ($1, $2) and (account_id, id) <= ($3, $4)
    and terms is not null and (terms ->> 'pin' is not null or terms ->> 'sealed_pin' is not null)
order by account_id, id for update
"""


async def pins(
    connection: Connection, after: Place, rows: int
) -> tuple[list[StoredPin], Place | None]:
    """The PINs among the next so many deliveries, and where the page ends; None: there are none.

    The rows of those that have a PIN are locked for this transaction.
    """
    end = await connection.fetchrow(_PAGE_END, *after, rows)
    if end is None:
        return [], None
    found = await connection.fetch(_PINS, *after, *end)
    stored = [
        StoredPin(row["account_id"], row["id"], read_terms(row["terms"])["pin"], row["terms"])
        for row in found
    ]
    return stored, (end["account_id"], end["id"])


async def write_pins(connection: Connection, changed: Sequence[StoredPin]) -> None:
    """Writes the PINs of deliveries into their terms."""
    await connection.execute(
        "update deliveries set terms = input.terms::json"
        " from unnest($1::uuid[], $2::uuid[], $3::text[]) as input (account_id, id, terms)"
        " where deliveries.account_id = input.account_id and deliveries.id = input.id",
        [each.account_id for each in changed],
        [each.id for each in changed],
        [with_pin(each.terms, each.pin) for each in changed],
    )

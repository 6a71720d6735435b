"""How the platforms of courier companies are reached; keys and secrets as they are encrypted."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.store.pool import Connection

SEALED = ("live_key", "sandbox_key", "live_webhook_secret", "sandbox_webhook_secret")
"""The columns whose values are encrypted."""


class StoredLink(NamedTuple):
    """A company's link, its keys and webhook secrets encrypted, by mode."""

    company_id: UUID
    base_url: str
    keys: Mapping[Mode, bytes]
    webhook_secrets: Mapping[Mode, bytes]


_SAVE = """
insert into company_links (company_id, base_url, live_key, sandbox_key, live_webhook_secret,
    sandbox_webhook_secret)
values ($1, $2, $3, $4, $5, $6)
on conflict (company_id) do update set base_url = excluded.base_url, live_key = excluded.live_key,
    sandbox_key = excluded.sandbox_key, live_webhook_secret = excluded.live_webhook_secret,
    sandbox_webhook_secret = excluded.sandbox_webhook_secret
"""


async def save(connection: Connection, link: StoredLink) -> None:
    """Writes a company's link in the place of any that it had."""
    await connection.execute(
        _SAVE,
        link.company_id,
        link.base_url,
        link.keys.get(Mode.LIVE),
        link.keys.get(Mode.SANDBOX),
        link.webhook_secrets.get(Mode.LIVE),
        link.webhook_secrets.get(Mode.SANDBOX),
    )


async def remove(connection: Connection, company_id: UUID) -> bool:
    """Forgets a company's link; False when it had none."""
    return await connection.fetchval(
        "with gone as (delete from company_links where company_id = $1 returning 1)"
        " select count(*) > 0 from gone",
        company_id,
    )


async def every(connection: Connection) -> dict[UUID, StoredLink]:
    """Returns all links, by company."""
    found = await connection.fetch(
        "select company_id, base_url, live_key, sandbox_key, live_webhook_secret,"
        " sandbox_webhook_secret from company_links"
    )
    return {
        row["company_id"]: StoredLink(
            row["company_id"],
            row["base_url"],
            _given({Mode.LIVE: row["live_key"], Mode.SANDBOX: row["sandbox_key"]}),
            _given(
                {
                    Mode.LIVE: row["live_webhook_secret"],
                    Mode.SANDBOX: row["sandbox_webhook_secret"],
                }
            ),
        )
        for row in found
    }


def _given(by_mode: Mapping[Mode, bytes | None]) -> dict[Mode, bytes]:
    return {mode: value for mode, value in by_mode.items() if value is not None}


async def sealed(connection: Connection) -> list[tuple[UUID, dict[str, bytes]]]:
    """Returns the keys and secrets of every company's link, by column, their rows locked."""
    found = await connection.fetch(
        f"select company_id, {', '.join(SEALED)} from company_links"  # noqa: S608 - constants
        " order by company_id for update"
    )
    return [
        (row["company_id"], {name: row[name] for name in SEALED if row[name] is not None})
        for row in found
    ]


async def write_sealed(connection: Connection, company_id: UUID, values: dict[str, bytes]) -> None:
    """Writes some of the keys and secrets of a company's link."""
    for name, value in values.items():
        await connection.execute(
            f"update company_links set {name} = $2 where company_id = $1",  # noqa: S608 - a constant
            company_id,
            value,
        )

"""Where addresses really are, as drivers have found them: of each account, for some time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.places import AddressKey, Correction
from estafette.core.point import Point
from estafette.store.old_rows import older
from estafette.store.pool import Connection


class NewCorrection(NamedTuple):
    """Where an address is, and who has found it out."""

    of: AddressKey
    mode: Mode
    point: Point
    note: str | None
    company_id: UUID
    driver_id: UUID


async def keep(connection: Connection, new: NewCorrection) -> None:
    """Writes a correction in the place of the one before."""
    await connection.execute(
        "insert into address_corrections (account_id, address_key, mode, latitude, longitude, note,"
        " company_id, driver_id) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict (account_id, mode, address_key) do update set latitude = excluded.latitude,"
        " longitude = excluded.longitude, note = excluded.note, company_id = excluded.company_id,"
        " driver_id = excluded.driver_id, corrected_at = now()",
        *new.of,
        new.mode,
        *new.point,
        new.note,
        new.company_id,
        new.driver_id,
    )


_OF = """
select known.account_id, known.mode, known.address_key, latitude, longitude, note, corrected_at
from unnest($1::uuid[], $2::text[], $3::bytea[]) as input (account_id, mode, address_key)
join address_corrections known on known.account_id = input.account_id
    and known.mode = input.mode and known.address_key = input.address_key
where corrected_at > now() - $4::interval
"""


async def of_addresses(
    connection: Connection, wanted: Sequence[tuple[AddressKey, Mode]], kept: timedelta
) -> dict[tuple[AddressKey, Mode], Correction]:
    """The corrections of addresses that are no older, by address and mode, where there is one."""
    found = await connection.fetch(
        _OF,
        [of.account_id for of, _ in wanted],
        [mode for _, mode in wanted],
        [of.key for of, _ in wanted],
        kept,
    )
    return {
        (AddressKey(row["account_id"], row["address_key"]), Mode(row["mode"])): Correction(
            Point(row["latitude"], row["longitude"]), row["note"], row["corrected_at"]
        )
        for row in found
    }


async def erase(connection: Connection, gone: Sequence[AddressKey]) -> None:
    """Removes the corrections of addresses, of either mode."""
    await connection.execute(
        "delete from address_corrections known"
        " using unnest($1::uuid[], $2::bytea[]) as gone (account_id, address_key)"
        " where known.account_id = gone.account_id and known.address_key = gone.address_key",
        [one.account_id for one in gone],
        [one.key for one in gone],
    )


forget: Final = older("address_corrections", "corrected_at")
"""Removes those that were made so long ago."""

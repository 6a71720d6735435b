"""Taps that were taken, each once, by their keys."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.fleet.tap import Tap, TapRefusal
from estafette.store.old_rows import older
from estafette.store.pool import Connection


class Taken(NamedTuple):
    """What became of a tap: None, it was done."""

    key: UUID
    refused: TapRefusal | None


async def insert(
    connection: Connection,
    company_id: UUID,
    driver_id: UUID,
    device: UUID,
    tap: Tap,
    at: datetime,
) -> bool:
    """Writes a tap; False where it is there, or another has its place in the device's sequence.

    Somebody who writes the same waits for this transaction.
    """
    status = await connection.execute(
        "insert into taps (company_id, driver_id, key, device, sequence, kind, about, tapped_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        company_id,
        driver_id,
        tap.key,
        device,
        tap.sequence,
        tap.kind,
        tap.about,
        at,
    )
    return status.endswith(" 1")


async def refuse(
    connection: Connection, company_id: UUID, driver_id: UUID, key: UUID, why: TapRefusal
) -> None:
    """Notes in the transaction that wrote a tap that it was refused."""
    await connection.execute(
        "update taps set refused = $4 where company_id = $1 and driver_id = $2 and key = $3",
        company_id,
        driver_id,
        key,
        why,
    )


async def taken(
    connection: Connection, company_id: UUID, driver_id: UUID, keys: Collection[UUID]
) -> dict[UUID, Taken]:
    """Returns what became of those that were taken, by their keys."""
    found = await connection.fetch(
        "select key, refused from taps"
        " where company_id = $1 and driver_id = $2 and key = any($3::uuid[])",
        company_id,
        driver_id,
        list(keys),
    )
    return {row["key"]: Taken(row["key"], _refusal(row["refused"])) for row in found}


async def last_of_device(
    connection: Connection, company_id: UUID, driver_id: UUID, device: UUID
) -> int:
    """Returns the sequence of the last tap of a device that was taken; 0: none was."""
    return await connection.fetchval(
        "select coalesce(max(sequence), 0) from taps"
        " where company_id = $1 and driver_id = $2 and device = $3",
        company_id,
        driver_id,
        device,
    )


async def was_refused_since(
    connection: Connection,
    company_id: UUID,
    driver_id: UUID,
    device: UUID,
    tap: Tap,
    at: datetime,
) -> bool:
    """Returns whether an earlier tap about the same was refused after this one was made.

    Whoever made it did not know that.
    """
    return await connection.fetchval(
        "select exists (select from taps where company_id = $1 and driver_id = $2 and device = $3"
        " and sequence < $4 and about = $5 and refused is not null and taken_at > $6)",
        company_id,
        driver_id,
        device,
        tap.sequence,
        tap.about,
        at,
    )


forget: Final = older("taps", "taken_at")
"""Removes those that were taken so long ago."""


def _refusal(text: str | None) -> TapRefusal | None:
    """Returns why, where this version knows it; what a later one wrote is only not now."""
    if text is None:
        return None
    return TapRefusal(text) if text in set(TapRefusal) else TapRefusal.NOT_NOW

"""Codes by which drivers sign in, one a phone, kept by their hashes."""

from datetime import timedelta
from typing import Final

from estafette.store.old_rows import older
from estafette.store.pool import Connection


async def put(connection: Connection, phone: str, hash: str, length: timedelta) -> None:
    """Keeps the new code of a phone, which is good for `length`, in the place of the one before."""
    await connection.execute(
        "insert into driver_codes (phone_e164, hash, expires_at) values ($1, $2, now() + $3)"
        " on conflict (phone_e164) do update set hash = excluded.hash, tries = 0,"
        " expires_at = excluded.expires_at",
        phone,
        hash,
        length,
    )


async def try_once(connection: Connection, phone: str, most: int) -> str | None:
    """Counts a try of the code of a phone, and returns its hash.

    None: there is no code that is good, or it was tried `most` times.
    """
    return await connection.fetchval(
        "update driver_codes set tries = tries + 1"
        " where phone_e164 = $1 and tries < $2 and expires_at > now() returning hash",
        phone,
        most,
    )


async def use(connection: Connection, phone: str, hash: str) -> bool:
    """Forgets a code that was shown; False where somebody has used it, or it is another by now."""
    status = await connection.execute(
        "delete from driver_codes where phone_e164 = $1 and hash = $2 and expires_at > now()",
        phone,
        hash,
    )
    return status.endswith(" 1")


forget: Final = older("driver_codes", "expires_at")
"""Removes those that ended so long ago."""

"""Keep the logo of an account, and show it to recipients."""

import hashlib
from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.pictures import PictureRefusedError, read_picture
from estafette.store.accounts import brandings, logos
from estafette.usecases import audit
from estafette.usecases.platform import Platform

__all__ = ["LONGEST_SIDE", "PictureRefusedError", "change_logo", "logo", "logo_of"]

LONGEST_SIDE = 256
"""Pixels of the longer side of a logo as it is kept."""

_DIGEST_LETTERS = 32


async def change_logo(platform: Platform, account_id: UUID, sent: bytes | None) -> None:
    """Shows this logo to an account's recipients from now on, or none. Raises PictureRefusedError.

    `sent` is a file that somebody chose; a picture is made of it anew.
    """
    picture = None if sent is None else await read_picture(sent, LONGEST_SIDE)
    new = None if picture is None else hashlib.sha256(picture.body).hexdigest()[:_DIGEST_LETTERS]
    async with (
        platform.connections.account(account_id) as connection,
        platform.transaction(connection) as work,
    ):
        await brandings.lock(work.connection, account_id)  # two who change it, one after the other
        before = await logos.digest(work.connection, account_id)
        if before == new:
            return
        if picture is None or new is None:
            await logos.remove(work.connection, account_id)
        else:
            await logos.write(work.connection, account_id, new, picture.body)
        act, facts = AuditedAct.BRANDING_CHANGED, {"logo": [before, new]}
        await audit.note(work.connection, platform.by, act, account_id, facts, of=account_id)


async def logo_of(platform: Platform, account_id: UUID) -> str | None:
    """Returns the digest under which an account's logo is shown; None where it has none."""
    async with platform.connections.account(account_id) as connection:
        return await logos.digest(connection, account_id)


async def logo(platform: Platform, digest: str, visitor: str | None) -> bytes | None:
    """Returns the logo of that digest, as WebP. Raises Busy."""
    async with platform.connections.public(visitor) as connection:
        return await logos.find(connection, digest)

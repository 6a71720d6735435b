"""Look at how an account shows itself to recipients, and change it."""

import hashlib
from dataclasses import asdict
from typing import Any
from uuid import UUID

from estafette.core.accounts.branding import Branding
from estafette.core.audit import AuditedAct, difference
from estafette.store.accounts import brandings
from estafette.usecases import audit
from estafette.usecases.platform import Platform


async def branding_of(platform: Platform, account_id: UUID) -> Branding:
    """Returns what an account has chosen."""
    async with platform.connections.account(account_id) as connection:
        return await brandings.find(connection, account_id)


class BrandingChangedError(Exception):
    """Somebody else has changed it since it was looked at."""


def version_of(branding: Branding) -> str:
    """Returns by what a choice is told from another."""
    return hashlib.sha256(repr(sorted(_facts(branding).items())).encode()).hexdigest()[:16]


async def change_branding(
    platform: Platform, account_id: UUID, branding: Branding, *, instead_of: str | None = None
) -> None:
    """Shows an account so from now on; the audit tells what has changed.

    `instead_of` is the version that whoever changes it has seen. Raises BrandingChangedError where
    it is another by now.
    """
    async with (
        platform.connections.account(account_id) as connection,
        platform.transaction(connection) as work,
    ):
        before = await brandings.lock(work.connection, account_id)
        if instead_of is not None and instead_of != version_of(before):
            raise BrandingChangedError
        changes = difference(_facts(before), _facts(branding))
        if not changes:
            return
        await brandings.write(work.connection, account_id, branding)
        act = AuditedAct.BRANDING_CHANGED
        await audit.note(work.connection, platform.by, act, account_id, changes, of=account_id)


def _facts(branding: Branding) -> dict[str, Any]:
    return asdict(branding) | {"told": sorted(branding.told)}

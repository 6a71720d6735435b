"""When each API key was last used, and from where: noted in memory, written rarely."""

import asyncio
import time
from collections import OrderedDict
from datetime import UTC, datetime
from uuid import UUID

from estafette.core.accounts.account import Credential, KeyKind
from estafette.core.accounts.acts import address_of
from estafette.store.accounts import keys
from estafette.store.accounts.keys import Use
from estafette.store.pool import DATABASE_TROUBLE, Pool

EVERY_SECONDS = 300.0
"""How long after a use of a key the next one is written."""

_GATHER_SECONDS = 2.0
_KEYS = 10_000


class KeyUses:
    """The uses that one process has seen. A request is not slowed: it leaves a note in memory.

    Uses of many keys are written together, soon after the first of them, outside of any request;
    one that cannot be written is forgotten.
    """

    def __init__(self, pool: Pool, gather_seconds: float = _GATHER_SECONDS) -> None:
        """Writes to `pool`, `gather_seconds` after the first use that is to be written."""
        self._pool = pool
        self._gather_seconds = gather_seconds
        self._again_at: OrderedDict[UUID, float] = OrderedDict()
        self._noted: list[Use] = []
        self._task: asyncio.Task[None] | None = None

    def note(self, credential: Credential, address: str | None) -> None:
        """The key was used now, from a client address; a page's visitor leaves none."""
        again_at = self._again_at.get(credential.key_id)
        now = time.monotonic()
        if again_at is not None and now < again_at:
            return
        self._again_at[credential.key_id] = now + EVERY_SECONDS
        self._again_at.move_to_end(credential.key_id)
        if len(self._again_at) > _KEYS:
            self._again_at.popitem(last=False)
        is_page = credential.kind is KeyKind.PUBLISHABLE
        known = None if is_page else address_of(address)
        shown = None if known is None else str(known)
        self._noted.append(Use(credential.account.id, credential.key_id, datetime.now(UTC), shown))
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        try:
            await asyncio.sleep(self._gather_seconds)
            await self.write()
        finally:
            self._task = None

    async def write(self) -> None:
        """Writes what is noted."""
        latest = {use.key_id: use for use in self._noted}
        self._noted.clear()
        if not latest:
            return
        try:
            async with self._pool.acquire() as connection:
                await keys.mark_used(connection, latest.values())
        except DATABASE_TROUBLE:
            return  # it says when a key was last used, no more: the next use is written again

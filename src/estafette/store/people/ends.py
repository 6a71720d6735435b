"""What is over of people: sessions, invitations, tallies, forms, people without a place."""

from datetime import timedelta
from typing import Final

from estafette.core.people.person import ALONE_LENGTH
from estafette.store.old_rows import Forget, Remove, remove_all
from estafette.store.people import (
    forms,
    invitations,
    operator_keys,
    passkeys,
    provider_identities,
    second_factors,
    sessions,
    table,
    tallies,
)
from estafette.store.pool import Connection

_OLD: Final[tuple[tuple[Forget, timedelta], ...]] = (
    (sessions.forget, timedelta()),
    (invitations.forget, timedelta(days=30)),
    (table.forget_alone, ALONE_LENGTH),
    (passkeys.forget_challenges, timedelta()),
    (second_factors.forget_begun, timedelta(days=1)),
    (operator_keys.forget, operator_keys.GOOD_FOR),
    (forms.forget_answers, timedelta(minutes=1)),
    (forms.forget_sent, timedelta(days=1)),
    (forms.forget_drafts, timedelta(hours=1)),
    (tallies.forget, timedelta(days=1)),
)
_ORPHANED: Final[tuple[Remove, ...]] = (
    passkeys.forget_orphaned,
    second_factors.forget_orphaned_secrets,
    second_factors.forget_orphaned_codes,
    provider_identities.forget_orphaned,
)


async def forget(connection: Connection) -> None:
    """Removes all of it. Any number of processes may do it."""
    await remove_all(connection, _OLD, _ORPHANED)

"""What is over of people: sessions, invitations, tallies, forms, people without a place."""

from datetime import timedelta

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

_AT_ONCE = 1_000
_TALLIES_KEPT = timedelta(days=1)


async def forget(connection: Connection) -> None:
    """Removes all of it, a thousand rows at a time. Any number of processes may do it."""
    for remove in (
        sessions.forget,
        invitations.forget,
        table.forget_alone,
        passkeys.forget,
        second_factors.forget,
        provider_identities.forget,
        operator_keys.forget,
        forms.forget_answers,
        forms.forget_sent,
        forms.forget_drafts,
    ):
        while await remove(connection, _AT_ONCE) >= _AT_ONCE:
            pass
    while await tallies.forget(connection, _TALLIES_KEPT, _AT_ONCE) >= _AT_ONCE:
        pass

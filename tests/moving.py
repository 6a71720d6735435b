"""A delivery is moved as whoever is named moves it, by the rules of all moves."""

from collections.abc import Sequence
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.dialect import Dialect
from estafette.usecases.deliveries.advance import Move, carry_out, lock_one, plan
from estafette.usecases.platform import Platform


async def advance(
    platform: Platform, scope: Scope, dialect: Dialect, delivery_id: UUID, moves: Sequence[Move]
) -> Delivery:
    """Makes the moves one after another, all or none; returns the delivery as it is then.

    Where the recipient's PIN is needed, only the operator marks a delivery delivered without it.

    Raises DeliveryNotFound, TransitionRefused, HistoryFull, PinRequired, PinWrong (the try is
    counted) or PinLocked.
    """
    account = platform.connections.account(scope.account_id)
    async with account as connection, platform.transaction(connection) as work:
        delivery = await lock_one(connection, scope, delivery_id)
        entries = plan(delivery, moves, dialect)
        done = await carry_out(work, platform, delivery, moves, entries)
    return done.result()

"""Show the proofs of a delivery."""

from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.proofs.proof import Proof
from estafette.store.proofs import table as proofs
from estafette.usecases.platform import Platform


async def proofs_of(platform: Platform, scope: Scope, delivery_id: UUID) -> list[Proof]:
    """Returns a delivery's proofs, the first taken first; none for another's. Raises Busy."""
    async with platform.connections.account(scope.account_id) as connection:
        return await proofs.of_delivery(connection, scope, delivery_id)

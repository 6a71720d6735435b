"""Show the proofs of a delivery."""

from collections.abc import Sequence
from uuid import UUID

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.proofs.proof import Proof
from estafette.store.proofs import table as proofs
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.links import link_to


async def proofs_of(platform: Platform, scope: Scope, delivery_id: UUID) -> list[Proof]:
    """Returns a delivery's proofs, the first taken first; none for another's. Raises Busy."""
    async with platform.connections.account(scope.account_id) as connection:
        return await proofs.of_delivery(connection, scope, delivery_id)


async def linked(
    platform: Platform, scope: Scope, delivery_id: UUID
) -> Sequence[tuple[Proof, str | None]]:
    """Returns a delivery's proofs with links to their pictures, made now. Raises Busy."""
    found = await proofs_of(platform, scope, delivery_id)
    return [(proof, link_to(platform, scope.account_id, proof)) for proof in found]


async def shown_to_merchant(
    platform: Platform, delivery: Delivery
) -> Sequence[tuple[Proof, str | None]]:
    """Returns what an API shows: the proofs with links, none where the merchant demanded none.

    Nothing is read of a delivery without a demand, or that nobody carries yet. Raises Busy.
    """
    if not delivery.proof or delivery.progress.seq == 1:
        return ()
    return await linked(platform, delivery.scope, delivery.id)

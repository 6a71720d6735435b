"""Tell which proofs are still missing before a driver may go on with a delivery."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.errors import ProofsMissing
from estafette.core.proofs.demand import Demand
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.store.couriers import companies
from estafette.store.pool import Connection
from estafette.store.proofs import table as proofs

Shown = frozenset[tuple[ProofStage, ProofKind]]
"""Which proofs are there, at which stage."""

STAGE_BEFORE = {
    Status.IN_TRANSIT: ProofStage.PICKUP,
    Status.DELIVERED: ProofStage.DROPOFF,
}
"""What is to be shown before a driver brings a delivery to a status."""


async def demanded(connection: Connection, delivery: Delivery) -> Demand:
    """Returns what the merchant and the courier company demand of a delivery together.

    The PIN is demanded wherever the delivery has one.
    """
    demand = delivery.proof
    if delivery.company_id is not None:
        company = await companies.find(connection, delivery.company_id)
        if company is not None:
            demand |= company.capabilities.proof
    return demand


async def missing(
    connection: Connection, delivery: Delivery, stage: ProofStage
) -> tuple[ProofKind, ...]:
    """Returns the proofs that are demanded at a stage and not there, in their usual order.

    The PIN is not among them: it is told with the move, and checked there. The proofs are read in
    the caller's transaction, who has locked the delivery's row.
    """
    kinds = (await demanded(connection, delivery)).at(stage) - {ProofKind.PIN}
    if not kinds:
        return ()
    there = (await shown(connection, [delivery]))[delivery.id]
    return tuple(kind for kind in ProofKind if kind in kinds and (stage, kind) not in there)


async def shown(connection: Connection, of: Sequence[Delivery]) -> dict[UUID, Shown]:
    """Returns what was shown of each delivery and counts now.

    Whatever was taken at a door before the last failed attempt there, such as a photo of it, says
    nothing of the next one, whenever the phone could send it. What a driver has shown who gave the
    delivery back says nothing of the one who has it now.
    """
    tried = {one.id: one.attempts[-1].at for one in of if one.attempts}
    there: dict[UUID, set[tuple[ProofStage, ProofKind]]] = defaultdict(set)
    for one in await proofs.of_deliveries(connection, of):
        since = tried.get(one.delivery_id)
        if one.stage is ProofStage.PICKUP or since is None or one.taken_at >= since:
            there[one.delivery_id].add((one.stage, one.kind))
    return {one.id: frozenset(there[one.id]) for one in of}


async def refusal_of(
    connection: Connection, delivery: Delivery, to: Status
) -> ProofsMissing | None:
    """Returns why a driver cannot bring a delivery to a status yet; None where he can."""
    stage = STAGE_BEFORE.get(to)
    if stage is None:
        return None
    if stage is ProofStage.DROPOFF and delivery.return_of is not None:
        stage = ProofStage.RETURN
    kinds = await missing(connection, delivery, stage)
    return ProofsMissing(delivery.id, stage, kinds) if kinds else None

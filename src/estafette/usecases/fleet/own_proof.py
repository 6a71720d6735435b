"""Take a proof that a driver's phone sends about one of the driver's own assignments."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.refusals import AssignmentNotFound
from estafette.core.fleet.tap import clock_error
from estafette.core.proofs.proof import Proof
from estafette.store.fleet import assignments
from estafette.store.pool import now
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.add import SentProof, add

_CARRIED = frozenset({AssignmentState.ACCEPTED, AssignmentState.DONE, AssignmentState.RELEASED})
"""One that was taken back meanwhile is among them: the photo was taken before."""


async def add_own_proof(
    platform: Platform, driver: Driver, about: UUID, sent: SentProof, phone_now: datetime
) -> Proof:
    """Keeps a proof of the delivery of an assignment; the same again when it is sent again.

    `phone_now` is what the phone's clock showed when it was sent. Raises AssignmentNotFound where
    the driver never carried it, and what `usecases.proofs.add.add` raises.
    """
    async with platform.connections.batch(LANE) as connection:
        found = await assignments.find(connection, driver.company_id, about)
        moment = await now(connection)
    if found is None or found.driver_id != driver.id or found.state not in _CARRIED:
        raise AssignmentNotFound(about)
    taken_at = sent.taken_at + clock_error(phone_now, moment)
    own = replace(sent, taken_at=taken_at, driver_id=driver.id)
    return await add(platform, found.scope, found.delivery_id, own)

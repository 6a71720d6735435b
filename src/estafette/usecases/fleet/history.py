"""Look at all that drivers ever had of a delivery."""

from uuid import UUID

from estafette.core.fleet.assignment import Assignment
from estafette.store.fleet import assignments
from estafette.usecases.fleet.hold import LANE, scope_of
from estafette.usecases.platform import Platform


async def history_of(platform: Platform, company_id: UUID, delivery_id: UUID) -> list[Assignment]:
    """Returns the assignments of a company's delivery by their numbers. Raises NotOfCompany."""
    async with platform.connections.batch(LANE) as connection:
        scope = await scope_of(connection, company_id, delivery_id)
        of = (company_id, scope.account_id, delivery_id)
        return await assignments.of_delivery(connection, *of)

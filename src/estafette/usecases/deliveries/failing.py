"""Tell which policy of failed attempts holds for deliveries: `core.deliveries.failing` decides."""

from collections.abc import Sequence
from uuid import UUID

from estafette.core.couriers.company import Company
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.failing import HeldPolicy, combined
from estafette.core.proofs.demand import NOTHING
from estafette.store.accounts import table as accounts
from estafette.store.couriers import companies
from estafette.store.pool import Connection
from estafette.usecases.platform import Platform


async def policies_of(
    connection: Connection, of: Sequence[Delivery], company: Company | None
) -> dict[UUID, HeldPolicy]:
    """Returns the policies that hold for deliveries of one company, by delivery.

    Those of which nobody has said anything are left out, and returns, which are tried until
    somebody decides.
    """
    tried = [one for one in of if one.return_of is None]
    if not tried:
        return {}
    said = await accounts.failing(connection, {one.scope.account_id for one in tried})
    able = company and company.capabilities
    held = {
        one.id: combined(
            one.failing,
            said.get(one.scope.account_id),
            able and able.failing,
            needs_recipient=one.needs_recipient(able.proof if able else NOTHING) is not None,
        )
        for one in tried
    }
    return {id: policy for id, policy in held.items() if policy is not None}


async def policy_of(platform: Platform, delivery: Delivery) -> HeldPolicy | None:
    """Returns the policy that holds for one delivery; None: a dispatcher decides. Raises Busy."""
    async with platform.connections.account(delivery.scope.account_id) as connection:
        company = None
        if delivery.company_id is not None:
            company = await companies.find(connection, delivery.company_id)
        return (await policies_of(connection, [delivery], company)).get(delivery.id)

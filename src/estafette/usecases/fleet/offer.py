"""Offer a delivery to a driver, who has a set time to answer."""

from datetime import timedelta
from uuid import UUID

from estafette.core.fleet.assignment import (
    LONGEST_OFFER,
    SHORTEST_OFFER,
    Assignment,
    AssignmentState,
)
from estafette.core.fleet.refusals import DeliveryTaken, OfferedAlready
from estafette.usecases.fleet.give import new_assignment
from estafette.usecases.fleet.hold import holding
from estafette.usecases.fleet.room import must_take
from estafette.usecases.platform import Platform


async def offer(
    platform: Platform,
    company_id: UUID,
    delivery_id: UUID,
    driver_id: UUID,
    length: timedelta,
    reason: str | None = None,
) -> Assignment:
    """Offers a delivery to a driver on shift, who can accept it for so long; several may have one.

    `length` is cut to what `core.fleet.assignment` allows; `reason` says why it is this driver.

    Raises NotOfCompany, NotNow, DeliveryTaken, OfferedAlready, FleetFull, or what `must_take` does.
    """
    async with holding(platform, company_id, delivery_id) as held:
        if held.accepted is not None:
            raise DeliveryTaken(delivery_id, held.accepted.driver_id)
        if held.of(driver_id) is not None:
            raise OfferedAlready(delivery_id, driver_id)
        await must_take(held, driver_id, on_shift=True)
        until = held.now + max(SHORTEST_OFFER, min(length, LONGEST_OFFER))
        return await new_assignment(
            held, driver_id, AssignmentState.OFFERED, reason, answer_by=until
        )

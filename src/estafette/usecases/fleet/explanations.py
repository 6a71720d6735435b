"""Why a delivery was offered to whom, as the board shows it."""

from typing import NamedTuple
from uuid import UUID

from estafette.core.fleet.dispatching import Decision
from estafette.store.fleet import decisions, drivers
from estafette.usecases.fleet.hold import LANE, scope_of
from estafette.usecases.platform import Platform


class Explanations(NamedTuple):
    """The decisions about a delivery, the latest first, and the names of the drivers in them."""

    decisions: list[Decision]
    names: dict[UUID, str]


async def explain(platform: Platform, company_id: UUID, delivery_id: UUID) -> Explanations:
    """Returns what was decided about a delivery of a company. Raises NotOfCompany, or Busy."""
    async with platform.connections.batch(LANE) as connection:
        scope = await scope_of(connection, company_id, delivery_id)
        made = await decisions.of_delivery(connection, company_id, scope.account_id, delivery_id)
        ids = {id for one in made for id in _drivers_in(one)}
        known = await drivers.some(connection, company_id, ids) if ids else {}
    return Explanations(made, {id: driver.name for id, driver in known.items()})


def _drivers_in(one: Decision) -> set[UUID]:
    listed = [*one.facts.get("others", ()), *one.facts.get("asked", ())]
    found = {UUID(each["driver"]) for each in listed}
    if "for" in one.facts:
        found.add(UUID(one.facts["for"]))
    return found if one.driver_id is None else found | {one.driver_id}

"""Carriers of an account: which in-house company carries, where the account's API names none."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from estafette.core.couriers.company import Company, Obstacle, Offer

MOST_CARRIERS = 50
"""How many companies a policy names at most."""


class CarrierChoice(StrEnum):
    """Which of the companies that can carry a delivery does."""

    CHEAPEST = "cheapest"
    """The one that asks least of the operator; of equal ones the one that stands first."""
    IN_ORDER = "in_order"
    """The one that stands first."""


class CarrierPolicy(NamedTuple):
    """The companies that may carry for an account, in the order of preference."""

    choice: CarrierChoice
    companies: tuple[UUID, ...]


class Carrier(NamedTuple):
    """The company that carries a new delivery, and what it charges; or why none does.

    One of `company` and `nobody` is None. `nobody` is a sentence for the event.
    """

    company: Company | None
    fee: int | None = None
    nobody: str | None = None


def choose(
    choice: CarrierChoice,
    asked: Sequence[tuple[Company, Offer | Obstacle]],
) -> Carrier:
    """Returns who carries, of companies in the order of preference with what each answers."""
    able = [(company, answer) for company, answer in asked if isinstance(answer, Offer)]
    if able:
        first = able[0]
        if choice is CarrierChoice.CHEAPEST:
            first = min(able, key=lambda one: one[1].fee)
        company, offer = first
        return Carrier(company, offer.fee)
    reasons = [
        f"{company.name} {_SAID[answer]}"
        for company, answer in asked
        if isinstance(answer, Obstacle)
    ]
    return Carrier(None, nobody=f"No carrier: {', '.join(reasons) or 'the policy names none'}")


_SAID: Mapping[Obstacle, str] = {
    Obstacle.INACTIVE: "is not active",
    Obstacle.ZONE: "does not go there",
    Obstacle.WEIGHT: "takes nothing so heavy",
    Obstacle.PARCEL_TYPE: "takes no parcels of this size",
    Obstacle.HOURS: "is closed now",
    Obstacle.PRICE: "has no price for it",
}

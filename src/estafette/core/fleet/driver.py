"""Drivers of a courier company: what their vehicle holds, where they go, what they can do."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.skills import keys_of, lacking, read_skills
from estafette.core.money.sums import LARGEST_SUM
from estafette.core.people.person import FieldError, read_name
from estafette.core.quotes.province import province_key

MOST_DRIVERS = 2_000
"""How many drivers a company has at most, those who were removed left out."""

LARGEST_GRAMS = 3_500_000
"""The most that a vehicle may hold: what a van's driving licence allows."""

MOST_PARCELS = 1_000
MOST_ZONES = 100
LONGEST_ZONE = 100


class Vehicle(StrEnum):
    """By what a driver goes."""

    FOOT = "foot"
    BICYCLE = "bicycle"
    MOTORCYCLE = "motorcycle"
    CAR = "car"
    VAN = "van"


class Capacity(NamedTuple):
    """What fits into a vehicle at once."""

    grams: int
    parcels: int


USUAL: Mapping[Vehicle, Capacity] = {
    Vehicle.FOOT: Capacity(8_000, 3),
    Vehicle.BICYCLE: Capacity(15_000, 5),
    Vehicle.MOTORCYCLE: Capacity(30_000, 8),
    Vehicle.CAR: Capacity(250_000, 30),
    Vehicle.VAN: Capacity(900_000, 120),
}
"""What a vehicle holds where nobody says otherwise."""


class DriverState(StrEnum):
    """Whether a driver may be given deliveries at all."""

    ACTIVE = "active"
    PAUSED = "paused"
    """Given nothing further until somebody ends the pause; what was accepted is carried."""
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Driver:
    """A person who carries for a company.

    `mode` is that of the deliveries: drivers of the sandbox are simulated. `zones` are names of
    cities and provinces, as those of a company; none means wherever the company goes. `skills` are
    the company's own words for what not everybody can do. `cash_limit` is in whole units of the
    market's currency; None: none of the driver's own. `person_id` is who signs in as the driver.
    """

    company_id: UUID
    id: UUID
    name: str
    phone_e164: str
    vehicle: Vehicle
    capacity: Capacity
    created_at: datetime
    mode: Mode = Mode.LIVE
    skills: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    cash_limit: int | None = None
    person_id: UUID | None = None
    paused_at: datetime | None = None
    removed_at: datetime | None = None

    @property
    def state(self) -> DriverState:
        """Whether deliveries may be given to this driver."""
        if self.removed_at is not None:
            return DriverState.REMOVED
        return DriverState.ACTIVE if self.paused_at is None else DriverState.PAUSED

    def capacity_in(self, vehicle: Vehicle) -> Capacity:
        """Returns what the driver's vehicle holds if it is `vehicle`.

        What was usual for the one before becomes what is usual for this one; what somebody has said
        of this driver stays.
        """
        usual = zip(self.capacity, USUAL[self.vehicle], USUAL[vehicle], strict=True)
        return Capacity(*(then if now == before else now for now, before, then in usual))

    @property
    def skill_keys(self) -> frozenset[str] | None:
        """By what the driver's skills are known; None: whatever a delivery demands.

        Those of the sandbox are simulated, and can do everything: nobody gives them skills.
        """
        return None if self.mode is Mode.SANDBOX else keys_of(self.skills)

    def lacks(self, demanded: Sequence[str]) -> tuple[str, ...]:
        """Returns which of the skills that a delivery demands the driver has not."""
        return () if self.mode is Mode.SANDBOX else lacking(demanded, self.skills)

    def serves(self, origin: Collection[str], destination: Collection[str]) -> bool:
        """Returns whether both ends of a delivery are in the driver's zones.

        The ends are what `core.couriers.company.names_of` says of the stops.
        """
        zones = frozenset(map(province_key, self.zones))
        return not zones or not (zones.isdisjoint(origin) or zones.isdisjoint(destination))


_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


def is_phone(text: str) -> bool:
    """Returns whether a text is a phone number in E.164."""
    return _PHONE.fullmatch(text) is not None


def checked(driver: Driver) -> Driver:
    """Returns a driver as one is kept. Raises FieldError for what cannot be."""
    if not is_phone(driver.phone_e164):
        raise FieldError("phone", "this is not a phone number in E.164, such as +244923000001")
    grams, parcels = driver.capacity
    if not 0 < grams <= LARGEST_GRAMS:
        raise FieldError("capacity_grams", f"a vehicle holds 1 to {LARGEST_GRAMS} grams")
    if not 0 < parcels <= MOST_PARCELS:
        raise FieldError("capacity_parcels", f"a vehicle holds 1 to {MOST_PARCELS} parcels")
    if driver.cash_limit is not None and not 0 <= driver.cash_limit <= LARGEST_SUM:
        raise FieldError("cash_limit", f"the limit is between 0 and {LARGEST_SUM}")
    return replace(
        driver,
        name=read_name(driver.name),
        skills=_skills(driver.skills),
        zones=_words("zones", driver.zones, MOST_ZONES, LONGEST_ZONE),
    )


def _skills(names: Sequence[str]) -> tuple[str, ...]:
    try:
        return read_skills(names)
    except ValueError as error:
        raise FieldError("skills", str(error)) from None


def _words(field: str, words: Collection[str], most: int, longest: int) -> tuple[str, ...]:
    """Returns some words, each once and on one line."""
    plain = tuple(dict.fromkeys(" ".join(word.split()) for word in words))
    if len(plain) > most:
        raise FieldError(field, f"there are at most {most} {field}")
    for word in plain:
        if not 1 <= len(word) <= longest or not word.isprintable():
            raise FieldError(field, f"each of the {field} is one line of 1 to {longest} characters")
    return plain

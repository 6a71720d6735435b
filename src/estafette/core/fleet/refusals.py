"""Why something of the fleet is refused, as data: pages, commands and the operator API say it.

They are apart from `core/errors.py`, whose refusals every dialect answers with: no merchant's API
has to do with drivers. What a person has to understand is said in the person's words; `code` is for
programs, and for pages that have a translation.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from estafette.core.deliveries.delivery import Status
from estafette.core.fleet.assignment import AssignmentState
from estafette.core.fleet.driver import DriverState


class FleetRefusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """What was asked for is refused; its text says why, in a sentence without its full stop."""

    code: ClassVar[str]


@dataclass(unsafe_hash=True)
class DriverNotFound(FleetRefusal):
    """The company has no such driver."""

    code: ClassVar[str] = "driver_not_found"

    named: UUID | str

    def __str__(self) -> str:
        return f"the company has no driver {str(self.named)!r}"


@dataclass(unsafe_hash=True)
class AssignmentNotFound(FleetRefusal):
    """The company has no such assignment, or it is another driver's."""

    code: ClassVar[str] = "assignment_not_found"

    id: UUID

    def __str__(self) -> str:
        return "there is no such offer"


@dataclass(unsafe_hash=True)
class NotOfCompany(FleetRefusal):
    """The company does not carry such a delivery."""

    code: ClassVar[str] = "delivery_not_of_company"

    delivery_id: UUID

    def __str__(self) -> str:
        return "the company carries no such delivery"


@dataclass(unsafe_hash=True)
class NoDriversHere(FleetRefusal):
    """The company has a platform of its own, or is simulated: its drivers are not in Estafette."""

    code: ClassVar[str] = "company_without_fleet"

    company_id: UUID

    def __str__(self) -> str:
        return "the drivers of this company are not in Estafette: it is no in-house company"


@dataclass(unsafe_hash=True)
class PhoneTaken(FleetRefusal):
    """Another driver of the company has this phone."""

    code: ClassVar[str] = "phone_taken"

    phone: str

    def __str__(self) -> str:
        return f"another driver of the company has the phone {self.phone}"


@dataclass(unsafe_hash=True)
class FleetFull(FleetRefusal):
    """There are as many `things` as there may be."""

    code: ClassVar[str] = "too_many"

    things: str
    limit: int

    def __str__(self) -> str:
        return f"there are {self.limit} {self.things} already, which is the most"


@dataclass(unsafe_hash=True)
class DriverAway(FleetRefusal):
    """The driver is paused or was removed."""

    code: ClassVar[str] = "driver_away"

    driver_id: UUID
    state: DriverState

    def __str__(self) -> str:
        was = "was removed" if self.state is DriverState.REMOVED else "is paused"
        return f"this driver {was}, and is given nothing"


@dataclass(unsafe_hash=True)
class NotOnShift(FleetRefusal):
    """The driver does not work now."""

    code: ClassVar[str] = "not_on_shift"

    driver_id: UUID

    def __str__(self) -> str:
        return "this driver is not on a shift: it has to be started first"


@dataclass(unsafe_hash=True)
class ParcelsOnBoard(FleetRefusal):
    """The driver still has parcels, so that the day cannot end."""

    code: ClassVar[str] = "parcels_on_board"

    driver_id: UUID
    count: int

    def __str__(self) -> str:
        parcels = "1 parcel" if self.count == 1 else f"{self.count} parcels"
        return f"the driver still has {parcels}: hand them over or bring them back first"


@dataclass(unsafe_hash=True)
class ParcelOnBoard(FleetRefusal):
    """The parcel was picked up already, so that it cannot be given back or to somebody else."""

    code: ClassVar[str] = "parcel_on_board"

    delivery_id: UUID
    driver_id: UUID

    def __str__(self) -> str:
        return "the driver has already picked this parcel up"


@dataclass(unsafe_hash=True)
class NotOnBoard(FleetRefusal):
    """The parcel was not picked up yet."""

    code: ClassVar[str] = "parcel_not_on_board"

    delivery_id: UUID

    def __str__(self) -> str:
        return "this parcel has not been picked up yet"


@dataclass(unsafe_hash=True)
class OfferOver(FleetRefusal):
    """The offer cannot be answered any more: why says its state."""

    code: ClassVar[str] = "offer_over"

    id: UUID
    state: AssignmentState

    def __str__(self) -> str:
        return {
            AssignmentState.EXPIRED: "the time to answer this offer is over",
            AssignmentState.RELEASED: "this offer was taken back, or another driver was faster",
            AssignmentState.REFUSED: "this offer was refused already",
        }.get(self.state, "this offer was answered already")


@dataclass(unsafe_hash=True)
class GivenToAnother(FleetRefusal):
    """The delivery is not this driver's, or not any more."""

    code: ClassVar[str] = "given_to_another"

    delivery_id: UUID
    driver_id: UUID

    def __str__(self) -> str:
        return "this delivery is not this driver's any more: the dispatcher has given it away"


@dataclass(unsafe_hash=True)
class DeliveryTaken(FleetRefusal):
    """Somebody carries the delivery already."""

    code: ClassVar[str] = "delivery_taken"

    delivery_id: UUID
    driver_id: UUID

    def __str__(self) -> str:
        return "another driver carries this delivery already"


@dataclass(unsafe_hash=True)
class OfferedAlready(FleetRefusal):
    """The driver has an open offer of the delivery, or carries it."""

    code: ClassVar[str] = "offered_already"

    delivery_id: UUID
    driver_id: UUID

    def __str__(self) -> str:
        return "this driver has this delivery already, or was just offered it"


@dataclass(unsafe_hash=True)
class NothingAssigned(FleetRefusal):
    """Nobody has the delivery, and it is offered to nobody."""

    code: ClassVar[str] = "nothing_assigned"

    delivery_id: UUID

    def __str__(self) -> str:
        return "no driver has this delivery"


@dataclass(unsafe_hash=True)
class NotNow(FleetRefusal):
    """What stands with the delivery does not allow it: it is over, or not paid yet."""

    code: ClassVar[str] = "not_in_this_status"

    delivery_id: UUID
    status: Status

    def __str__(self) -> str:
        return {
            Status.AWAITING_PAYMENT: "this delivery still awaits its payment or confirmation",
            Status.CANCELLED: "this delivery was cancelled",
            Status.DELIVERED: "this delivery is delivered already",
            Status.FAILED: "this delivery has failed already",
        }.get(self.status, f"this cannot be done while the delivery is {self.status}")


@dataclass(unsafe_hash=True)
class MayNotLeave(FleetRefusal):
    """Nobody has allowed that the parcel is left at the door, or not yet."""

    code: ClassVar[str] = "may_not_leave"

    delivery_id: UUID

    def __str__(self) -> str:
        return "this parcel may not be left at the door: it has to be handed over"


@dataclass(unsafe_hash=True)
class VehicleFull(FleetRefusal):
    """The parcel does not fit into the vehicle with all that the driver has accepted."""

    code: ClassVar[str] = "vehicle_full"

    driver_id: UUID
    grams_left: int
    parcels_left: int

    def __str__(self) -> str:
        return (
            f"it does not fit into the vehicle: {self.parcels_left} parcels"
            f" of {self.grams_left / 1000:g} kg together are left"
        )


@dataclass(unsafe_hash=True)
class SkillsLacking(FleetRefusal):
    """The driver has not all skills that the delivery demands."""

    code: ClassVar[str] = "skills_lacking"

    driver_id: UUID
    skills: tuple[str, ...]

    def __str__(self) -> str:
        return f"this driver lacks what the delivery demands: {', '.join(self.skills)}"


@dataclass(unsafe_hash=True)
class CashLimitReached(FleetRefusal):
    """With the delivery's cash the driver would have more than the limit allows."""

    code: ClassVar[str] = "cash_limit_reached"

    driver_id: UUID
    limit: int
    has: int

    def __str__(self) -> str:
        return (
            f"its cash is over the driver's limit: {self.has} of {self.limit} are in hand or to"
            " be collected already"
        )


@dataclass(unsafe_hash=True)
class OtherMode(FleetRefusal):
    """A driver of the sandbox carries no live delivery, and the other way round."""

    code: ClassVar[str] = "other_mode"

    driver_id: UUID

    def __str__(self) -> str:
        return "live drivers carry live deliveries, simulated ones those of the sandbox"


@dataclass(unsafe_hash=True)
class TourChanged(FleetRefusal):
    """The stops that were put into an order are not the driver's stops now, or not possible so."""

    code: ClassVar[str] = "tour_changed"

    driver_id: UUID

    def __str__(self) -> str:
        return "the driver's stops have changed meanwhile: look at them again"

"""Another time for a delivery: whether its recipient may choose one, and which there are."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from estafette.core.couriers.company import Company, Connector
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.windows import Window, offered


class WhyNot(StrEnum):
    """Why a recipient cannot choose another time."""

    OVER = "over"
    """The delivery has ended."""
    AT_THE_DOOR = "at_the_door"
    """The courier is on the way to the recipient, or there."""
    OFTEN = "often"
    """It was chosen as often as the courier company allows."""
    GONE = "gone"
    """The window is not offered any more."""
    NOT_OFFERED = "not_offered"
    """Nobody who could come at another time carries it."""


class RescheduleRefused(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """Another time cannot be chosen; `why` says the reason."""

    def __init__(self, why: WhyNot) -> None:
        """`why` stands in the message."""
        self.why = why
        super().__init__(f"another time cannot be chosen: {why}")


NOTE: Final = "The recipient chose another time"
"""What the note of the event begins with."""


def why_not(delivery: Delivery, company: Company | None) -> WhyNot | None:
    """Returns why the recipient of a delivery cannot choose another time; None: it is possible.

    `company` is the courier company that carries it; only one with drivers of this server can
    promise to come at another time.
    """
    if delivery.progress.is_final:
        return WhyNot.OVER
    if delivery.status is Status.OUT_FOR_DELIVERY:
        return WhyNot.AT_THE_DOOR
    is_ours = company is not None and company.connector is Connector.INHOUSE and not delivery.remote
    if company is None or not is_ours or delivery.return_of is not None:
        return WhyNot.NOT_OFFERED
    if delivery.status is Status.AWAITING_PAYMENT or delivery.progress.noted() is None:
        return WhyNot.NOT_OFFERED
    return WhyNot.OFTEN if delivery.changes >= company.capabilities.windows.changes else None


def other_times(delivery: Delivery, company: Company | None, now: datetime) -> list[Window]:
    """Returns the windows that the recipient of a delivery may choose at a moment, the next first.

    The one that holds is left out.
    """
    if company is None or why_not(delivery, company) is not None:
        return []
    zone = ZoneInfo(company.time_zone)
    found = offered(company.capabilities.windows, company.hours, zone, now)
    return [window for window in found if window != delivery.window]


def is_chosen(delivery: Delivery, start: datetime) -> bool:
    """Whether the window that begins at `start` holds already, and can still be kept."""
    over = delivery.progress.is_final or delivery.status is Status.OUT_FOR_DELIVERY
    return delivery.window is not None and delivery.window.start == start and not over


def status_after(delivery: Delivery) -> Status:
    """Returns where a delivery is after its recipient has chosen another time.

    What nobody has picked up is nobody's until the window nears, whoever has accepted it, or though
    nobody took it until now.
    """
    return delivery.status if delivery.progress.picked_up else Status.PENDING

"""Tell drivers what others have taken from them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment
from estafette.core.fleet.message import MOST_MESSAGES, MOST_TAKEN, DriverMessage
from estafette.core.fleet.taken import Taken, told_of
from estafette.core.ids import new_id
from estafette.store import signals
from estafette.store.fleet import driver_messages
from estafette.store.work import UnitOfWork

_BY: Final = By.process("assignments")


class Loss(NamedTuple):
    """An assignment that was taken from its driver, why, and the number of its delivery."""

    company_id: UUID
    driver_id: UUID
    assignment_id: UUID
    why: Taken
    number: str


async def tell_taken(work: UnitOfWork, losses: Sequence[Loss], at: datetime) -> None:
    """Tells drivers what was taken from them, in the transaction by which it was.

    Of each reason a driver has one message that is not read yet, however much was taken.
    """
    together: dict[tuple[UUID, UUID, Taken], list[Loss]] = defaultdict(list)
    for one in losses:
        together[one.company_id, one.driver_id, one.why].append(one)
    for (company_id, driver_id, why), some in sorted(together.items()):
        for first in range(0, len(some), MOST_TAKEN):
            part = some[first : first + MOST_TAKEN]
            before = await driver_messages.take_unread(
                work.connection, company_id, driver_id, why, MOST_TAKEN - len(part)
            )
            text = told_of(why, [one.number for one in part], before and before.text)
            taken = (*(before.taken if before else ()), *(one.assignment_id for one in part))
            message = DriverMessage(
                company_id, driver_id, new_id(), text, _BY, at, cause=why, taken=taken
            )
            await driver_messages.insert(work.connection, message, MOST_MESSAGES)
    if losses:
        work.signal(signals.FLEET)


def is_told(ended: Assignment, by: By) -> bool:
    """Whether a driver is told that an assignment has ended: a person, and not by themselves.

    Drivers of the sandbox are simulated. Of an offer that ends nothing is said.
    """
    is_theirs = ended.scope.mode is Mode.LIVE and ended.accepted_at is not None
    return is_theirs and not ended.is_open and by.name != str(ended.driver_id)


def loss(ended: Assignment, delivery: Delivery, why: Taken) -> Loss:
    """Returns what a driver is told of an assignment that has ended."""
    number = delivery.reference or delivery.external_ref or str(delivery.id)
    return Loss(ended.company_id, ended.driver_id, ended.id, why, number)

"""Write to a driver, and read what was written."""

from datetime import datetime
from uuid import UUID

from estafette.core.audit import By
from estafette.core.fleet.driver import DriverState
from estafette.core.fleet.message import LONGEST_MESSAGE, MOST_MESSAGES, DriverMessage
from estafette.core.fleet.refusals import DriverAway, DriverNotFound
from estafette.core.ids import new_id
from estafette.core.people.person import FieldError
from estafette.store import signals
from estafette.store.fleet import driver_messages, drivers
from estafette.store.pool import now
from estafette.store.work import UnitOfWork
from estafette.usecases.fleet.hold import LANE
from estafette.usecases.platform import Platform

SHOWN = 30
"""How many messages are shown, the newest."""


async def write(platform: Platform, company_id: UUID, driver_id: UUID, text: str) -> DriverMessage:
    """Writes a message to a driver, who reads it on the driver's page.

    Raises FieldError for a text that is empty, too long or steers a screen; DriverNotFound, or
    DriverAway for one who was removed.
    """
    lines = [line.rstrip() for line in text.strip().splitlines()]
    said = "\n".join(lines)
    if not 1 <= len(said) <= LONGEST_MESSAGE or not all(map(str.isprintable, lines)):
        raise FieldError("text", f"a message has 1 to {LONGEST_MESSAGE} characters")
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        driver = (await drivers.lock(connection, company_id, [driver_id])).get(driver_id)
        if driver is None:
            raise DriverNotFound(driver_id)
        if driver.state is DriverState.REMOVED:
            raise DriverAway(driver_id, driver.state)
        at = await now(connection)
        return await leave(work, (company_id, driver_id), said, platform.by, at)


async def leave(
    work: UnitOfWork, of: tuple[UUID, UUID], text: str, by: By, at: datetime
) -> DriverMessage:
    """Writes a message to a driver of a company, in the transaction of what it is about.

    The `text` has LONGEST_MESSAGE characters at most.
    """
    message = DriverMessage(*of, new_id(), text, by, at)
    await driver_messages.insert(work.connection, message, MOST_MESSAGES)
    work.signal(signals.FLEET)
    return message


async def messages_of(platform: Platform, company_id: UUID, driver_id: UUID) -> list[DriverMessage]:
    """Returns the newest messages to a driver, newest first. Raises Busy."""
    async with platform.connections.batch(LANE) as connection:
        return await driver_messages.newest(connection, company_id, driver_id, SHOWN)


async def have_read(platform: Platform, company_id: UUID, driver_id: UUID, until: UUID) -> None:
    """Notes that a driver had all messages until one on the screen. Raises Busy."""
    async with (
        platform.connections.batch(LANE) as connection,
        platform.transaction(connection) as work,
    ):
        if await driver_messages.read_all(connection, company_id, driver_id, until):
            work.signal(signals.FLEET)

"""A driver is told what somebody else has taken from them, and nothing of what they did."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.failing import AfterAttempts, AttemptReason, FailurePolicy
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.message import DriverMessage
from estafette.core.fleet.reasons import SILENT
from estafette.core.fleet.taken import Taken
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.fleet.accept import accept
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.bulk import Taken as Chosen
from estafette.usecases.fleet.bulk import take_all_back
from estafette.usecases.fleet.drivers import pause_driver
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.messages import have_read, messages_of
from estafette.usecases.fleet.refuse import refuse
from estafette.usecases.fleet.shifts import end_shift
from estafette.usecases.fleet.steps import pick_up
from estafette.usecases.fleet.take_back import hand_back, take_back
from estafette.usecases.platform import Platform
from tests.usecases.angola import ENTREGA
from tests.usecases.fleet.conftest import Fleet
from tests.usecases.stage import render

Does = Callable[[Fleet, Driver, Delivery], Awaitable[object]]


async def cancels(fleet: Fleet, _: Driver, delivery: Delivery) -> None:
    of = (fleet.shop.scope, ENTREGA, delivery.id, render)
    await cancel(fleet.platform, Cancellation(*of, reason="out of stock"))


async def takes_back(fleet: Fleet, _: Driver, delivery: Delivery) -> None:
    await take_back(fleet.platform, fleet.id, delivery.id, reason="the van is needed elsewhere")


async def has_not_heard(fleet: Fleet, driver: Driver, delivery: Delivery) -> None:
    of = (fleet.platform, fleet.id, delivery.id)
    await take_back(*of, from_driver=driver.id, reason=SILENT.format(minutes=16))


async def gives_away(fleet: Fleet, driver: Driver, delivery: Delivery) -> None:
    other = await fleet.driver()
    await assign(fleet.platform, fleet.id, delivery.id, other.id, instead_of=driver.id)
    assert await told(fleet, other) == []


async def notes_that_it_changed_hands(fleet: Fleet, driver: Driver, delivery: Delivery) -> None:
    await pick_up(fleet.platform, fleet.id, driver.id, delivery.id)
    of = (fleet.platform, fleet.id, delivery.id, (await fleet.driver()).id)
    await assign(*of, instead_of=driver.id, took_over=True)


async def ends_the_shift(fleet: Fleet, driver: Driver, _: Delivery) -> None:
    await end_shift(fleet.platform, fleet.id, driver.id)


def moves_to(status: Status) -> Does:
    async def do(fleet: Fleet, _: Driver, delivery: Delivery) -> None:
        of = (fleet.platform, fleet.shop.scope, ENTREGA, delivery.id)
        await move_by_hand(*of, status, "by the desk")

    return do


async def told(fleet: Fleet, driver: Driver) -> list[DriverMessage]:
    """What a driver was told, the newest first."""
    return await messages_of(fleet.platform, fleet.id, driver.id)


@pytest.mark.parametrize(
    ("does", "why"),
    [
        (cancels, Taken.CANCELLED),
        (moves_to(Status.CANCELLED), Taken.CALLED_OFF),
        (takes_back, Taken.TAKEN_BACK),
        (has_not_heard, Taken.SILENT),
        (gives_away, Taken.GIVEN_AWAY),
        (notes_that_it_changed_hands, Taken.CHANGED_HANDS),
        (ends_the_shift, Taken.SHIFT_ENDED),
        (moves_to(Status.DELIVERED), Taken.DELIVERED),
        (moves_to(Status.FAILED), Taken.FAILED),
    ],
)
async def test_a_driver_is_told_what_somebody_else_has_taken_and_why(
    fleet: Fleet, does: Does, why: Taken
) -> None:
    driver = await fleet.driver()
    delivery = await fleet.accepted(driver)
    only_asked = await fleet.driver()
    await fleet.offered(await fleet.delivery(), only_asked)
    await does(fleet, driver, delivery)
    [message] = await told(fleet, driver)
    [mine, *_] = await fleet.history(delivery)
    assert (message.cause, message.taken, message.read_at) == (why, (mine.id,), None)
    assert message.text.startswith(f"{delivery.reference}: ")
    assert not mine.is_open
    assert await fleet.tour(driver) == []
    assert await told(fleet, only_asked) == []


async def hands_back(platform: Platform, fleet: Fleet, driver: Driver, delivery: Delivery) -> None:
    await hand_back(platform, fleet.id, driver.id, delivery.id)


async def goes_home(platform: Platform, fleet: Fleet, driver: Driver, _: Delivery) -> None:
    await end_shift(platform, fleet.id, driver.id)


async def hands_over(platform: Platform, fleet: Fleet, driver: Driver, delivery: Delivery) -> None:
    await pick_up(platform, fleet.id, driver.id, delivery.id)
    await hand_over(platform, fleet.id, driver.id, delivery.id)


async def finds_nobody(
    platform: Platform, fleet: Fleet, driver: Driver, delivery: Delivery
) -> None:
    await pick_up(platform, fleet.id, driver.id, delivery.id)
    of = (platform, fleet.id, driver.id, delivery.id)
    failed = await attempt_failed(*of, AttemptReason.NOBODY_THERE)
    assert failed.status is Status.FAILED


@pytest.mark.parametrize("does", [hands_back, goes_home, hands_over, finds_nobody])
async def test_a_driver_is_told_nothing_of_what_they_did(
    fleet: Fleet, does: Callable[[Platform, Fleet, Driver, Delivery], Awaitable[None]]
) -> None:
    driver = await fleet.driver()
    own = fleet.platform.acting(By.person(driver.id, None))
    delivery = await fleet.delivery(failing=FailurePolicy(1, AfterAttempts.DISCARD))
    await does(own, fleet, driver, await fleet.accepted(driver, delivery))
    assert await told(fleet, driver) == []
    assert not any(one.is_open for one in await fleet.history(delivery))


async def test_the_end_of_an_offer_is_no_loss(fleet: Fleet) -> None:
    first, second = await fleet.driver(), await fleet.driver()
    delivery = await fleet.delivery()
    await fleet.offered(delivery, first)
    offered = await fleet.offered(delivery, second)
    await accept(fleet.platform, fleet.id, second.id, offered.id)  # faster than the first
    refused = await fleet.offered(await fleet.delivery(), first)
    await refuse(fleet.platform, fleet.id, first.id, refused.id)
    taken = await fleet.delivery()
    await fleet.offered(taken, first)
    await take_back(fleet.platform, fleet.id, taken.id)
    await fleet.offered(await fleet.delivery(), first)
    await pause_driver(fleet.platform, fleet.id, first.id, paused=True)
    assert await told(fleet, first) == []


async def test_what_is_taken_in_bulk_is_one_message_until_it_is_read(fleet: Fleet) -> None:
    driver = await fleet.driver()
    lost = [await fleet.accepted(driver) for _ in range(4)]

    async def take(some: Sequence[Delivery]) -> None:
        await take_all_back(fleet.platform, fleet.id, [Chosen(one.id) for one in some])

    await take(lost[:3])
    [message] = await told(fleet, driver)
    numbers = ", ".join(str(one.reference) for one in lost[:3])
    assert message.text == f"{numbers}: taken back by the dispatcher"
    assert len(message.taken) == 3
    await have_read(fleet.platform, fleet.id, driver.id, message.id)
    await take(lost[3:])
    newest, read = await told(fleet, driver)
    assert (len(newest.taken), newest.read_at) == (1, None)
    assert (read.id, read.taken) == (message.id, message.taken)

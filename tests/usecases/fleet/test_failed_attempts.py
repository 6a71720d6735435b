"""A parcel that cannot be handed over: tried again, then discarded or brought back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from estafette.core.couriers.company import Capabilities
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.failing import (
    AfterAttempts,
    AttemptReason,
    FailurePolicy,
    HeldPolicy,
    Settled,
)
from estafette.core.edition import EditedMeanwhileError
from estafette.core.errors import LeavingExcluded, ProofsMissing
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.refusals import MayNotLeave, NotNow, ParcelsOnBoard
from estafette.core.fleet.tour import StopKind
from estafette.core.ids import new_id
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.core.proofs.demand import Demand
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.files import KeptFiles
from estafette.store.deliveries import table as deliveries
from estafette.usecases.accounts.settings import account_with_settings, say_failing
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.deliveries.failing import policy_of
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.leave_at_door import leave_at_door
from estafette.usecases.fleet.shifts import end_shift, start_shift
from estafette.usecases.fleet.steps import pick_up, set_out
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.add import SentProof, add
from tests.rows import tables
from tests.usecases.fleet.conftest import Fleet
from tests.usecases.proofs.pictures import photo as picture

S = Status
ABSENT = AttemptReason.NOBODY_THERE
Of = tuple[Platform, UUID, UUID, UUID]


async def with_policy(fleet: Fleet, attempts: int, then: AfterAttempts) -> None:
    able = Capabilities(failing=FailurePolicy(attempts, then))
    fleet.company = await save_company(fleet.platform, replace(fleet.company, capabilities=able))
    fleet.platform.catalog.forget()


async def at_the_door(fleet: Fleet, driver: Driver, **order: Any) -> tuple[Delivery, Of]:
    delivery = await fleet.accepted(driver, await fleet.delivery(**order))
    of = (fleet.platform, fleet.id, driver.id, delivery.id)
    await pick_up(*of)
    await set_out(*of)
    return delivery, of


async def test_a_recipient_who_is_absent_twice_has_the_parcel_brought_back(fleet: Fleet) -> None:
    await with_policy(fleet, 2, AfterAttempts.RETURN)
    driver = await fleet.driver()
    kept = Demand(dropoff=frozenset({ProofKind.PIN}), returned=frozenset({ProofKind.NAME}))
    cash = Payment(PaymentMethod.COD, 5_000)
    delivery, of = await at_the_door(fleet, driver, proof=kept, payment=cash)
    assert (await attempt_failed(*of, ABSENT)).status is S.STALLED
    assert (await attempt_failed(*of, ABSENT)).status is S.STALLED  # the same attempt, told twice
    await set_out(*of)
    assert (await attempt_failed(*of, AttemptReason.PHONE_SILENT)).status is S.FAILED

    failed = await fleet.shop.delivery(delivery.id)
    events = await fleet.shop.events(delivery.id)
    assert [one.note for one in events if one.status is S.STALLED] == [
        "nobody was there",
        "the recipient did not answer the phone",
    ]
    assert failed.return_id is not None
    back = await fleet.shop.delivery(failed.return_id)
    assert (back.return_of, back.status, back.reference) == (
        delivery.id,
        S.IN_TRANSIT,
        back.reference,
    )
    assert back.reference not in (None, delivery.reference)
    assert back.reference is not None
    assert back.reference in (events[-1].note or "")
    assert (back.pickup, back.dropoff) == (delivery.dropoff, delivery.pickup)
    assert (back.require_pin, back.payment.cash_collect) == (False, None)
    assert await fleet.tour(driver) == [(back.id, StopKind.DROPOFF)]

    mine = (fleet.platform, fleet.id, driver.id, back.id)
    assert (await attempt_failed(*mine, AttemptReason.NO_ACCESS, "closed")).status is S.STALLED
    await set_out(*mine)
    assert (await attempt_failed(*mine, AttemptReason.NO_ACCESS)).status is S.STALLED, (
        "no return of a return"
    )
    with pytest.raises(ProofsMissing):
        await hand_over(*mine)
    now = datetime.now(UTC)
    name = SentProof(new_id(), ProofKind.NAME, ProofStage.RETURN, now, said="Loja")
    await add(fleet.platform, fleet.shop.scope, back.id, name)
    assert (await hand_over(*mine)).status is S.DELIVERED
    booked = await tables.read(
        fleet.platform.pool, "ledger_entries", {"account_id": fleet.shop.account.id}
    )
    assert {row["delivery_id"] for row in booked} == {back.id}, "what failed costs nothing"
    assert sum(row["amount"] for row in booked) == 0
    assert max(abs(row["amount"]) for row in booked) == back.fee == delivery.fee


async def test_what_is_discarded_has_failed_and_nothing_follows(fleet: Fleet) -> None:
    await with_policy(fleet, 1, AfterAttempts.DISCARD)
    driver = await fleet.driver()
    delivery, of = await at_the_door(fleet, driver)
    assert (await attempt_failed(*of, AttemptReason.REFUSED_BY_RECIPIENT)).status is S.FAILED
    failed = await fleet.shop.delivery(delivery.id)
    assert (failed.return_id, failed.return_of) == (None, None)
    assert await fleet.tour(driver) == []
    with pytest.raises(NotNow):
        await hand_over(*of)


async def test_without_a_policy_the_dispatcher_decides_however_often_it_was_tried(
    fleet: Fleet,
) -> None:
    driver = await fleet.driver()
    _, of = await at_the_door(fleet, driver)
    for _ in range(6):
        assert (await attempt_failed(*of, ABSENT)).status is S.STALLED
        await set_out(*of)
    assert (await hand_over(*of)).status is S.DELIVERED


async def test_what_an_account_says_goes_before_the_company_and_a_delivery_before_both(
    fleet: Fleet,
) -> None:
    await with_policy(fleet, 2, AfterAttempts.DISCARD)
    account_id = fleet.shop.account.id
    opened = await account_with_settings(fleet.platform, account_id)
    by_account = FailurePolicy(1, AfterAttempts.RETURN)
    await say_failing(fleet.platform, account_id, by_account, edition=opened.edition)
    with pytest.raises(EditedMeanwhileError):
        await say_failing(fleet.platform, account_id, None, edition=opened.edition)
    driver = await fleet.driver()
    returned, of = await at_the_door(fleet, driver)
    assert (await attempt_failed(*of, ABSENT)).status is S.FAILED
    assert (await fleet.shop.delivery(returned.id)).return_id is not None

    own = FailurePolicy(2, AfterAttempts.DISCARD)
    discarded, of = await at_the_door(fleet, driver, failing=own)
    assert await policy_of(fleet.platform, await fleet.shop.delivery(discarded.id)) == HeldPolicy(
        own, Settled.DELIVERY
    )
    assert (await attempt_failed(*of, ABSENT)).status is S.STALLED
    await set_out(*of)
    assert (await attempt_failed(*of, ABSENT)).status is S.FAILED
    assert (await fleet.shop.delivery(discarded.id)).return_id is None
    noted = await tables.read(fleet.platform.pool, "audit", {"object": str(account_id)})
    assert any("failing_then" in (row["changes"] or "") for row in noted)


async def test_it_is_tried_again_in_a_window_behind_all_else_and_the_promise_moves_there(
    fleet: Fleet,
) -> None:
    await with_policy(fleet, 3, AfterAttempts.RETURN)
    driver = await fleet.driver()
    delivery, of = await at_the_door(fleet, driver)
    other = await fleet.accepted(driver)
    await attempt_failed(*of, ABSENT, "Dog")
    tried = await fleet.shop.delivery(delivery.id)
    assert [(one.reason, one.seq) for one in tried.attempts] == [(ABSENT, tried.progress.seq)]
    assert tried.window is not None
    assert tried.window.start > tried.updated_at
    assert (tried.deliver_by, tried.scheduled_delivery_at) == (tried.window.end, tried.window.end)
    assert await fleet.tour(driver) == [
        *((other.id, kind) for kind in StopKind),
        (delivery.id, StopKind.DROPOFF),
    ]
    await pick_up(fleet.platform, fleet.id, driver.id, other.id)
    with pytest.raises(ParcelsOnBoard):  # one more that is not put off
        await end_shift(fleet.platform, fleet.id, driver.id)
    await hand_over(fleet.platform, fleet.id, driver.id, other.id)
    await end_shift(fleet.platform, fleet.id, driver.id)  # with the parcel of tomorrow
    await start_shift(fleet.platform, fleet.id, driver.id, "a phone")
    assert (await hand_over(*of)).status is S.DELIVERED


async def test_once_its_window_has_begun_it_is_another_attempt_whoever_forgot_to_set_out(
    fleet: Fleet,
) -> None:
    await with_policy(fleet, 2, AfterAttempts.DISCARD)
    driver = await fleet.driver()
    delivery, of = await at_the_door(fleet, driver)
    await attempt_failed(*of, ABSENT)
    assert (await attempt_failed(*of, ABSENT)).status is S.STALLED
    tried = await fleet.shop.delivery(delivery.id)
    assert tried.window is not None
    hour = timedelta(hours=1)
    [attempt] = tried.attempts
    yesterday = attempt._replace(at=attempt.at - 2 * hour)
    begun = tried.window._replace(start=attempt.at - hour)
    async with fleet.platform.pool.acquire() as connection:
        past = replace(tried, window=begun, attempts=(yesterday,))
        await deliveries.set_promise(connection, past)
    assert (await attempt_failed(*of, ABSENT)).status is S.FAILED


async def test_what_is_left_at_the_door_is_shown_by_a_photo_and_only_at_the_last_attempt(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.shop.change(files=KeptFiles(tmp_path / "files"))
    driver = await fleet.driver()
    leave = FailurePolicy(2, AfterAttempts.LEAVE)
    delivery, of = await at_the_door(fleet, driver, failing=leave)
    with pytest.raises(MayNotLeave):
        await leave_at_door(*of)
    kind, stage = ProofKind.PHOTO, ProofStage.DROPOFF
    of_closed_door = SentProof(new_id(), kind, stage, datetime.now(UTC), picture=picture())
    await add(fleet.platform, fleet.shop.scope, delivery.id, of_closed_door)
    await attempt_failed(*of, ABSENT)
    with pytest.raises(ProofsMissing):
        await leave_at_door(*of)
    photo = SentProof(new_id(), kind, stage, datetime.now(UTC), picture=picture())
    await add(fleet.platform, fleet.shop.scope, delivery.id, photo)
    assert (await leave_at_door(*of)).status is S.DELIVERED
    assert (await leave_at_door(*of)).status is S.DELIVERED  # told twice
    assert (await fleet.shop.events(delivery.id))[-1].note == "Left at the door"
    assert (await fleet.load(driver)).on_board == 0

    unsafe, of = await at_the_door(fleet, driver, failing=FailurePolicy(1, AfterAttempts.LEAVE))
    assert (await attempt_failed(*of, AttemptReason.OTHER, "a street")).status is S.FAILED
    assert (await fleet.shop.delivery(unsafe.id)).return_id is not None


async def test_a_photo_of_before_a_failed_attempt_that_arrives_later_shows_nothing_of_the_next(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.shop.change(files=KeptFiles(tmp_path / "files"))
    driver = await fleet.driver()
    demand = Demand(dropoff=frozenset({ProofKind.PHOTO}))
    delivery, of = await at_the_door(fleet, driver, proof=demand)
    before = datetime.now(UTC) - timedelta(seconds=1)
    of_closed_door = SentProof(
        new_id(), ProofKind.PHOTO, ProofStage.DROPOFF, before, picture=picture()
    )
    await attempt_failed(*of, ABSENT)
    await add(fleet.platform, fleet.shop.scope, delivery.id, of_closed_door)
    await set_out(*of)
    with pytest.raises(ProofsMissing):
        await hand_over(*of)
    of_recipient = replace(of_closed_door, id=new_id(), taken_at=datetime.now(UTC))
    await add(fleet.platform, fleet.shop.scope, delivery.id, of_recipient)
    assert (await hand_over(*of)).status is S.DELIVERED


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"payment": Payment(PaymentMethod.COD, 5_000)}, "cash"),
        ({"proof": Demand(dropoff=frozenset({ProofKind.PIN}))}, "pin"),
        ({"proof": Demand(dropoff=frozenset({ProofKind.AGE, ProofKind.PHOTO}))}, "age"),
    ],
)
async def test_what_somebody_has_to_take_is_not_ordered_to_be_left(
    fleet: Fleet, changes: dict[str, Any], because: str
) -> None:
    with pytest.raises(LeavingExcluded) as refused:
        await fleet.delivery(failing=FailurePolicy(1, AfterAttempts.LEAVE), **changes)
    assert refused.value.because == because
    assert await fleet.shop.count("deliveries") == 0

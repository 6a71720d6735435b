"""A parcel that cannot be handed over: tried again, then discarded or brought back."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from estafette.core.couriers.company import Capabilities
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.failing import AfterAttempts, FailurePolicy
from estafette.core.errors import ProofsMissing
from estafette.core.fleet.driver import Driver
from estafette.core.fleet.refusals import NotNow
from estafette.core.fleet.tour import StopKind
from estafette.core.ids import new_id
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.core.proofs.demand import Demand
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.usecases.couriers.companies import save_company
from estafette.usecases.fleet.attempt_failed import attempt_failed
from estafette.usecases.fleet.hand_over import hand_over
from estafette.usecases.fleet.steps import pick_up, set_out
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.add import SentProof, add
from tests.rows import tables
from tests.usecases.fleet.conftest import Fleet

S = Status
ABSENT = "recipient absent"
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
    assert (await attempt_failed(*of, "nobody opens")).status is S.FAILED

    failed = await fleet.shop.delivery(delivery.id)
    events = await fleet.shop.events(delivery.id)
    assert [one.note for one in events if one.status is S.STALLED] == [ABSENT, "nobody opens"]
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
    assert (await attempt_failed(*mine, "the shop is closed")).status is S.STALLED
    await set_out(*mine)
    assert (await attempt_failed(*mine, "closed again")).status is S.STALLED, (
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
    assert (await attempt_failed(*of, "refused")).status is S.FAILED
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


@pytest.mark.parametrize("attempts", [0, 6, -1])
def test_a_company_tries_once_to_five_times(attempts: int) -> None:
    with pytest.raises(ValueError, match="1 to 5 times"):
        FailurePolicy(attempts, AfterAttempts.RETURN)

"""Giving deliveries to companies with a platform of their own."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from estafette.core.accounts.account import Mode
from estafette.core.couriers.company import Connector
from estafette.core.couriers.dispatch import Room
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.usecases.couriers.dispatch import (
    NOT_TAKEN,
    Placement,
    followed,
    placed,
    refused,
    unplaced,
)
from estafette.usecases.couriers.errands import ErrandRound, elsewhere
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.deliveries.pins import opened
from estafette.usecases.deliveries.tracking import track
from estafette.usecases.money.payments import confirm_payment
from tests.moving import advance
from tests.rows import deliveries as delivery_rows
from tests.rows import tables
from tests.usecases.angola import BY_TRANSFER, ENTREGA, FakeCourier, new_shop
from tests.usecases.far import FAR_OFFER, LATER, Far, told
from tests.usecases.stage import new_tenant

P, A, S, C = Status.PENDING, Status.ASSIGNED, Status.STALLED, Status.CANCELLED


# what is placed, and when


async def test_a_remote_delivery_is_to_be_placed_at_once_with_its_offer(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand()
    assert (errand.delivery, errand.company) == (delivery, far.company)
    assert errand.upstream == FAR_OFFER.upstream
    assert (errand.upstream_id, errand.attempt, errand.doubtful) == (None, 1, False)
    assert (errand.seen, errand.polls, errand.recalled) == (None, 0, False)
    assert errand.is_wanted
    assert errand.trying_for == timedelta()


async def test_others_are_not_placed_anywhere(far: Far) -> None:
    near = await new_shop(far.shop.platform)
    await near.company("near")
    await near.create()
    await (await new_tenant(far.shop.platform)).create()
    assert (await far.claim()).errands == []
    assert (await far.claim()).due_in_seconds is None


async def test_a_rehearsal_is_placed_in_its_own_mode(far: Far) -> None:
    rehearsal = replace(far.shop, mode=Mode.SANDBOX)
    delivery = await rehearsal.create()
    assert (await far.errand()).delivery.scope == delivery.scope


async def test_a_bank_transfer_is_awaited_before_it_is_placed(far: Far) -> None:
    delivery = await far.create(payment=BY_TRANSFER)
    assert delivery.status is Status.AWAITING_PAYMENT
    assert (await far.claim()) == replace(await far.claim(), errands=[], due_in_seconds=None)
    await confirm_payment(far.shop.platform, far.shop.scope, ENTREGA, delivery.id)
    assert (await far.errand()).delivery.id == delivery.id


async def test_a_transfer_that_never_comes_closes_it_unplaced(far: Far) -> None:
    delivery = await far.create(payment=BY_TRANSFER)
    limits = far.shop.platform.watch_limits
    far.shop.change(watch_limits=replace(limits, payment=timedelta(seconds=-1)))
    await delivery_rows.end_payment_time(far.shop.platform.pool, delivery.id, timedelta(seconds=1))
    await look_after(far.shop.platform)
    assert (await far.shop.delivery(delivery.id)).status is C
    assert (await far.row(delivery.id))["state"] == "closed"
    assert (await far.claim()).errands == []


async def test_what_ends_by_hand_before_it_left_is_closed(far: Far) -> None:
    delivery = await far.create()
    await far.by_hand(delivery.id, C)
    assert (await far.row(delivery.id))["state"] == "closed"


async def test_plain_deliveries_cost_no_statement_more(far: Far) -> None:
    """What a Kaspi merchant creates and moves never touches the outbox of remote companies."""
    tenant = await new_tenant(far.shop.platform)
    said: list[str] = []

    def note(query: object) -> None:
        said.append(str(query))

    async with far.shop.platform.pool.acquire() as connection:
        connection.add_query_logger(note)
    id = await tenant.create()
    await advance(
        far.shop.platform,
        tenant.scope,
        ENTREGA,
        id,
        [Move(A, Actor.COURIER), Move(C, Actor.SYSTEM)],
    )
    assert said
    assert not [query for query in said if "dispatches" in query]


# claims


async def test_claims_exclude_each_other(far: Far) -> None:
    created = {(await far.create()).id for _ in range(6)}
    rounds = await asyncio.gather(*(far.claim(4) for _ in range(4)))
    claimed = [errand.delivery.id for round in rounds for errand in round.errands]
    claimed += [errand.delivery.id for errand in (await far.claim()).errands]
    assert sorted(claimed) == sorted(created)


async def test_a_company_gets_no_more_than_its_room(far: Far) -> None:
    other = await far.shop.company("far2", [], connector=Connector.REMOTE)
    answers = {"far": FAR_OFFER, "far2": FAR_OFFER}
    far.shop.change(couriers={Connector.REMOTE: FakeCourier(answers)})
    for _ in range(3):
        for quote in await far.shop.quotes():
            await far.create(quote=quote)
    found = (await far.claim(of={far.company.id: Room(1, 9), other.id: Room(2, 0)})).errands
    assert sorted(errand.company.slug for errand in found) == ["far", "far2", "far2"]
    none = {far.company.id: Room(0, 9), other.id: Room(0, 9)}
    assert await far.claim(of=none) == ErrandRound([], None)
    due = (await far.claim(1)).due_in_seconds
    assert due is not None
    assert due <= 0


async def test_what_is_to_be_placed_goes_before_what_is_looked_at(far: Far) -> None:
    looked_at = [await far.errand_created() for _ in range(6)]
    for number, errand in enumerate(looked_at):
        await placed(far.shop.platform, errand, Placement(f"up-{number}"), timedelta())
    await unplaced(far.shop.platform, await far.errand_created(), "once more", timedelta())
    pool, of_placed, a_day_ago = far.shop.platform.pool, {"state": "placed"}, timedelta(days=-1)
    await tables.change(pool, "dispatches", of_placed, next_at=a_day_ago)
    to_place = {(await far.create()).id for _ in range(2)}
    told = looked_at[4].delivery.id
    of_it = {"upstream_id": "up-4"}
    await tables.change(pool, "dispatches", of_it, heard=True, next_at=timedelta())
    first = (await far.claim(4, of={far.company.id: Room(4, 4)})).errands
    assert [errand.upstream_id for errand in first if errand.upstream_id] == ["up-4"]
    assert to_place < {errand.delivery.id for errand in first}
    assert told in {errand.delivery.id for errand in first}


async def test_looks_and_placings_have_places_that_the_others_cannot_take(far: Far) -> None:
    for number in range(3):
        errand = await far.errand_created()
        await placed(far.shop.platform, errand, Placement(f"up-{number}"), timedelta())
    for _ in range(3):
        await far.create()
    found = (await far.claim(10, most=Room(2, 1))).errands
    assert sorted(errand.upstream_id is None for errand in found) == [False, True, True]
    found = (await far.claim(10, of={far.company.id: Room(0, 1)})).errands
    assert [errand.upstream_id is None for errand in found] == [False]


async def test_companies_that_have_not_answered_leave_places_for_those_that_have(far: Far) -> None:
    other = await far.shop.company("far2", [], connector=Connector.REMOTE)
    answers = {"far": FAR_OFFER, "far2": FAR_OFFER}
    far.shop.change(couriers={Connector.REMOTE: FakeCourier(answers)})
    for _ in range(3):
        for quote in await far.shop.quotes():
            await far.create(quote=quote)
    found = (await far.claim(proven=[other.id], unproven=1)).errands
    assert sorted(errand.company.slug for errand in found) == ["far", "far2", "far2", "far2"]


async def test_what_could_not_be_called_off_goes_before_other_looks(far: Far) -> None:
    given_up, other = [await far.errand_created() for _ in range(2)]
    await placed(far.shop.platform, given_up, Placement("up-1"), timedelta())
    await placed(far.shop.platform, other, Placement("up-2"), timedelta())
    await far.by_hand(given_up.delivery.id, C)
    (first,) = (await far.claim(1)).errands
    assert first.upstream_id == "up-1"
    await unplaced(far.shop.platform, first, "down", timedelta())
    of_it, a_day_ago = {"upstream_id": "up-2"}, timedelta(days=-1)
    await tables.change(far.shop.platform.pool, "dispatches", of_it, next_at=a_day_ago)
    (again,) = (await far.claim(1)).errands
    assert again.upstream_id == "up-1"


async def test_a_round_tells_when_the_next_is_due(far: Far) -> None:
    await far.create()
    errand = await far.errand()
    await unplaced(far.shop.platform, errand, "down", LATER)
    due = (await far.claim()).due_in_seconds
    assert due is not None
    assert 0 < due <= 60


async def test_a_company_that_is_not_remembered_yet_is_read(far: Far) -> None:
    await far.create()
    catalog = far.shop.platform.catalog
    await tables.shift(far.shop.platform.pool, "companies", base_fee=0)
    assert (await catalog.companies("AO")).by_id(far.company.id)
    assert (await far.errand()).company == far.company


# placing


async def test_what_was_placed_is_looked_at_next(far: Far) -> None:
    delivery = await far.create()
    assert await placed(far.shop.platform, await far.errand(), Placement("up-1"))
    row = await far.row(delivery.id)
    assert (row["state"], row["upstream_id"], row["leased"]) == ("placed", "up-1", False)
    assert 0 < row["due_in"] <= 5
    await far.make_due()
    errand = await far.errand()
    assert (errand.upstream_id, errand.attempt, errand.doubtful) == ("up-1", 2, False)
    assert far.outcomes == [("far", "placed")]


async def test_the_pin_and_the_fee_of_the_platform_become_the_deliverys(far: Far) -> None:
    metadata = {"z": 1, "a": [{"é": 0.1}], "n": None}
    delivery = await far.create(metadata=metadata)
    await placed(far.shop.platform, await far.errand(), Placement("up-1", "4711", 650))
    after = opened(far.shop.platform.cipher, await far.shop.delivery(delivery.id))
    assert after == replace(delivery, pin="4711", company_fee=650)
    assert list(after.metadata or {}) == ["z", "a", "n"]
    assert (await far.row(delivery.id))["fee"] == 650


async def test_a_stale_attempt_records_nothing(far: Far) -> None:
    delivery = await far.create()
    stale = await far.errand()
    await far.die()
    errand = await far.errand()
    platform = far.shop.platform
    before = await far.row(delivery.id)
    assert not await placed(platform, stale, Placement("up-0", "1"))
    assert not await unplaced(platform, stale, "x", LATER)
    assert not await refused(platform, stale, "x")
    assert dict(await far.row(delivery.id)) | {"due_in": 0} == dict(before) | {"due_in": 0}
    assert await far.shop.delivery(delivery.id) == delivery
    assert await placed(platform, errand, Placement("up-1"))
    assert not await placed(platform, errand, Placement("up-2"))
    assert not await unplaced(platform, errand, "x", LATER)
    assert (await far.row(delivery.id))["upstream_id"] == "up-1"


async def test_a_lease_that_ended_is_claimed_again_and_in_doubt(far: Far) -> None:
    await far.create()
    first = await far.errand()
    assert (await far.claim()).errands == []
    await far.die()
    second = await far.errand()
    assert (first.attempt, second.attempt) == (1, 2)
    assert (first.doubtful, second.doubtful) == (False, True)
    assert second.first_tried_at == first.first_tried_at
    assert second.trying_for > timedelta()


async def test_doubt_stays_until_a_look_up_ends_it(far: Far) -> None:
    await far.create()
    platform = far.shop.platform
    doubts: list[bool] = []
    for doubtful, looked_up in [(True, False), (False, False), (True, True), (False, True)]:
        await far.land()
        errand = await far.errand()
        doubts.append(errand.doubtful)
        assert await unplaced(platform, errand, "?", timedelta(), doubtful, looked_up)
    await far.land()
    doubts.append((await far.errand()).doubtful)
    assert doubts == [False, True, True, True, False]


async def test_a_look_up_proves_nothing_while_a_request_may_be_under_way(far: Far) -> None:
    delivery = await far.create()
    platform = far.shop.platform
    await unplaced(platform, await far.errand(), "timeout", timedelta(), doubtful=True)
    errand = await far.errand()
    assert errand.may_arrive_yet
    assert await unplaced(platform, errand, "not there", timedelta(), looked_up=True)
    errand = await far.errand()
    assert errand.doubtful
    assert not await refused(platform, errand, "Never")
    row = await far.row(delivery.id)
    assert (row["state"], row["leased"]) == ("waiting", False)
    assert 50 < row["due_in"] <= 60
    await far.land()
    await far.make_due()
    errand = await far.errand()
    assert (errand.doubtful, errand.may_arrive_yet) == (True, False)
    assert await refused(platform, errand, "Never")


async def test_what_certainly_did_not_arrive_is_not_in_doubt(far: Far) -> None:
    delivery = await far.create()
    await unplaced(far.shop.platform, await far.errand(), "connection refused", timedelta())
    row = await far.row(delivery.id)
    assert (row["doubted_at"], row["last_error"]) == (None, "connection refused")
    assert not (await far.errand()).doubtful


_FOREIGN = "HTTP 422 account 4711 is overdrawn, see https://far.example/top-up"


async def test_a_refusal_stalls_the_delivery_and_tells_the_operator_alone_why(far: Far) -> None:
    delivery = await far.create()
    assert await refused(far.shop.platform, await far.errand(), _FOREIGN)
    last = (await far.shop.events(delivery.id))[-1]
    assert (last.status, last.actor, last.note) == (S, Actor.SYSTEM, NOT_TAKEN)
    row = await far.row(delivery.id)
    assert (row["state"], row["next_at"], row["last_error"]) == ("refused", None, _FOREIGN)
    assert far.outcomes == [("far", "refused")]
    assert await elsewhere(far.shop.platform, delivery) == ("refused", None, _FOREIGN)
    tracked = await track(far.shop.platform, delivery.id)
    assert tracked is not None
    assert {step.note for step in tracked.steps} == {None}


async def test_a_refusal_of_what_has_stalled_already_adds_no_event(far: Far) -> None:
    delivery = await far.create()
    await far.by_hand(delivery.id, S)
    assert await refused(far.shop.platform, await far.errand(), "Never")
    assert await far.statuses(delivery.id) == [P, S]
    assert (await far.row(delivery.id))["state"] == "refused"


async def test_what_ended_here_while_in_doubt_is_only_looked_up(far: Far) -> None:
    delivery = await far.create()
    await unplaced(far.shop.platform, await far.errand(), "timeout", timedelta(), doubtful=True)
    await far.by_hand(delivery.id, C)
    await far.land()
    errand = await far.errand()
    assert (errand.is_wanted, errand.doubtful) == (False, True)
    await unplaced(far.shop.platform, errand, "not there", timedelta(), looked_up=True)
    assert (await far.row(delivery.id))["state"] == "closed"


async def test_what_ended_here_and_is_found_there_is_disputed(far: Far) -> None:
    delivery = await far.create()
    errand = await far.errand()
    await far.by_hand(delivery.id, C)
    assert await placed(far.shop.platform, errand, Placement("up-1"), timedelta())
    assert await followed(far.shop.platform, await far.errand(), told(P), LATER)
    row = await far.row(delivery.id)
    assert (row["state"], row["last_error"]) == ("disputed", "pending there, cancelled here")
    assert far.outcomes == [("far", "placed"), ("far", "disputed")]

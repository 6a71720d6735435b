"""Lists for people, over the database: every filter finds what it says, page after page."""

from datetime import timedelta
from typing import Any

import pytest

from estafette.core.deliveries.delivery import Delivery, Status, Stop
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.store.deliveries.people_filter import EFFORT, Effort
from estafette.usecases.cursor import CursorUnknownError
from estafette.usecases.deliveries import privacy
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.people_lists import (
    PeopleFilter,
    find_for_people,
    indexer,
)
from estafette.usecases.deliveries.saved_filters import (
    MOST,
    TooManyFiltersError,
    remove_filter,
    save_filter,
    saved_filters,
)
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA, Shop
from tests.usecases.stage import DIALECT, Merchant, Tenant

COURSE = [Status.ASSIGNED, Status.PICKUP_READY, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY]


async def found(
    who: Merchant, typed: str = "", size: int = 2, effort: Effort = EFFORT, **wanted: Any
) -> list[Delivery]:
    """All pages of a list."""
    deliveries, after = list[Delivery](), None
    while True:
        asked = PeopleFilter(**wanted)
        page = await find_for_people(
            who.platform, who.scope, asked, typed, after, size, effort=effort
        )
        assert len(page.deliveries) <= size
        deliveries += page.deliveries
        if page.next is None:
            return deliveries
        after = page.next


async def index(who: Merchant) -> None:
    """Let all there is be older than what may still appear, and have its words."""
    await tables.change(
        who.platform.pool,
        "deliveries",
        {"account_id": who.account.id},
        created_at=-timedelta(minutes=5),
    )
    while (await indexer(who.platform).round()).done:
        pass
    assert await who.count("delivery_words") == await who.count("deliveries")


async def _of_tenant(tenant: Tenant) -> list[Delivery]:
    made: list[Delivery] = []
    for number in range(7):
        dropoff = Stop(f"Абая {number}", name="Дана", phone_e164=f"+7701000{number:04}", phone="x")
        id = await tenant.create(dropoff=dropoff, external_ref=f"ORD-{number}")
        moves = [Move(status, Actor.COURIER) for status in COURSE[: number % 5]]
        if moves:
            await advance(tenant.platform, tenant.scope, DIALECT, id, moves)
        made.append(await tenant.delivery(id))
    stalled = [Move(Status.STALLED, Actor.COURIER)]
    await advance(tenant.platform, tenant.scope, DIALECT, made[5].id, stalled)
    failed = [Move(Status.FAILED, Actor.COURIER)]
    await advance(tenant.platform, tenant.scope, DIALECT, made[4].id, failed)
    return [await tenant.delivery(one.id) for one in made]


@pytest.mark.parametrize("listed", [3, EFFORT.listed])
async def test_each_filter_finds_what_it_says_however_little_is_looked_at(
    tenant: Tenant, listed: int
) -> None:
    effort = EFFORT._replace(listed=listed)
    made = await _of_tenant(tenant)
    made.sort(key=lambda one: (one.created_at, one.id), reverse=True)

    def those(*statuses: Status) -> list[Delivery]:
        return [one for one in made if one.status in statuses]

    assert await found(tenant, effort=effort) == made
    for status in Status:
        assert await found(tenant, effort=effort, statuses=[status]) == those(status)
    both = {Status.PENDING, Status.STALLED}
    assert await found(tenant, effort=effort, statuses=list(both)) == those(*both)
    assert await found(tenant, effort=effort, company_id=new_id()) == []
    assert await found(tenant, effort=effort, late=True) == []
    at_middle = made[3]
    middle = at_middle.created_at
    assert await found(tenant, effort=effort, since=middle) == made[: made.index(at_middle) + 1]
    assert await found(tenant, effort=effort, until=middle) == made[made.index(at_middle) :]
    late = {"account_id": tenant.account.id, "id": made[0].id}
    await tables.change(tenant.platform.pool, "deliveries", late, deliver_by=-timedelta(hours=1))
    assert [one.id for one in await found(tenant, effort=effort, late=True)] == [made[0].id]


async def test_a_delivery_is_found_by_words_before_and_after_it_has_them(tenant: Tenant) -> None:
    made = await _of_tenant(tenant)
    for has_words in (False, True):
        if has_words:
            await index(tenant)
        for number, one in enumerate(made):
            for typed in (f"ord-{number}", f"000{number:04}", f"абая {number}"):
                assert [each.id for each in await found(tenant, typed)] == [one.id], typed
        assert len(await found(tenant, "дана")) == len(made)
        pending = [one.id for one in made if one.status is Status.PENDING]
        ids = {each.id for each in await found(tenant, "абая", statuses=[Status.PENDING])}
        assert ids == set(pending)
        assert await found(tenant, "абая 1 2") == []
        assert await found(tenant, "???") == []


async def test_many_with_a_word_are_found_in_order_and_few_by_the_index(
    tenant: Tenant,
) -> None:
    effort = EFFORT._replace(sample=2, in_order=3)
    made = await _of_tenant(tenant)
    await index(tenant)
    assert [one.id for one in await found(tenant, "ord-0", effort=effort)] == [made[0].id]
    assert len(await found(tenant, "дана", effort=effort)) == len(made)
    effort = effort._replace(apart=0)
    assert [one.id for one in await found(tenant, "ord-0", effort=effort)] == [made[0].id]
    assert [one.id for one in await found(tenant, "ord-6", effort=effort)] == [made[6].id]


async def test_a_numbered_delivery_is_found_by_its_reference_company_and_metadata(
    shop: Shop,
) -> None:
    fast, slow = await shop.company("fast"), await shop.company("slow")
    one = await shop.create(metadata={"branch": "Talatona"})
    two = await shop.create()
    await advance(
        shop.platform, shop.scope, ENTREGA, one.id, [Move(Status.ASSIGNED, Actor.COURIER)]
    )
    for has_words in (False, True):
        if has_words:
            await index(shop)
        for typed in (one.reference or "", "talatona"):
            assert [each.id for each in await found(shop, typed)] == [one.id]
        assert [each.id for each in await found(shop, statuses=[Status.ASSIGNED])] == [one.id]
        assert [each.id for each in await found(shop, statuses=[Status.PENDING])] == [two.id]
        of_company = {each.id for each in await found(shop, company_id=one.company_id)}
        assert one.id in of_company
        other = slow.id if one.company_id == fast.id else fast.id
        assert one.id not in {each.id for each in await found(shop, company_id=other)}


async def test_another_account_and_mode_find_nothing(tenant: Tenant, shop: Shop) -> None:
    await tenant.create(external_ref="ORD-9")
    await index(tenant)
    assert await found(tenant.live(), "ord-9") == []
    assert await found(shop, "ord-9") == []
    assert await found(tenant.live()) == []


async def test_what_is_erased_is_found_no_more(tenant: Tenant) -> None:
    dropoff = Stop("Абая 1", name="Дана", phone="+77010009999", phone_e164="+77010009999")
    id = await tenant.create(dropoff=dropoff, external_ref="ORD-1")
    await advance(
        tenant.platform, tenant.scope, DIALECT, id, [Move(Status.CANCELLED, Actor.MERCHANT)]
    )
    await index(tenant)
    assert len(await found(tenant, "9999")) == 1
    await privacy.erase_phone(tenant.platform, "+77010009999", tenant.account)
    assert await found(tenant, "9999") == []
    assert await tenant.count("delivery_words") == 0


async def test_a_place_that_is_none_is_refused(tenant: Tenant) -> None:
    id = new_id()
    for after in ("x~y", f"2026-01-01T00:00:00~{id}", f"0001-01-01T00:00:00+14:00~{id}"):
        with pytest.raises(CursorUnknownError):
            await find_for_people(tenant.platform, tenant.scope, PeopleFilter(), after=after)


async def test_a_person_keeps_filters_by_name_up_to_a_number(tenant: Tenant) -> None:
    person, other = new_id(), new_id()
    for number in range(MOST):
        await save_filter(tenant.platform, person, tenant.account.id, f"n{number:02}", "late=1")
    await save_filter(tenant.platform, person, tenant.account.id, "n00", "status=failed")
    with pytest.raises(TooManyFiltersError):
        await save_filter(tenant.platform, person, tenant.account.id, "one more", "late=1")
    kept = await saved_filters(tenant.platform, person, tenant.account.id)
    assert [(one.name, one.query) for one in kept][:2] == [
        ("n00", "status=failed"),
        ("n01", "late=1"),
    ]
    assert await saved_filters(tenant.platform, other, tenant.account.id) == []
    await remove_filter(tenant.platform, other, tenant.account.id, kept[0].id)
    assert len(await saved_filters(tenant.platform, person, tenant.account.id)) == MOST
    await remove_filter(tenant.platform, person, tenant.account.id, kept[0].id)
    assert len(await saved_filters(tenant.platform, person, tenant.account.id)) == MOST - 1
    for name in ("", " ", "x" * 61):
        with pytest.raises(ValueError, match=f"^{' '.join(name.split())}$"):
            await save_filter(tenant.platform, person, tenant.account.id, name, "")

"""Deliveries in trouble are found across accounts, and disputes are settled by people."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.deliveries.troubles import (
    NotDisputedError,
    Trouble,
    TroubleCounts,
    count_troubles,
    list_troubles,
    settle_dispute,
)
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA, Shop, angola_over, new_shop
from tests.usecases.stage import DIALECT


async def _stalled(shop: Shop) -> UUID:
    delivery = await shop.create()
    await advance(
        shop.platform, shop.scope, ENTREGA, delivery.id, [Move(Status.STALLED, Actor.SYSTEM)]
    )
    return delivery.id


async def _disputed(shop: Shop) -> UUID:
    delivery = await shop.create()
    (row,) = await tables.read(shop.platform.pool, "deliveries", {"id": delivery.id})
    of = {name: row[name] for name in ("account_id", "company_id", "mode")}
    said = {"offer": "{}", "state": "disputed", "last_error": "cancelled there, pending here"}
    await tables.add(shop.platform.pool, "dispatches", **of, delivery_id=delivery.id, **said)
    return delivery.id


async def test_each_kind_is_listed_with_what_waits_longest_first(fresh_database: str) -> None:
    async with angola_over(fresh_database) as platform:
        platform = replace(platform, dialects={**platform.dialects, DIALECT.name: DIALECT})
        shop, rehearsal = await new_shop(platform), await new_shop(platform, Mode.SANDBOX)
        for one in (shop, rehearsal):
            await one.company("fast")
        stalled = [await _stalled(shop) for _ in range(3)]
        await _stalled(rehearsal)
        late, disputed = (await shop.create()).id, await _disputed(shop)
        past = timedelta(minutes=-5)
        await tables.change(platform.pool, "deliveries", {"id": late}, deliver_by=past)

        async def listed(kind: Trouble, after: str | None = None) -> tuple[list[UUID], str | None]:
            page = await list_troubles(platform, kind, Mode.LIVE, after, 2)
            return [one.delivery.id for one in page.found], page.next

        first, after = await listed(Trouble.STALLED)
        assert first == stalled[:2]
        assert await listed(Trouble.STALLED, after) == (stalled[2:], None)
        assert await listed(Trouble.LATE) == ([late], None)
        assert await listed(Trouble.DISPUTED) == ([disputed], None)
        assert await count_troubles(platform, Mode.LIVE) == TroubleCounts(3, 1, 1)
        assert await count_troubles(platform, Mode.SANDBOX) == TroubleCounts(1, 0, 0)


async def test_a_settled_dispute_is_over_and_the_audit_tells_what_it_was(
    fresh_database: str,
) -> None:
    async with angola_over(fresh_database) as platform:
        shop = await new_shop(platform)
        await shop.company("fast")
        id = await _disputed(shop)
        await settle_dispute(platform, shop.scope, id, "the driver says so")
        assert (await list_troubles(platform, Trouble.DISPUTED, Mode.LIVE, None, 5)).found == []
        with pytest.raises(NotDisputedError):
            await settle_dispute(platform, shop.scope, id)
        wanted = AuditFilter(act="delivery.dispute_settled", object=str(id))
        page = await list_entries(platform, wanted, None, 5)
        noted = await tables.value(platform.pool, "dispatches", "last_error", {"delivery_id": id})
    assert [set(entry.changes) for entry in page.entries] == [{"status", "upstream_id"}]
    assert noted == "the driver says so", "where the erasure of personal data finds it"

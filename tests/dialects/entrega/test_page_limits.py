"""What pages with a publishable key may have delivered, and how many: as browsers meet it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from estafette.core.accounts.account import KeyKind, Mode
from estafette.core.accounts.page_limits import NEW_LIMITS, PageLimits, read_place
from estafette.core.money.payment import PaymentMethod
from estafette.usecases.accounts.keys import list_keys, rotate_key, set_limits
from tests.dialects.entrega.answers import ROUTE, refused
from tests.edges import ENTREGA
from tests.rows import tables
from tests.serving import Answer, Server, Tenant, running

_TRUSTED = "https://loja.example"
_SHOP = read_place("Rua 21 de Janeiro; Luanda; Luanda")


async def _ask(tenant: Tenant, what: str, body: Any, **headers: str) -> Answer:
    """A request of a page to the widget API, whose answer the page may read."""
    key = tenant.page_keys[tenant.mode]
    shown = {"Authorization": f"Bearer {key}", "Origin": _TRUSTED, **headers}
    answer = await tenant.server.request("POST", f"/v1/widget/{what}", body, shown)
    assert answer.headers["Access-Control-Allow-Origin"] == _TRUSTED
    return answer


async def _quote(tenant: Tenant, route: Any = ROUTE) -> str:
    answer = await _ask(tenant, "quotes", route)
    assert answer.status == 200, answer.body
    return answer.told["data"][0]["quote_id"]


async def _order(tenant: Tenant, **changes: Any) -> Answer:
    """Creates a delivery for a page, from a quote that was asked for with the secret key."""
    route = {**ROUTE, **{name: of for name, of in changes.items() if name in ROUTE}}
    quoted = await tenant.post("/v1/quotes", route)
    quote_id = quoted.told["data"][0]["quote_id"]
    return await _ask(tenant, "deliveries", {"quote_id": quote_id, **ROUTE, **changes})


async def _limit(tenant: Tenant, change: Callable[[PageLimits], PageLimits]) -> str:
    """Changes the limits of the tenant's publishable key; returns the key's id."""
    every = await list_keys(tenant.server.platform, tenant.account)
    of_pages = [key for key in every if key.kind is KeyKind.PUBLISHABLE]
    [key] = [key for key in of_pages if key.mode is tenant.mode]
    changed = await set_limits(tenant.server.platform, tenant.account, str(key.id), change)
    return str(changed.id)


async def test_pages_have_nothing_picked_up_but_at_the_places_of_the_key(entrega: Tenant) -> None:
    await _limit(entrega, lambda limits: replace(limits, pickups=(_SHOP,)))
    forged = {**ROUTE["origin"], "address_line": "Rua do Ladrão 1"}
    told = refused(
        await _ask(entrega, "quotes", {**ROUTE, "origin": forged}), 422, "pickup_not_allowed"
    )
    assert [fault["field"] for fault in told["errors"]] == ["origin"]
    refused(await _order(entrega, origin=forged), 422, "pickup_not_allowed")
    pinned = {**ROUTE["origin"], "coordinates": {"lat": -8.9, "lng": 13.3}}
    refused(await _order(entrega, origin=pinned), 422, "pickup_not_allowed")
    assert (await _order(entrega)).status == 201
    assert await entrega.count("deliveries") == 1


async def _origin(tenant: Tenant, of: Answer) -> Any:
    """Where a parcel is picked up, as its merchant sees it."""
    assert of.status == 201, of.body
    shown = await tenant.get(f"/v1/deliveries/{of.told['data']['id']}")
    return shown.told["data"]["origin"]


async def test_a_courier_meets_whom_the_place_names_whatever_a_page_says(entrega: Tenant) -> None:
    said = {"name": "RECOLHER NA RUA XAVIER 99", "phone": "+244 923 999 999"}
    forged = {**ROUTE["origin"], "contact": said}
    assert (await _origin(entrega, await _order(entrega, origin=forged)))["contact"] == said
    await _limit(entrega, lambda limits: replace(limits, pickups=(_SHOP,)))
    assert "contact" not in await _origin(entrega, await _order(entrega, origin=forged))
    met = replace(_SHOP, contact="Loja Kianda", phone="+244222333444")
    await _limit(entrega, lambda limits: replace(limits, pickups=(met,)))
    refused(await _order(entrega, origin=forged), 422, "pickup_not_allowed")
    contact = {"name": "Loja Kianda", "phone": "+244222333444"}
    agreed = {**ROUTE["origin"], "contact": {"name": "loja kianda", "phone": "222 333 444"}}
    bare = {name: value for name, value in ROUTE["origin"].items() if name != "contact"}
    for origin in (agreed, bare):
        assert (await _origin(entrega, await _order(entrega, origin=origin)))["contact"] == contact


async def test_a_rotated_key_and_its_successor_have_one_hour_together(entrega: Tenant) -> None:
    key = await _limit(entrega, lambda limits: replace(limits, per_hour=2))
    assert (await _order(entrega)).status == 201
    first = await rotate_key(entrega.server.platform, entrega.account, key)
    second = await rotate_key(entrega.server.platform, entrega.account, str(first.known.id))
    after = [replace(entrega, page_keys={entrega.mode: one.key}) for one in (first, second)]
    assert (await _order(after[1])).status == 201
    for tenant in (entrega, *after):
        refused(await _order(tenant), 429)


async def test_pages_are_paid_in_the_ways_of_the_key(entrega: Tenant) -> None:
    only = (PaymentMethod.PREPAID, PaymentMethod.BANK_TRANSFER)
    await _limit(entrega, lambda limits: replace(limits, methods=only))
    answer = await _order(entrega, payment_method="cod", cash_collect_aoa=500)
    told = refused(answer, 422, "payment_method_not_allowed")
    assert told["detail"] == "Pages with this key are paid by prepaid, bank_transfer alone"
    assert (await _order(entrega)).status == 201


async def test_pages_collect_no_more_cash_than_the_key_allows(entrega: Tenant) -> None:
    highest = NEW_LIMITS.highest_cash
    for sum in (highest + 1, 2**53 - 1):
        answer = await _order(entrega, payment_method="cod", cash_collect_aoa=sum)
        refused(answer, 422, "cash_collect_aoa_too_high")
    answer = await _order(entrega, payment_method="cod", cash_collect_aoa=highest)
    assert answer.status == 201
    secret = await entrega.post("/v1/quotes", ROUTE)
    order = {"quote_id": secret.told["data"][0]["quote_id"], **ROUTE, "payment_method": "cod"}
    answer = await entrega.post("/v1/deliveries", {**order, "cash_collect_aoa": 2**53 - 1})
    assert answer.status == 201  # the merchant's own is not a page's


async def _flood(tenant: Tenant, others: Server | None = None) -> Counter[int]:
    """96 live deliveries at once, from an origin that is said and pages that are not there."""
    live = tenant.in_mode(Mode.LIVE)
    beside = replace(live, server=others or tenant.server)
    quotes = await asyncio.gather(*(live.post("/v1/quotes", ROUTE) for _ in range(96)))
    ids = [answer.told["data"][0]["quote_id"] for answer in quotes]
    orders = [{"quote_id": id, **ROUTE} for id in ids]
    answers = await asyncio.gather(
        *(
            _ask(live if number % 2 else beside, "deliveries", order)
            for number, order in enumerate(orders)
        )
    )
    for answer in answers:
        if answer.status == 429:
            refused(answer, 429)
            assert 0 < int(answer.headers["Retry-After"]) <= 3900
    return Counter(answer.status for answer in answers)


async def test_a_flood_of_live_deliveries_ends_at_the_limit_of_its_address(
    fresh_database: str,
) -> None:
    most = NEW_LIMITS.per_hour_from_address
    async with running(fresh_database) as first, running(fresh_database) as second:
        entrega = await first.tenant(ENTREGA)
        statuses = await _flood(entrega, second)  # counted across processes
        assert statuses == {201: most, 429: 96 - most}
        assert await entrega.count("deliveries") == most
        assert (await entrega.in_mode(Mode.LIVE).create()) is not None  # by the secret key


async def test_a_flood_with_a_key_that_is_older_than_limits_ends_too(fresh_database: str) -> None:
    async with running(fresh_database) as server:
        entrega = await server.tenant(ENTREGA)
        where = {"account_id": entrega.account.id}
        await tables.change(server.platform.pool, "api_keys", where, limits=None)
        assert await _flood(entrega) == {201: 60, 429: 36}


async def test_the_limit_of_all_holds_whatever_the_addresses(entrega: Tenant) -> None:
    await _limit(entrega, lambda limits: replace(limits, per_hour=2))
    assert [(await _order(entrega)).status for _ in range(3)] == [201, 201, 429]
    pool, where = entrega.server.platform.pool, {"account_id": entrega.account.id}
    await tables.shift(pool, "page_tallies", where, last_slice=-13)
    assert (await _order(entrega)).status == 201  # an hour later


async def test_a_repeated_request_is_answered_again_and_counts_once(entrega: Tenant) -> None:
    await _limit(entrega, lambda limits: replace(limits, per_hour=1))
    order = {"quote_id": await _quote(entrega), **ROUTE}
    key = {"Idempotency-Key": "order-1"}
    first = await _ask(entrega, "deliveries", order, **key)
    await _limit(
        entrega, lambda limits: replace(limits, pickups=(read_place("*; Huambo; Huambo"),))
    )
    again = await _ask(entrega, "deliveries", order, **key)
    assert (first.status, again.status, again.body) == (201, 201, first.body)


async def test_what_is_refused_counts_nothing(entrega: Tenant) -> None:
    await _limit(entrega, lambda limits: replace(limits, per_hour=1))
    bad = {"quote_id": "00000000-0000-7000-8000-000000000000", **ROUTE}
    for _ in range(3):
        refused(await _ask(entrega, "deliveries", bad), 422, "quote_not_found")
    assert await entrega.count("page_tallies") == 0
    assert (await _order(entrega)).status == 201


async def test_a_delivery_tells_its_merchant_with_which_key_it_was_created(
    entrega: Tenant,
) -> None:
    key_id = await _limit(entrega, lambda limits: limits)
    shown = (await _order(entrega)).told["data"]
    assert "created_with" not in shown  # a page learns nothing of it
    mine = await entrega.create()
    read = await entrega.get(f"/v1/deliveries/{shown['id']}")
    assert read.told["data"]["created_with"] == {"key_id": key_id, "kind": "publishable"}
    listed = (await entrega.get("/v1/deliveries")).told["data"]
    kinds = {each["id"]: each["created_with"]["kind"] for each in listed}
    assert kinds == {shown["id"]: "publishable", mine: "secret"}


async def test_a_delivery_older_than_that_says_nothing_of_its_key(entrega: Tenant) -> None:
    id = await entrega.create()
    pool, where = entrega.server.platform.pool, {"account_id": entrega.account.id}
    await tables.change(pool, "deliveries", where, key_id=None)
    assert "created_with" not in (await entrega.get(f"/v1/deliveries/{id}")).told["data"]

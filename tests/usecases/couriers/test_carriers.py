"""Carriers of accounts whose API names no courier company."""

from dataclasses import replace
from datetime import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode
from estafette.core.couriers.carriers import Carrier, CarrierChoice, choose
from estafette.core.couriers.company import (
    Capabilities,
    Company,
    Connector,
    Hours,
    Margin,
    Obstacle,
)
from estafette.core.deliveries.delivery import Parcel, Status
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.core.money.books import Book
from estafette.core.quotes.place import City
from estafette.store.quotes import catalog
from estafette.usecases.couriers.carriers import (
    CarriersRefusedError,
    carriers_of,
    drop_carriers,
    set_carriers,
)
from estafette.usecases.couriers.carry_again import carry_again
from estafette.usecases.couriers.companies import save_company, set_company_tariffs
from estafette.usecases.deliveries.advance import Move
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import OFFER, fees
from tests.usecases.stage import DIALECT, Tenant, new_tenant

CLOSED = Hours({"mon": ((time(3), time(3, 1)),)})


@pytest.fixture
async def merchant(tenant: Tenant) -> Tenant:
    """An account in Kazakhstan in live mode, whose API names no company."""
    almaty = City("almaty", "Almaty", "KZ", 43.25, 76.95, 2_000_000, ())
    async with tenant.platform.pool.acquire() as connection:
        await catalog.insert_cities(connection, [almaty])
    tenant.platform.catalog.forget()
    return tenant.live()


async def company(merchant: Tenant, name: str, fee: int = 1_000, **fields: Any) -> Company:
    """An in-house company of the account alone, with a price list of one line."""
    fields = {
        "id": new_id(),
        "market": "KZ",
        "account_id": merchant.account.id,
        "name": name,
        "slug": f"{name.lower()}-{merchant.account.id.hex[-8:]}",
        "connector": Connector.INHOUSE,
        "time_zone": "Asia/Almaty",
    } | fields
    saved = await save_company(merchant.platform, Company(**fields))
    await set_company_tariffs(merchant.platform, saved, fees((10_000, fee)))
    merchant.platform.catalog.forget()
    return saved


async def carry(merchant: Tenant, choice: CarrierChoice, *companies: Company) -> None:
    ids = [company.id for company in companies]
    await set_carriers(merchant.platform, merchant.account, choice, ids)
    merchant.platform.catalog.forget()


async def statuses(merchant: Tenant, id: UUID) -> list[Status]:
    return [event.status for event in await merchant.events(id)]


async def test_the_cheapest_or_the_first_that_fits_carries_at_its_own_price(
    merchant: Tenant,
) -> None:
    dear = await company(merchant, "Dear", 1_500)
    cheap = await company(merchant, "Cheap", 700, margin=Margin(Decimal(50)))
    await carry(merchant, CarrierChoice.CHEAPEST, dear, cheap)
    plain = await new_tenant(merchant.platform, Mode.LIVE)
    uncarried = await plain.delivery(await plain.create())
    delivery = await merchant.delivery(await merchant.create())
    assert (delivery.company_id, delivery.company_name) == (cheap.id, "Cheap")
    assert delivery.company_fee == 700
    assert delivery.fee == uncarried.fee
    assert delivery.status is Status.PENDING
    await carry(merchant, CarrierChoice.IN_ORDER, dear, cheap)
    assert (await merchant.delivery(await merchant.create())).company_id == dear.id
    assert uncarried.company_id is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"service_zones": ("Astana",)}, "does not go there"),
        ({"capabilities": Capabilities(max_weight_grams=1_000)}, "takes nothing so heavy"),
        ({"capabilities": Capabilities(parcel_types=("large",))}, "takes no parcels of this size"),
        ({"hours": CLOSED}, "is closed now"),
        ({"active": False}, "is not active"),
    ],
)
async def test_where_none_fits_the_delivery_is_created_and_stalls_with_the_reason(
    merchant: Tenant, fields: dict[str, Any], reason: str
) -> None:
    await merchant.set_endpoint()
    await carry(merchant, CarrierChoice.CHEAPEST, await company(merchant, "Moto", **fields))
    id = await merchant.create()
    delivery = await merchant.delivery(id)
    assert (delivery.status, delivery.company_id) == (Status.STALLED, None)
    assert await statuses(merchant, id) == [Status.PENDING, Status.STALLED]
    last = (await merchant.events(id))[-1]
    assert (last.actor, last.note) == (Actor.SYSTEM, f"No carrier: Moto {reason}")
    assert [message["type"] for message in await merchant.messages(id)] == ["created"]


async def test_who_does_not_fit_is_passed_over(merchant: Tenant) -> None:
    far = await company(merchant, "Far", 1, service_zones=("Astana",))
    near = await company(merchant, "Near", 900, service_zones=("Almaty",))
    for choice in CarrierChoice:
        await carry(merchant, choice, far, near)
        assert (await merchant.delivery(await merchant.create())).company_id == near.id
    heavy = await merchant.create(parcel=Parcel(10_001))
    assert (await merchant.events(heavy))[-1].note == (
        "No carrier: Far does not go there, Near has no price for it"
    )


async def test_the_sandbox_and_accounts_without_carriers_are_as_they_were(
    merchant: Tenant,
) -> None:
    await carry(merchant, CarrierChoice.CHEAPEST, await company(merchant, "Moto"))
    rehearsal = replace(merchant, mode=Mode.SANDBOX)
    sandbox = await rehearsal.delivery(await rehearsal.create())
    assert (sandbox.company_id, sandbox.status) == (None, Status.PENDING)
    await drop_carriers(merchant.platform, merchant.account)
    merchant.platform.catalog.forget()
    assert await carriers_of(merchant.platform, merchant.account) is None
    plain = await merchant.delivery(await merchant.create())
    assert (plain.company_id, plain.status) == (None, Status.PENDING)


async def test_what_a_carrier_has_delivered_stands_in_the_books(merchant: Tenant) -> None:
    moto = await company(merchant, "Moto", 700)
    await carry(merchant, CarrierChoice.CHEAPEST, moto)
    delivery = await merchant.delivery(await merchant.create())
    course = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
    moves = [Move(status, Actor.DRIVER) for status in course]
    await advance(merchant.platform, merchant.scope, DIALECT, delivery.id, moves)
    where = {"delivery_id": delivery.id}
    rows = await tables.read(merchant.platform.pool, "ledger_entries", where)
    booked = {row["book"]: row["amount"] for row in rows}
    assert booked[Book.COMPANY] == -700
    assert booked[Book.PLATFORM] == 700 - delivery.fee
    assert booked.get(Book.MERCHANT, 0) == delivery.fee
    assert {row["company_id"] for row in rows} == {moto.id}


async def test_only_in_house_companies_that_serve_the_account_may_carry(merchant: Tenant) -> None:
    other = await new_tenant(merchant.platform, Mode.LIVE)
    theirs = await company(other, "Theirs")
    remote = await company(merchant, "Remote", connector=Connector.REMOTE)
    abroad = await company(merchant, "Abroad", market="AO")
    for ids in ([], [theirs.id], [remote.id], [abroad.id], [new_id()]):
        with pytest.raises(CarriersRefusedError):
            await set_carriers(merchant.platform, merchant.account, CarrierChoice.CHEAPEST, ids)


async def test_of_equally_cheap_ones_the_first_carries(merchant: Tenant) -> None:
    first, second = await company(merchant, "First"), await company(merchant, "Second")
    chosen = choose(CarrierChoice.CHEAPEST, [(second, OFFER), (first, OFFER)])
    assert chosen == Carrier(second, OFFER.fee)
    nobody = choose(CarrierChoice.IN_ORDER, [(first, Obstacle.HOURS)])
    assert nobody == Carrier(None, nobody="No carrier: First is closed now")


async def test_what_nobody_carried_is_looked_at_again_and_then_goes_on(merchant: Tenant) -> None:
    moto = await company(merchant, "Moto", 700, hours=CLOSED)
    await carry(merchant, CarrierChoice.CHEAPEST, moto)
    of = (merchant.platform, merchant.scope, DIALECT, await merchant.create())
    with pytest.raises(CarriersRefusedError, match="is closed now"):
        await carry_again(*of)
    await save_company(merchant.platform, replace(moto, hours=None))
    merchant.platform.catalog.forget()
    carried = await carry_again(*of)
    assert carried == await merchant.delivery(carried.id)
    assert (carried.company_id, carried.company_fee) == (moto.id, 700)
    assert await statuses(merchant, carried.id) == [
        *(Status.PENDING, Status.STALLED, Status.PENDING),
    ]
    with pytest.raises(CarriersRefusedError, match="Moto carries it already"):
        await carry_again(*of)
    plain = await new_tenant(merchant.platform, Mode.LIVE)
    nobody = await plain.create()
    with pytest.raises(CarriersRefusedError, match="no carriers"):
        await carry_again(plain.platform, plain.scope, DIALECT, nobody)

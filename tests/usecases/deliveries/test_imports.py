"""Files of orders on their way to deliveries, over the database."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from estafette.app import order_rules
from estafette.core.audit import AuditedAct, By
from estafette.core.deliveries.order_import import Choice, ImportState, RowState
from estafette.core.ids import new_id
from estafette.usecases.audit import AuditFilter, list_entries
from estafette.usecases.deliveries import imports, privacy
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.importer import FIELDS_KEPT, KEPT, Importer
from estafette.usecases.deliveries.imports import (
    ImportNotFoundError,
    TooManyImportsError,
    confirm_import,
    find_import,
    import_rows,
    start_import,
    stop_import,
)
from estafette.usecases.deliveries.ordering import Ordering
from tests.rows import tables
from tests.usecases.angola import Shop
from tests.usecases.stage import Merchant, Tenant

KASPI = "order;pickup address;sender;sender phone;address;name;phone;parcel;weight;value\n"


def kaspi_row(order: object, phone: str = "8 701 123 45 67") -> str:
    sender = "21 Zhibek Zholy, Almaty;Магазин;+7 727 111 0000"
    return f"{order};{sender};Абая 5, Алматы;Дана;{phone};Книги;1,2;85 000\n"


def importer_of(who: Merchant) -> Importer:
    return Importer(who.platform, Ordering(who.platform, Creator(who.platform), order_rules))


async def started(who: Merchant, file: str, **more: Any) -> UUID:
    return await start_import(
        who.platform,
        who.scope,
        new_id(),
        file.encode(),
        "orders.csv",
        **more,
    )


async def work(who: Merchant, id: UUID) -> ImportState:
    """Let workers do what is due, until nothing is."""
    importer = importer_of(who)
    while (await find_import(who.platform, who.scope, id)).is_under_way:
        assert await importer.round()
    return (await find_import(who.platform, who.scope, id)).state


async def done(who: Merchant, file: str, **more: Any) -> dict[int, RowState]:
    """What became of each row of a file that was read, confirmed and done."""
    id = await started(who, file, **more)
    assert await work(who, id) is ImportState.PREVIEW
    await confirm_import(who.platform, who.scope, id)
    assert await work(who, id) is ImportState.DONE
    rows = await import_rows(who.platform, await find_import(who.platform, who.scope, id))
    return {row.number: row.state for row in rows}


async def test_a_preview_says_of_every_row_what_is_wrong_and_creates_nothing(
    tenant: Tenant,
) -> None:
    file = KASPI.replace("\n", ";colour\n") + kaspi_row(1) + kaspi_row("", "12") + kaspi_row(1)
    id = await started(tenant, file)
    assert await work(tenant, id) is ImportState.PREVIEW
    found = await find_import(tenant.platform, tenant.scope, id)
    assert (found.ready, found.wrong, list(found.ignored)) == (1, 2, ["colour"])
    rows = await import_rows(tenant.platform, found)
    assert [(row.number, row.state) for row in rows] == [
        (2, RowState.READY),
        (3, RowState.WRONG),
        (4, RowState.WRONG),
    ]
    assert {fault.field for fault in rows[1].faults} == {"order", "phone"}
    assert [fault.reason for fault in rows[2].faults] == ["is the same order as line 2"]
    assert await tenant.count("deliveries") == 0


async def test_what_was_imported_is_not_created_again_by_the_same_file_or_another(
    tenant: Tenant,
) -> None:
    file = KASPI + "".join(kaspi_row(f"A-{number}") for number in range(5))
    assert set((await done(tenant, file)).values()) == {RowState.CREATED}
    assert await tenant.count("deliveries") == 5
    assert set((await done(tenant, file)).values()) == {RowState.AGAIN}
    other = KASPI + kaspi_row("A-1", "+7 702 000 0000") + kaspi_row("A-9")
    assert await done(tenant, other) == {2: RowState.AGAIN, 3: RowState.CREATED}
    assert await tenant.count("deliveries") == 6
    live = tenant.live()
    assert await done(live, KASPI + kaspi_row("A-1")) == {2: RowState.CREATED}


async def test_an_order_that_the_api_has_created_is_there_already(tenant: Tenant) -> None:
    id = await tenant.create(external_ref="A-1")
    assert await done(tenant, KASPI + kaspi_row("A-1")) == {2: RowState.AGAIN}
    (row,) = await tables.read(
        tenant.platform.pool, "import_rows", {"account_id": tenant.account.id}
    )
    assert row["delivery_id"] == id


async def test_workers_that_die_and_two_at_once_create_each_order_once(tenant: Tenant) -> None:
    file = KASPI + "".join(kaspi_row(f"A-{number}") for number in range(30))
    first, second = await started(tenant, file), await started(tenant, file)
    for id in (first, second):
        while (await find_import(tenant.platform, tenant.scope, id)).is_under_way:
            await importer_of(tenant).round()
        await confirm_import(tenant.platform, tenant.scope, id)
    dying = asyncio.create_task(importer_of(tenant).round())
    async with asyncio.timeout(60):
        while await tenant.count("deliveries") == 0 and not dying.done():
            await asyncio.wait([dying], timeout=0.001)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    due = {"account_id": tenant.account.id, "next_at": tables.PRESENT}
    for id in (first, second):
        while (await find_import(tenant.platform, tenant.scope, id)).is_under_way:
            await tables.change(tenant.platform.pool, "imports", due, next_at=timedelta())
            await asyncio.gather(*(importer_of(tenant).round() for _ in range(3)))
    assert await tenant.count("deliveries") == 30
    counts = [await find_import(tenant.platform, tenant.scope, id) for id in (first, second)]
    assert sum(one.created + one.again for one in counts) == 60
    assert all(one.ready == 0 for one in counts)


async def test_entrega_rows_take_the_quote_that_was_chosen_and_defaults_fill_them(
    shop: Shop,
) -> None:
    await shop.company("fast")
    file = "order,address,city,province,weight kg,cod,recipient,phone\n" + "".join(
        f"P-{number},Rua {number},Luanda,Luanda,1,2500,Ana,+244 923 456 78{number}\n"
        for number in range(3)
    )
    defaults = {
        "pickup_address": "Rua Rainha Ginga 12",
        "pickup_city": "Luanda",
        "pickup_province": "Luanda",
    }
    states = await done(shop, file, defaults=defaults, choice=Choice.FASTEST)
    assert set(states.values()) == {RowState.CREATED}
    rows = await tables.read(shop.platform.pool, "deliveries", {"account_id": shop.account.id})
    delivery = await shop.delivery(rows[0]["id"])
    assert delivery.company_name is not None
    assert delivery.metadata is not None
    assert delivery.metadata["order"].startswith("P-")
    assert delivery.payment.cash_collect == 2500
    assert set((await done(shop, file, defaults=defaults)).values()) == {RowState.AGAIN}


async def test_nobody_carries_a_row_and_says_so(shop: Shop) -> None:
    await shop.company("fast")
    row = "Rua 1,Benguela,Benguela,900,Rua 1,Huambo,Huambo\n"
    file = "pickup address,pickup city,pickup province,weight,address,city,province\n" + row
    (state,) = (await done(shop, file)).values()
    assert state is RowState.REFUSED
    assert await shop.count("deliveries") == 0


@pytest.mark.parametrize(
    ("file", "reason"),
    [("a;b\n1;2\n", "no_columns"), ("", "empty"), ("PK\x03\x04", "not_a_sheet")],
)
async def test_a_file_that_cannot_be_read_is_refused_with_a_reason(
    tenant: Tenant, file: str, reason: str
) -> None:
    id = await started(tenant, file)
    assert await work(tenant, id) is ImportState.REFUSED
    assert (await find_import(tenant.platform, tenant.scope, id)).reason == reason


async def test_an_import_is_stopped_confirmed_once_and_noted(tenant: Tenant) -> None:
    by = By.person(new_id(), "203.0.113.7")
    platform = tenant.platform.acting(by)
    id = await started(tenant, KASPI + kaspi_row(1))
    await confirm_import(platform, tenant.scope, id)  # it was not read yet
    assert await work(tenant, id) is ImportState.PREVIEW
    await confirm_import(platform, tenant.scope, id)
    await confirm_import(platform, tenant.scope, id)
    await stop_import(platform, tenant.scope, id)
    await stop_import(platform, tenant.scope, id)
    assert (await find_import(platform, tenant.scope, id)).state is ImportState.STOPPED
    page = await list_entries(platform, AuditFilter(account_id=tenant.account.id), limit=10)
    assert [entry.act for entry in page.entries if entry.by == by] == [
        AuditedAct.IMPORT_STOPPED,
        AuditedAct.IMPORT_STARTED,
    ]
    assert await tenant.count("deliveries") == 0


async def test_imports_are_bounded_and_nobody_elses(tenant: Tenant, shop: Shop) -> None:
    ids = [await started(tenant, KASPI) for _ in range(imports.MOST_OPEN)]
    with pytest.raises(TooManyImportsError):
        await started(tenant, KASPI)
    for scope in (shop.scope, tenant.live().scope):
        for act in (find_import, confirm_import, stop_import):
            with pytest.raises(ImportNotFoundError):
                await act(tenant.platform, scope, ids[0])
    with pytest.raises(ValueError, match="10485761"):
        await start_import(shop.platform, shop.scope, new_id(), b"x" * 10_485_761, "orders.csv")


async def test_what_rows_say_is_forgotten_in_time(tenant: Tenant) -> None:
    await done(tenant, KASPI + kaspi_row("A-1") + kaspi_row("", "12"))
    created, wrong = await tables.read(
        tenant.platform.pool, "import_rows", {"account_id": tenant.account.id}
    )
    assert created["fields"] is None
    assert wrong["fields"] is not None
    mine = {"account_id": tenant.account.id}
    await tables.change(tenant.platform.pool, "imports", mine, ended_at=-FIELDS_KEPT)
    await importer_of(tenant).forget()
    rows = await tables.read(tenant.platform.pool, "import_rows", mine)
    assert [row["fields"] for row in rows] == [None, None]
    await tables.change(tenant.platform.pool, "imports", mine, ended_at=-KEPT)
    await importer_of(tenant).forget()
    assert await tenant.count("import_rows") == await tenant.count("imports") == 0


async def test_a_phone_that_is_erased_is_in_no_row_any_more(tenant: Tenant, shop: Shop) -> None:
    for who in (tenant, shop):
        file = KASPI + kaspi_row("A-1") + kaspi_row("A-2", "8 702 000 11 22")
        await work(who, await started(who, file))
    await privacy.erase_phone(tenant.platform, "+77011234567", tenant.account)
    rows = await tables.read(
        tenant.platform.pool, "import_rows", {"account_id": tenant.account.id}, "number"
    )
    assert [(row["fields"] is None, row["state"]) for row in rows] == [
        (True, "wrong"),
        (False, "ready"),
    ]
    others = await tables.read(shop.platform.pool, "import_rows", {"account_id": shop.account.id})
    assert all(row["fields"] is not None for row in others)


async def test_a_row_names_a_scenario_in_the_sandbox_alone(tenant: Tenant) -> None:
    heading = KASPI.replace("\n", ";scenario\n")
    for who, scenario in ((tenant, "no_courier"), (tenant.live(), None)):
        row = kaspi_row(f"S-{who.mode}").replace("\n", ";no_courier\n")
        assert await done(who, heading + row) == {2: RowState.CREATED}
        found = {"account_id": who.account.id, "external_ref": f"S-{who.mode}"}
        (delivery,) = await tables.read(who.platform.pool, "deliveries", found)
        assert delivery["scenario"] == scenario

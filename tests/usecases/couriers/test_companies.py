"""Courier companies as the operator manages them."""

import asyncio
from dataclasses import replace
from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from estafette.core.couriers.company import Capabilities, Hours, Margin
from estafette.core.edition import EditedMeanwhileError, edition_of
from estafette.core.money.payment import BankAccount
from estafette.usecases.couriers.companies import (
    CompanyFilter,
    CompanyNotFoundError,
    CompanyRefusedError,
    add_demo_companies,
    change_company,
    companies_of,
    company_of,
    find_company,
    list_companies,
    page_of_companies,
    save_company,
    set_company_tariffs,
    strange_zones,
)
from estafette.usecases.money.settle import company_serving
from estafette.usecases.quotes.tariffs import price_list
from tests.usecases.angola import Shop, fees, new_shop

EVERYTHING: dict[str, Any] = {
    "logo_url": "https://kianda.example/logo.svg",
    "service_zones": ("Luanda", "Huíla"),
    "base_fee": 1_500,
    "base_eta_minutes": 45,
    "hours": Hours({"mon": ((time(8), time(12)), (time(14), time(0)))}),
    "capabilities": Capabilities(
        bank_transfer_enabled=True,
        bank=BankAccount("Banco", "AO93", "Kianda"),
        require_delivery_pin=True,
        parcel_types=("small",),
        max_weight_grams=5_000,
    ),
    "margin": Margin(Decimal("7.25"), 100),
}


async def test_a_company_is_kept_as_it_was_given(shop: Shop) -> None:
    company = await shop.company("kianda", **EVERYTHING)
    assert await find_company(shop.platform, "AO", "kianda", shop.account.id) == company
    assert company in await list_companies(shop.platform)
    plain = await shop.company("plain")
    assert await companies_of(shop.platform, shop.account) == (company, plain)


async def test_a_change_leaves_the_rest_as_it_was(shop: Shop) -> None:
    company = await shop.company("kianda", **EVERYTHING)
    changed = await change_company(shop.platform, "AO", "kianda", shop.account.id, base_fee=9)
    assert changed == replace(company, base_fee=9)
    assert await find_company(shop.platform, "AO", "kianda", shop.account.id) == changed


async def test_a_retired_company_is_still_there_and_serves_nobody(shop: Shop) -> None:
    await shop.company("kianda")
    retired = await change_company(shop.platform, "AO", "kianda", shop.account.id, active=False)
    shop.platform.catalog.forget()
    assert retired in await list_companies(shop.platform, "AO")
    assert await companies_of(shop.platform, shop.account) == ()
    every = await shop.platform.catalog.companies("AO")
    assert every.by_id(retired.id) == retired


async def test_a_slug_is_free_for_each_account_once(shop: Shop) -> None:
    await shop.company("kianda")
    await (await new_shop(shop.platform)).company("kianda")
    with pytest.raises(CompanyRefusedError, match="already"):
        await shop.company("kianda")
    with pytest.raises(CompanyNotFoundError, match="no courier company"):
        await find_company(shop.platform, "AO", "nobody", shop.account.id)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"slug": "Not a slug"}, "slug"),
        ({"name": " "}, "name"),
        ({"market": "XX"}, "market"),
        ({"time_zone": "Luanda"}, "time zone"),
        ({"capabilities": Capabilities(bank_transfer_enabled=True)}, "IBAN"),
        ({"capabilities": Capabilities(parcel_types=("huge",))}, "huge"),
        ({"capabilities": Capabilities(max_weight_grams=0)}, "positive"),
        ({"base_eta_minutes": 0}, "positive"),
        ({"base_fee": -1}, "negative"),
        ({"base_fee": 2**53}, "at most"),
        ({"base_eta_minutes": 2**31}, "at most"),
        ({"capabilities": Capabilities(max_weight_grams=2**31)}, "at most"),
        ({"margin": Margin(Decimal(-1))}, "margin"),
        ({"margin": Margin(Decimal(1_001))}, "percent"),
        ({"margin": Margin(fixed=2**53)}, "at most"),
        ({"logo_url": "javascript:alert(1)"}, "logo"),
        ({"logo_url": "logo.svg"}, "logo"),
        ({"service_zones": ("Luanda", " ")}, "zone"),
    ],
)
async def test_a_faulty_company_is_refused_with_the_reason(
    shop: Shop, fault: dict[str, Any], told: str
) -> None:
    given: dict[str, Any] = {"slug": "kianda"} | fault
    with pytest.raises(CompanyRefusedError, match=told):
        await shop.company(**given)


async def test_price_lists_belong_to_one_company(shop: Shop) -> None:
    one, other = await shop.company("one"), await shop.company("other", [])
    await set_company_tariffs(shop.platform, one, fees((1, 2), (3, 4)))
    kept = await price_list(shop.platform, "AO", one.id)
    assert kept.tariffs == fees((1, 2), (3, 4))
    assert (await price_list(shop.platform, "AO", other.id)).tariffs == []


async def test_a_demo_account_gets_its_companies_once(shop: Shop) -> None:
    added = await asyncio.gather(
        *(add_demo_companies(shop.platform, shop.account) for _ in range(4))
    )
    assert sorted(map(len, added)) == [0, 0, 0, 3]
    companies = await companies_of(shop.platform, shop.account)
    assert len(companies) == len({one.service_zones for one in companies}) == 3
    assert len({one.capabilities.max_weight_grams for one in companies}) == 3
    assert sum(one.capabilities.require_delivery_pin for one in companies) == 1
    assert sum(one.capabilities.bank_transfer_enabled for one in companies) == 1
    found = {quote.company_slug: quote.fee for quote in await shop.quotes()}
    assert found.keys() >= {"kianda-expresso", "zango-entregas"}
    assert len(set(found.values())) == len(found)


async def test_a_zone_that_is_no_place_is_told_with_what_may_be_meant(shop: Shop) -> None:
    zones = ("Luanda", "Cuanza Sul", "loanda", "Cuanza Sull", "Atlantis")
    company = await shop.company("moto", service_zones=zones)
    assert await strange_zones(shop.platform, company) == {
        "Cuanza Sull": "Cuanza Sul",
        "Atlantis": None,
    }


async def test_whose_company_is_meant_by_a_slug(shop: Shop) -> None:
    """The account's own, or else its market's."""
    own = await shop.company("moto")
    stranger = await new_shop(shop.platform)
    name = f"all-{shop.account.name[2:14]}"
    of_all = await shop.company(name, account_id=None, active=False)  # it serves no other test
    assert await company_serving(shop.platform, shop.account, "moto") == own
    assert await company_serving(shop.platform, stranger.account, of_all.slug) == of_all
    with pytest.raises(CompanyNotFoundError):
        await company_serving(shop.platform, stranger.account, "moto")


async def test_a_company_is_not_changed_in_another_market(shop: Shop) -> None:
    await shop.company("moto", base_fee=5)
    with pytest.raises(CompanyNotFoundError):
        await change_company(shop.platform, "KZ", "moto", shop.account.id, base_fee=6)
    found = await find_company(shop.platform, "AO", "moto", shop.account.id)
    assert found.base_fee == 5


async def test_of_two_who_edit_a_company_the_second_is_told(shop: Shop) -> None:
    company = await shop.company("kianda", **EVERYTHING)
    edition = edition_of(await company_of(shop.platform, company.id))
    saved = await asyncio.gather(
        *(save_company(shop.platform, replace(company, base_fee=fee), edition) for fee in (1, 2)),
        return_exceptions=True,
    )
    (lost,) = (one for one in saved if isinstance(one, EditedMeanwhileError))
    now = await company_of(shop.platform, company.id)
    assert now in saved
    assert lost.now == edition_of(now) != edition
    assert await save_company(shop.platform, replace(now, base_fee=3), lost.now)


async def test_companies_are_found_by_a_part_of_their_name_and_shown_by_the_page(
    shop: Shop,
) -> None:
    made = [await shop.company(slug) for slug in ("moto-c", "moto-a", "van", "moto-b")]
    mine = CompanyFilter("AO", "MOTO", shop.account.id)
    first = await page_of_companies(shop.platform, mine, limit=2)
    last = await page_of_companies(shop.platform, mine, first.next, limit=2)
    assert [one.slug for one in first.companies] == ["moto-a", "moto-b"]
    assert (last.companies, last.next) == ([made[0]], None)
    assert (await page_of_companies(shop.platform, mine._replace(market="KZ"))).companies == []

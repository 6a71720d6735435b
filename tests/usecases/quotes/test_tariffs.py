"""Price lists as files: what is taken out can be put in, and a mistake changes nothing."""

import asyncio

import orjson
import pytest

from estafette.core.edition import EditedMeanwhileError
from estafette.core.quotes.tariff_file import TariffFileError
from estafette.usecases.quotes.tariffs import (
    MarketNotFoundError,
    compare_tariffs,
    export_tariffs,
    import_tariffs,
    price_list,
)
from tests.rows import tables
from tests.usecases.angola import Shop, fees


async def test_a_price_list_that_was_taken_out_is_put_in_for_another_company(shop: Shop) -> None:
    one = await shop.company("one", fees((1_000, 700), (2_000, 900)))
    other = await shop.company("other", fees((5_000, 1)))
    text = await export_tariffs(shop.platform, "AO", one.id)
    assert await import_tariffs(shop.platform, "AO", text, other.id) == 2
    listed = await price_list(shop.platform, "AO", one.id)
    assert await price_list(shop.platform, "AO", other.id) == listed
    assert [tariff.fee for tariff in listed.tariffs] == [700, 900]
    of_it = {"object": str(other.id)}
    newest = (await tables.read(shop.platform.pool, "audit", of_it, order="at"))[-1]
    assert newest["act"] == "tariffs.replaced"
    assert orjson.loads(newest["changes"]) == {"market": "AO", "rows": 2}


async def test_a_file_with_a_mistake_changes_nothing(shop: Shop) -> None:
    company = await shop.company("one", fees((1_000, 700)))
    text = await export_tariffs(shop.platform, "AO", company.id)
    with pytest.raises(TariffFileError):
        await import_tariffs(shop.platform, "AO", text.replace("700", "seven"), company.id)
    kept = await price_list(shop.platform, "AO", company.id)
    assert [tariff.fee for tariff in kept.tariffs] == [700]


async def test_a_market_that_is_none_is_named_with_those_that_there_are(shop: Shop) -> None:
    message = "there is no market 'XX'; there are AO, KZ"
    with pytest.raises(MarketNotFoundError, match=message):
        await export_tariffs(shop.platform, "XX")
    with pytest.raises(MarketNotFoundError, match=message):
        await import_tariffs(shop.platform, "XX", "")


async def test_a_file_is_compared_with_the_list_before_it_is_taken(shop: Shop) -> None:
    company = await shop.company("one", fees((1_000, 700), (2_000, 900)))
    text = await export_tariffs(shop.platform, "AO", company.id)
    proposed = await compare_tariffs(shop.platform, "AO", text.replace("700", "750"), company.id)
    assert [(one.before and one.before.fee, one.after and one.after.fee)
            for one in proposed.changes] == [(700, 750)]  # fmt: skip
    assert proposed.rows == 2
    assert await export_tariffs(shop.platform, "AO", company.id) == text
    with pytest.raises(TariffFileError):
        await compare_tariffs(shop.platform, "AO", text.replace("700", "seven"), company.id)


async def test_of_those_who_replace_one_list_at_once_the_first_is_heard_and_the_others_are_told(
    shop: Shop,
) -> None:
    company = await shop.company("one", fees((1_000, 700)))
    text = await export_tariffs(shop.platform, "AO", company.id)
    edition = (await price_list(shop.platform, "AO", company.id)).edition
    texts = [text.replace("700", fee) for fee in ("701", "702", "703")]
    done = await asyncio.gather(
        *(import_tariffs(shop.platform, "AO", one, company.id, edition) for one in texts),
        return_exceptions=True,
    )
    assert sorted(map(type, done), key=str) == [EditedMeanwhileError, EditedMeanwhileError, int]
    won = texts[next(at for at, one in enumerate(done) if one == 1)]
    assert await export_tariffs(shop.platform, "AO", company.id) == won
    now = (await price_list(shop.platform, "AO", company.id)).edition
    assert await import_tariffs(shop.platform, "AO", text, company.id, now) == 1
    assert (await price_list(shop.platform, "AO", company.id)).edition == edition

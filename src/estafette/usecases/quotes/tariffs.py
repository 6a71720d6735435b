"""The price list of a market or a courier company as a file: take it out, put one in."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from estafette.core.accounts.account import MARKETS
from estafette.core.audit import AuditedAct
from estafette.core.edition import edition_of, must_be
from estafette.core.quotes.pricing import Tariff
from estafette.core.quotes.tariff_changes import TariffChange, tariff_changes
from estafette.core.quotes.tariff_file import tariffs_from_csv, tariffs_to_csv
from estafette.store.pool import Connection
from estafette.store.quotes import catalog
from estafette.usecases import audit
from estafette.usecases.platform import Platform


class MarketNotFoundError(LookupError):
    """There is no such market."""

    def __init__(self, market: str) -> None:
        """`market` is the one that was asked for."""
        known = ", ".join(sorted(MARKETS))
        super().__init__(f"there is no market {market!r}; there are {known}")


async def export_tariffs(platform: Platform, market: str, company_id: UUID | None = None) -> str:
    """Returns a market's, or a company's, price list as CSV. Raises MarketNotFoundError."""
    _check(market)
    async with platform.pool.acquire() as connection:
        return tariffs_to_csv(await catalog.tariffs(connection, market, company_id))


class OpenedPriceList(NamedTuple):
    """A price list as somebody opens it to edit it, in its edition (see `core.edition`)."""

    tariffs: list[Tariff]
    edition: str


async def price_list(
    platform: Platform, market: str, company_id: UUID | None = None
) -> OpenedPriceList:
    """Returns a market's, or a company's, price list. Raises MarketNotFoundError or Busy."""
    _check(market)
    async with platform.connections.batch("tariffs") as connection:
        return _opened(await catalog.tariffs(connection, market, company_id))


class PriceListProposal(NamedTuple):
    """What a file would change of a price list, which is in this edition; and its rows."""

    changes: list[TariffChange]
    rows: int
    edition: str


async def compare_tariffs(
    platform: Platform, market: str, text: str, company_id: UUID | None = None
) -> PriceListProposal:
    """Returns what the price list of a CSV file would change; changes nothing.

    Raises MarketNotFoundError, TariffFileError with every mistake, or Busy.
    """
    _check(market)
    async with platform.connections.batch("tariffs") as connection:
        cities = {city.code for city in await catalog.cities(connection, market)}
        before = _opened(await catalog.tariffs(connection, market, company_id))
    wanted = tariffs_from_csv(text, cities)
    changes = tariff_changes(before.tariffs, wanted)
    return PriceListProposal(changes, len(wanted), before.edition)


async def import_tariffs(
    platform: Platform,
    market: str,
    text: str,
    company_id: UUID | None = None,
    edition: str | None = None,
) -> int:
    """Puts the price list of a CSV file in the place of a market's, or of a company's in it.

    `edition` is that of the list which the file was compared with; None: whatever it is. Returns
    how many rows it has.

    Raises MarketNotFoundError, EditedMeanwhileError, or TariffFileError with every mistake: then
    nothing has changed.
    """
    _check(market)
    async with platform.pool.acquire() as connection, connection.transaction():
        cities = {city.code for city in await catalog.cities(connection, market)}
        tariffs = tariffs_from_csv(text, cities)
        await replace_tariffs(connection, platform, market, tariffs, company_id, edition)
    return len(tariffs)


def _opened(tariffs: list[Tariff]) -> OpenedPriceList:
    return OpenedPriceList(tariffs, edition_of(*tariffs))


async def replace_tariffs(
    connection: Connection,
    platform: Platform,
    market: str,
    tariffs: Sequence[Tariff],
    company_id: UUID | None,
    edition: str | None = None,
) -> None:
    """Puts a price list in the place of a market's, or of a company's in it.

    `edition` is that of the list in whose place it is meant to be. Raises EditedMeanwhileError.
    """
    await catalog.lock_tariffs(connection, market, company_id)
    if edition is not None:
        must_be(edition, _opened(await catalog.tariffs(connection, market, company_id)).edition)
    await catalog.replace_tariffs(connection, market, tariffs, company_id)
    facts = {"market": market, "rows": len(tariffs)}
    await audit.note(
        connection, platform.by, AuditedAct.TARIFFS_REPLACED, company_id or market, facts
    )


def _check(market: str) -> None:
    if market not in MARKETS:
        raise MarketNotFoundError(market)

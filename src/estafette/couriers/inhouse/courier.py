"""Companies whose price lists are here: the operator's own, and any in a rehearsal."""

from estafette.core.couriers.company import Company, Offer, QuoteRequest, offer_by_tariff
from estafette.usecases.catalog import Catalog


class InhouseCourier:
    """A `Courier` for companies whose price lists are here."""

    waits = False

    def __init__(self, catalog: Catalog) -> None:
        """Reads the price lists from `catalog`."""
        self._catalog = catalog

    async def quote(self, company: Company, wanted: QuoteRequest) -> Offer | None:
        """The price by the company's list; None above its heaviest band or off its routes."""
        companies = await self._catalog.companies(company.market)
        return offer_by_tariff(company, companies.prices(company.id), wanted)

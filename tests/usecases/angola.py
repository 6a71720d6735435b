"""What tests of courier companies stand on: an account in Angola and companies made to order."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from estafette.core.accounts.account import MARKETS, Account, Mode
from estafette.core.couriers.company import (
    Capabilities,
    Company,
    Connector,
    Courier,
    Offer,
    QuoteRequest,
)
from estafette.core.deliveries.delivery import Delivery, Parcel, Progress, Status, Stop
from estafette.core.deliveries.personal_data import erased_answer
from estafette.core.ids import new_id
from estafette.core.money.payment import BankAccount, Payment, PaymentMethod
from estafette.core.quotes.place import City
from estafette.core.quotes.pricing import ANY, Tariff
from estafette.core.quotes.quote import Quote
from estafette.couriers.inhouse import InhouseCourier
from estafette.store.accounts import table as accounts
from estafette.store.quotes import catalog
from estafette.usecases.couriers.companies import save_company, set_company_tariffs
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.orders import Order
from estafette.usecases.platform import Patience, Platform
from estafette.usecases.quotes.quote_companies import CompanyQuoter
from tests.rows import companies
from tests.usecases.stage import DIALECT, Merchant, id_in, platform_over, render

CITIES = [
    City("luanda", "Luanda", "AO", -8.84, 13.23, 2_776_168, ("Loanda",)),
    City("benguela", "Benguela", "AO", -12.58, 13.41, 555_124, ()),
]
LUANDA = Stop("Rua Rainha Ginga 12", city="Luanda", province="Luanda", name="Loja")
VIANA = Stop("Rua 7, Maianga", city="Luanda", province="Luanda", name="Ana")
BENGUELA = Stop("Rua 1", city="Benguela", province="Benguela")
PARCEL = Parcel(1_200, "Livros")
PAYLOAD: Mapping[str, Any] = {"parcel": {"weight_grams": 1200}}
BANK = BankAccount("Banco Exemplo", "AO93999900000000000001429", "Loja, Lda.")
WITH_BANK = Capabilities(bank_transfer_enabled=True, bank=BANK)
BY_TRANSFER = Payment(PaymentMethod.BANK_TRANSFER)


class EntregaLike:
    """Tells each status by its own name; a merchant cancels until a courier is on the way."""

    name = "entrega"
    names_company = True

    def announcements(self, before: Progress | None, after: Progress) -> tuple[str, ...]:
        return (f"delivery.{after.status}",)

    def may_cancel(self, progress: Progress) -> bool:
        return progress.status in {Status.AWAITING_PAYMENT, Status.PENDING, Status.ASSIGNED}

    def erased_answer(
        self, answer: Mapping[str, Any], erased: Delivery
    ) -> Mapping[str, Any] | None:
        if answer.get("id") != str(erased.id):
            return None
        told = {"id": str(erased.id), "to": {"name": erased.dropoff.name, "phone": "+00000000000"}}
        return erased_answer(answer, {**told, "metadata": {}}, {"id", "status"})


ENTREGA = EntregaLike()


def fees(*by_weight: tuple[int, int], minutes: int = 60) -> list[Tariff]:
    """A price list for anywhere: a fee up to each weight, pickup and trip half the time each."""
    half = minutes * 30
    return [Tariff(ANY, ANY, None, grams, fee, half, half) for grams, fee in by_weight]


@dataclass
class Shop(Merchant):
    """An account in Angola."""

    quoter: CompanyQuoter

    def change(self, **parts: Any) -> None:
        super().change(**parts)
        self.quoter = CompanyQuoter(self.platform)

    async def company(
        self, slug: str, tariffs: list[Tariff] | None = None, **fields: Any
    ) -> Company:
        """A company of this account alone, with a price list unless `tariffs` is empty."""
        fields = {
            "id": new_id(),
            "market": "AO",
            "account_id": self.account.id,
            "name": slug.title(),
            "slug": slug,
            "connector": Connector.INHOUSE,
            "time_zone": "Africa/Luanda",
        } | fields
        company = await save_company(self.platform, Company(**fields))
        tariffs = fees((10_000, 1_000)) if tariffs is None else tariffs
        await set_company_tariffs(self.platform, company, tariffs)
        self.platform.catalog.forget()
        return company

    async def quotes(
        self, origin: Stop = LUANDA, destination: Stop = VIANA, parcel: Parcel = PARCEL
    ) -> list[Quote]:
        return await self.quoter.quote(
            self.scope, self.account.market, origin, destination, parcel, PAYLOAD
        )

    async def quote(self) -> Quote:
        """The cheapest quote."""
        return (await self.quotes())[0]

    def order(self, quote: Quote | None = None, **changes: Any) -> Order:
        fields: dict[str, Any] = {
            "scope": self.scope,
            "market": self.account.market,
            "dialect": ENTREGA,
            "pickup": LUANDA,
            "dropoff": VIANA,
            "parcel": PARCEL,
            "render": render,
            "quote_id": quote and quote.id,
            "quoted_payload": PAYLOAD,
            "numbered": True,
        }
        return Order(**fields | changes)

    async def create(self, quote: Quote | None = None, **changes: Any) -> Delivery:
        """Creates a delivery, from the cheapest quote unless told."""
        order = self.order(quote or await self.quote(), **changes)
        return await self.delivery(id_in(await self.creator.create(order)))


class FakeCourier:
    """A connector whose every answer is decided by the test, and which must be waited for."""

    waits = True

    def __init__(self, answers: Mapping[str, Any]) -> None:
        """`answers` by slug: an offer, None, an exception to raise, or something to await first."""
        self._answers = answers

    async def quote(self, company: Company, wanted: QuoteRequest) -> Offer | None:
        answer = self._answers[company.slug]
        if isinstance(answer, Exception):
            raise answer
        if answer is None or isinstance(answer, Offer):
            return answer
        await answer()
        return OFFER


OFFER = Offer(700, timedelta(minutes=10), timedelta(minutes=20))


@asynccontextmanager
async def angola_over(
    dsn: str, *, step: timedelta = timedelta(seconds=5)
) -> AsyncGenerator[Platform]:
    """A platform that knows two cities of Angola and the connectors of this Estafette.

    No company of the whole market serves its accounts before the test adds one.
    """
    async with platform_over(dsn, step=step) as platform:
        await companies.pause_shared(platform.pool)
        async with platform.pool.acquire() as connection:
            await catalog.insert_cities(connection, CITIES)
        connectors: dict[Connector, Courier] = {
            Connector.INHOUSE: InhouseCourier(platform.catalog),
            Connector.SANDBOX: InhouseCourier(platform.catalog),
        }
        dialects = {DIALECT.name: DIALECT, ENTREGA.name: ENTREGA}
        patience = Patience(quote=60.0)
        yield replace(platform, dialects=dialects, couriers=connectors, patience=patience)


async def new_shop(platform: Platform, mode: Mode = Mode.LIVE) -> Shop:
    """A fresh account in Angola."""
    account = Account(new_id(), f"s-{uuid4().hex}", MARKETS["AO"], "entrega", 100, 200)
    async with platform.pool.acquire() as connection:
        await accounts.insert(connection, account)
    return Shop(platform, Creator(platform), account, mode, CompanyQuoter(platform))

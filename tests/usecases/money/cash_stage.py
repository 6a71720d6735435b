"""What tests of drivers' cash stand on: two shops of one company, its drivers, and who counts."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from estafette.core.audit import By
from estafette.core.couriers.company import Company
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import Actor
from estafette.core.ids import new_id
from estafette.core.money.payment import Payment, PaymentMethod
from estafette.store.pool import Pool
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.platform import Platform
from tests.moving import advance
from tests.rows import tables
from tests.usecases.angola import ENTREGA, Shop, new_shop

COURSE = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)


@dataclass
class OneDriver:
    """A driver of the company, and the person who signs in as the driver."""

    company_id: UUID
    id: UUID
    person_id: UUID


@dataclass
class CashStage:
    """Two shops that one company of the market carries for, and people who count cash."""

    shop: Shop
    other: Shop
    company: Company
    counters: list[UUID] = field(default_factory=lambda: [uuid4(), uuid4()])

    @property
    def pool(self) -> Pool:
        return self.shop.platform.pool

    def acting(self, person_id: UUID) -> Platform:
        """The platform for what a person does."""
        return self.shop.platform.acting(By.person(person_id, None))

    async def driver(self, name: str = "Kiala", limit: int | None = None) -> OneDriver:
        driver = OneDriver(self.company.id, new_id(), uuid4())
        await tables.add(
            self.pool,
            "drivers",
            company_id=driver.company_id,
            id=driver.id,
            mode=self.shop.mode,
            name=name,
            phone_e164=f"+2449{uuid4().int % 10**8:08d}",
            person_id=driver.person_id,
            vehicle="motorcycle",
            capacity_grams=30_000,
            capacity_parcels=8,
            cash_limit=limit,
        )
        return driver

    async def carried(
        self, driver: OneDriver | None, cash: int, of: Shop | None = None
    ) -> Delivery:
        """A delivery with cash to collect, which a driver has accepted."""
        of = of or self.shop
        delivery = await of.create(payment=Payment(PaymentMethod.COD, cash_collect=cash))
        if driver is not None:
            await tables.add(
                self.pool,
                "assignments",
                company_id=driver.company_id,
                id=new_id(),
                account_id=of.account.id,
                delivery_id=delivery.id,
                mode=of.mode,
                number=1,
                driver_id=driver.id,
                state="accepted",
                grams=1_200,
                by_kind="command",
                by_name="test",
                created_at=delivery.created_at,
                accepted_at=delivery.created_at,
            )
        return delivery

    async def delivered(
        self, driver: OneDriver | None, cash: int, of: Shop | None = None
    ) -> Delivery:
        """A delivery whose cash was collected: by the driver, or by nobody that is known."""
        of = of or self.shop
        delivery = await self.carried(driver, cash, of)
        moves = [Move(status, Actor.COURIER) for status in COURSE]
        return await advance(of.platform, of.scope, ENTREGA, delivery.id, moves)


async def cash_stage(shop: Shop, account_id: UUID | None = None) -> CashStage:
    """Two shops, and a company of their market that both choose; or of the first one alone."""
    slug = "moto" if account_id is None else f"moto-{account_id.hex[-8:]}"
    company = await shop.company(slug, account_id=account_id)
    return CashStage(shop, await new_shop(shop.platform), company)

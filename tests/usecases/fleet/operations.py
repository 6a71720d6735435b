"""Accounts of both dialects, the companies that carry for them, drivers at their phones.

What the machine of `test_operations_machine.py` plays on: everything goes through the verbs of
Estafette, what a driver does through the taps of a phone.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from estafette.app import RECORDS
from estafette.core.accounts.account import Mode
from estafette.core.audit import By
from estafette.core.couriers.carriers import CarrierChoice
from estafette.core.couriers.company import Capabilities, Company, Connector
from estafette.core.deliveries.delivery import Delivery, Parcel, Status
from estafette.core.deliveries.failing import AfterAttempts, FailurePolicy
from estafette.core.errors import Refusal
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.driver import Capacity, Driver, Vehicle
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.fleet.refusals import FleetRefusal
from estafette.core.fleet.tap import Tap, TapKind
from estafette.core.ids import new_id
from estafette.core.money.cash import CashRefusal
from estafette.core.money.payment import PREPAID, Payment, PaymentMethod
from estafette.core.proofs.demand import Demand
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.core.proofs.refusals import ProofRefusal
from estafette.core.quotes.place import City
from estafette.routing.planner import Planner
from estafette.routing.travel_times import CrowTimes
from estafette.store.deliveries import rows
from estafette.store.fleet import dispatching, positions
from estafette.store.quotes import catalog
from estafette.store.webhooks import endpoints
from estafette.usecases.couriers.carriers import set_carriers
from estafette.usecases.couriers.companies import save_company, set_active, set_company_tariffs
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.deliveries.pins import opened
from estafette.usecases.fleet import automatic
from estafette.usecases.fleet.dispatching_rules import set_dispatching_rules
from estafette.usecases.fleet.drivers import add_driver
from estafette.usecases.fleet.expire import expire
from estafette.usecases.fleet.own_proof import add_own_proof
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.fleet.taps import Answer, take
from estafette.usecases.money.settle import PaymentRefusedError
from estafette.usecases.platform import Platform
from estafette.usecases.proofs.add import SentProof
from tests.rows import tables
from tests.usecases.angola import Shop, angola_over, fees, new_shop
from tests.usecases.stage import Merchant, Tenant, new_tenant, render

REFUSED = (FleetRefusal, Refusal, CashRefusal, ProofRefusal, PaymentRefusedError)
"""What may come of whatever is tried."""

HOLDS = Capacity(3_000, 2)
CASH_LIMIT = 6_000
ALMATY = City("almaty", "Almaty", "KZ", 43.25, 76.95, 2_000_000, ())
CARRIED = {
    "AO": Capabilities(failing=FailurePolicy(2, AfterAttempts.RETURN)),
    "KZ": Capabilities(
        failing=FailurePolicy(1, AfterAttempts.DISCARD),
        proof=Demand(dropoff=frozenset({ProofKind.NAME})),
    ),
}
"""What the companies want to have shown, and what follows when nobody takes a parcel."""

RULES = DispatchingRules(automatic=True, rounds=3, most_each=2)
_ZONES = {"AO": "Africa/Luanda", "KZ": "Asia/Almaty"}
_LEASE = timedelta(minutes=2)
_phones = count()

Row = asyncpg.Record


@dataclass
class Ground:
    """What all lives of a test have in common."""

    platform: Platform
    planner: Planner


@asynccontextmanager
async def ground_over(dsn: str) -> AsyncGenerator[Ground]:
    """Both markets over the database at `dsn`, with the dialects that are published."""
    async with angola_over(dsn) as plain, Planner(grace_seconds=60) as planner:
        async with plain.pool.acquire() as connection:
            await catalog.insert_cities(connection, [ALMATY])
        dialects = {one.name: one.dialect for one in RECORDS}
        yield Ground(replace(plain, dialects=dialects), planner)


@dataclass
class Phone:
    """A driver, the phone with its clock, what was tapped on it, and what was answered."""

    driver: Driver
    ahead: timedelta = timedelta()
    device: UUID = field(default_factory=uuid4)
    sent: list[tuple[Tap, Answer]] = field(default_factory=list[tuple[Tap, Answer]])

    @property
    def by(self) -> By:
        """The driver as who acts."""
        return By.person(self.driver.person_id or self.driver.id, None)

    def now(self) -> datetime:
        """What its clock shows."""
        return datetime.now(UTC) + self.ahead


@dataclass
class Operations:
    """Two shops that one company carries for, another merchant with its own, and their drivers.

    `proofs` and `uncollected` are what was acknowledged: proofs by their ids, and deliveries whose
    cash was not collected after all.
    """

    ground: Ground
    companies: dict[str, Company]
    merchants: list[Merchant]
    phones: list[Phone]
    deliveries: list[UUID] = field(default_factory=list[UUID])
    proofs: dict[UUID, SentProof] = field(default_factory=dict[UUID, SentProof])
    uncollected: set[UUID] = field(default_factory=set[UUID])

    @property
    def platform(self) -> Platform:
        return self.ground.platform

    @property
    def accounts(self) -> list[UUID]:
        return [one.account.id for one in self.merchants]

    @property
    def company_ids(self) -> list[UUID]:
        return [one.id for one in self.companies.values()]

    def merchant_of(self, delivery: Delivery) -> Merchant:
        return next(one for one in self.merchants if one.scope == delivery.scope)

    def company_of(self, delivery: Delivery) -> Company:
        return self.companies[self.merchant_of(delivery).account.market.code]

    async def read(self, table: str, order: str | None = None) -> list[Row]:
        """All rows of the accounts."""
        where = {"account_id": self.accounts}
        return await tables.read(self.platform.pool, table, where, order)

    async def delivery(self, id: UUID) -> Delivery:
        (row,) = await tables.read(self.platform.pool, "deliveries", {"id": id})
        return opened(self.platform.cipher, rows.delivery(row))

    async def history(self, id: UUID) -> list[Row]:
        """The assignments of a delivery, by their numbers."""
        of = {"delivery_id": id}
        return await tables.read(self.platform.pool, "assignments", of, "number")

    async def holder(self, id: UUID) -> UUID | None:
        """Who has a delivery now."""
        accepted = [one for one in await self.history(id) if one["state"] == "accepted"]
        return accepted[0]["driver_id"] if accepted else None

    def phone_of(self, driver_id: UUID) -> Phone:
        return next(one for one in self.phones if one.driver.id == driver_id)

    async def order(
        self, of: int, grams: int, cash: int, demand: Demand, skills: tuple[str, ...] = ()
    ) -> UUID:
        """An order of a merchant; Kaspi's API knows no cash to collect."""
        merchant = self.merchants[of]
        dialect = self.platform.dialects[merchant.account.dialect]
        changes: dict[str, Any] = {"dialect": dialect, "proof": demand, "skills": skills}
        parcel = Parcel(grams, "Livros")
        if isinstance(merchant, Tenant):
            id = await merchant.create(parcel=parcel, **changes)
        else:
            assert isinstance(merchant, Shop)
            quotes = await merchant.quotes(parcel=parcel)
            mine = next(one for one in quotes if one.company_id == self.companies["AO"].id)
            payment = Payment(PaymentMethod.COD, cash_collect=cash) if cash else PREPAID
            id = (await merchant.create(mine, parcel=parcel, payment=payment, **changes)).id
        self.deliveries.append(id)
        return id

    async def tap(
        self, phone: Phone, kind: TapKind, about: UUID | None = None, **facts: Any
    ) -> Answer:
        """What a driver taps, which the phone sends at once."""
        now = phone.now()
        tap = Tap(uuid4(), len(phone.sent) + 1, kind, now, about, facts)
        answers = await self._send(phone, [tap])
        phone.sent.append((tap, answers[0]))
        return answers[0]

    async def send_again(self, phone: Phone, last: int) -> None:
        """The phone did not hear the answers: it sends the last taps again, twice at once."""
        again = phone.sent[-last:]
        taps = [tap for tap, _ in again]
        if taps:
            twice = await asyncio.gather(self._send(phone, taps), self._send(phone, taps))
            assert twice == [[answer for _, answer in again]] * 2

    async def _send(self, phone: Phone, taps: Sequence[Tap]) -> list[Answer]:
        platform = self.platform.acting(phone.by)
        return await take(platform, phone.driver, phone.device, phone.now(), taps)

    async def prove(self, phone: Phone, about: UUID, kind: ProofKind, stage: ProofStage) -> None:
        """A proof, which the phone sends twice."""
        said = "18" if kind is ProofKind.AGE else "Ana"
        sent = SentProof(new_id(), kind, stage, phone.now(), said)
        for _ in range(2):
            kept = await add_own_proof(self.platform, phone.driver, about, sent, phone.now())
            assert kept.id == sent.id
        self.proofs[sent.id] = sent

    async def cancel(self, id: UUID) -> None:
        delivery = await self.delivery(id)
        dialect = self.platform.dialects[self.merchant_of(delivery).account.dialect]
        await cancel(self.platform, Cancellation(delivery.scope, dialect, id, render))

    async def move(self, id: UUID, to: Status) -> None:
        """The operator moves a delivery by hand."""
        delivery = await self.delivery(id)
        dialect = self.platform.dialects[self.merchant_of(delivery).account.dialect]
        await move_by_hand(self.platform, delivery.scope, dialect, id, to, "by hand")

    async def be_seen(self, phone: Phone) -> None:
        """The phone tells where the driver is."""
        now, of = datetime.now(UTC), (phone.driver.company_id, phone.driver.id)
        here = Position(*of, now, now, -8.84, 13.23, source=PositionSource.PAGE)
        async with self.platform.pool.acquire() as connection:
            await positions.keep(connection, [here])

    async def let_pass(self, span: timedelta) -> None:
        """Lets time pass: all that was is so much longer ago, and what time does is done."""
        pool, ago = self.platform.pool, -span
        ours, theirs = {"company_id": self.company_ids}, {"account_id": self.accounts}
        given = ("created_at", "answer_by", "accepted_at", "arrived_at", "picked_up_at", "ended_at")
        await tables.shift(pool, "assignments", ours, **dict.fromkeys(given, ago))
        await tables.shift(pool, "shifts", ours, began_at=ago, ended_at=ago)
        await tables.shift(pool, "positions", ours, at=ago, received_at=ago)
        promised = ("updated_at", "pickup_by", "deliver_by", "watch_at")
        await tables.shift(pool, "deliveries", theirs, **dict.fromkeys(promised, ago))
        while (await expire(self.platform)).done:
            pass
        while (await look_after(self.platform)).done:
            pass

    async def dispatch(self, company: Company) -> None:
        """A round of automatic dispatching, as a worker does it."""
        pool, mine = self.platform.pool, {"company_id": company.id}
        await tables.change(pool, "dispatching", mine, due_at=timedelta())
        async with pool.acquire() as connection:
            turns = await dispatching.claim(connection, 100, _LEASE)
        for turn in turns:
            if turn.company_id == company.id:
                await automatic.dispatch(self.platform, self.ground.planner, CrowTimes(), turn)
            async with pool.acquire() as connection:
                await dispatching.give_back(connection, turn, _LEASE)

    async def all_at_once(self, works: Sequence[Callable[[], Awaitable[object]]]) -> None:
        """Does several things at a time, each of which may be refused."""
        done = await asyncio.gather(*(work() for work in works), return_exceptions=True)
        for one in done:
            if isinstance(one, BaseException) and not isinstance(one, REFUSED):
                raise one

    async def close(self) -> None:
        """Lets the companies rest: lives after this one have their own."""
        for company in self.companies.values():
            await set_active(self.platform, company.id, active=False)
            await set_dispatching_rules(self.platform, company.id, DispatchingRules())
        self.platform.catalog.forget()


async def _company(platform: Platform, market: str) -> Company:
    id = new_id()
    company = await save_company(
        platform,
        Company(
            id=id,
            market=market,
            account_id=None,
            name=f"Motos {market}",
            slug=f"motos-{id.hex[-10:]}",
            connector=Connector.INHOUSE,
            time_zone=_ZONES[market],
            capabilities=CARRIED[market],
        ),
    )
    await set_company_tariffs(platform, company, fees((10_000, 1_000)))
    await set_dispatching_rules(platform, company.id, RULES)
    platform.catalog.forget()
    return company


async def _phone(
    platform: Platform, company: Company, *, on_shift: bool, limit: int | None, ahead: timedelta
) -> Phone:
    driver = await add_driver(
        platform,
        company.id,
        name="Zé",
        phone_e164=f"+2449{next(_phones):08}",
        vehicle=Vehicle.MOTORCYCLE,
        capacity=HOLDS,
        skills=("cold",) if on_shift else (),
        cash_limit=limit,
    )
    person = uuid4()
    await tables.change(platform.pool, "drivers", {"id": driver.id}, person_id=person)
    if on_shift:
        await start_shift(platform, company.id, driver.id, "a phone")
    return Phone(replace(driver, person_id=person), ahead)


async def begun(ground: Ground) -> Operations:
    """A morning: five drivers, of whom one is off shift, one is poor, and one has a wrong clock."""
    platform = ground.platform
    companies = {market: await _company(platform, market) for market in CARRIED}
    merchants: list[Merchant] = [await new_shop(platform), await new_shop(platform)]
    kaspi = await new_tenant(platform, Mode.LIVE)
    merchants.append(kaspi)
    choice, carriers = CarrierChoice.IN_ORDER, [companies["KZ"].id]
    await set_carriers(platform, kaspi.account, choice, carriers)
    platform.catalog.forget()
    async with platform.pool.acquire() as connection:
        for number, merchant in enumerate(merchants):
            for name in ("default", "second")[: 1 + number % 2]:
                of = (merchant.scope, new_id(), name, "http://127.0.0.1:9/", b"")
                assert await endpoints.insert(connection, *of)
    away, wrong = timedelta(), timedelta(hours=2)
    phones = [
        await _phone(platform, companies["AO"], on_shift=True, limit=None, ahead=wrong),
        await _phone(platform, companies["AO"], on_shift=True, limit=CASH_LIMIT, ahead=away),
        await _phone(platform, companies["AO"], on_shift=False, limit=None, ahead=away),
        await _phone(platform, companies["KZ"], on_shift=True, limit=None, ahead=-wrong),
        await _phone(platform, companies["KZ"], on_shift=True, limit=None, ahead=away),
    ]
    return Operations(ground, companies, merchants, phones)

"""The same day as `bench/day.py`, through Estafette: its use cases, its database, its dispatching.

The day plays merchants and drivers: who orders when, who accepts, refuses, is silent or vanishes,
how long each way takes. What they do goes in by the verbs and taps of Estafette, by their own
times; what they are given comes from its tables. In compressed time: see `live_day_sql.let_pass`.
"""

import asyncio
import heapq
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from bench import live_day_sql as sql
from bench.day import BEGIN, LONGEST, LOOK_EVERY, PROMISED, Day, Result, Wheel
from bench.process import BenchError
from estafette.core.accounts.account import Account, Mode, Scope
from estafette.core.audit import By
from estafette.core.couriers.company import Company, Connector
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.errors import Refusal
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.driver import Driver, Vehicle
from estafette.core.fleet.position import Place
from estafette.core.fleet.tap import Tap, TapKind
from estafette.core.fleet.tour import StopKind
from estafette.core.ids import new_id
from estafette.core.money.payment import PREPAID, Payment, PaymentMethod
from estafette.core.quotes.pricing import ANY, Tariff
from estafette.usecases.accounts.administration import create_account
from estafette.usecases.couriers.companies import save_company, set_company_tariffs
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.due_moves import look_after
from estafette.usecases.deliveries.idempotency import Reply
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.deliveries.orders import Order
from estafette.usecases.fleet import taps
from estafette.usecases.fleet.dispatching_rules import set_dispatching_rules
from estafette.usecases.fleet.drivers import add_driver
from estafette.usecases.fleet.expire import expire
from estafette.usecases.fleet.positions import Intake
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.platform import Platform
from estafette.usecases.quotes.quote_companies import CompanyQuoter
from estafette.usecases.webhooks.endpoints import set_endpoint

Decide = Callable[["LiveDay"], Awaitable[None]]
"""A round of dispatching, which makes offers by Estafette's verbs."""

_HOUR: Final = 12
"""By the company's clock it is noon all day: how fast it plans that drivers are does not depend on
when this is run."""

_VANISH: Final = 0.08
"""The share of drivers who vanish once, for as long as this."""
_AWAY: Final = timedelta(minutes=40)

_COD: Final = 0.2
_CASH: Final = 3_000
_RELEASE_EVERY: Final = timedelta(minutes=5)
"""How often somebody looks at what has stalled, and lets it be offered again."""

_NOWHERE: Final = "http://127.0.0.1:9/"
"""Where webhooks would go: no worker sends them."""

_PAYLOAD: Final = {"parcel": "bench"}


@dataclass
class Phone:
    """A driver's phone: what it has to send, in order."""

    driver: Driver
    device: UUID = field(default_factory=uuid4)
    sequence: int = 0
    unsent: list[tuple[datetime, TapKind, UUID, dict[str, Any]]] = field(
        default_factory=list[tuple[datetime, TapKind, UUID, dict[str, Any]]]
    )


@dataclass
class Firm:
    """The company of a day, and the account that it carries for."""

    platform: Platform
    account: Account
    company: Company
    phones: list[Phone]
    connection: sql.Connection

    @property
    def scope(self) -> Scope:
        """What the account's deliveries are of."""
        return Scope(self.account.id, Mode.LIVE)


async def open_firm(
    platform: Platform, connection: sql.Connection, name: str, drivers: int, rules: DispatchingRules
) -> Firm:
    """A new account with a company of its own, whose drivers are on shift."""
    account, _ = await create_account(platform, name, "AO")
    await set_endpoint(platform, Scope(account.id, Mode.LIVE), _NOWHERE)
    offset = _HOUR - datetime.now(UTC).hour
    company = await save_company(
        platform,
        Company(
            id=new_id(),
            market="AO",
            account_id=account.id,
            name=name,
            slug=name,
            connector=Connector.INHOUSE,
            time_zone=f"Etc/GMT{-offset:+d}",
        ),
    )
    half = int(PROMISED.total_seconds() / 2)
    tariff = Tariff(ANY, ANY, None, 30_000, 1_000, half, half)
    await set_company_tariffs(platform, company, [tariff])
    platform.catalog.forget()
    await set_dispatching_rules(platform, company.id, rules)
    firm = Firm(platform, account, company, [], connection)
    for number in range(drivers):
        firm.phones.append(await _phone(firm, number))
    return firm


async def _phone(firm: Firm, number: int) -> Phone:
    driver = await add_driver(
        firm.platform,
        firm.company.id,
        name=f"Driver {number}",
        phone_e164=f"+2449{random.Random(firm.company.id.int + number).randrange(10**8):08}",
        vehicle=Vehicle.MOTORCYCLE,
    )
    await start_shift(firm.platform, firm.company.id, driver.id, "bench")
    return Phone(driver)


class LiveDay(Day):
    """A day that Estafette hears of, and decides about."""

    def __init__(self, firm: Firm, seed: int, deliveries: int, rules: DispatchingRules) -> None:
        """The same day for every firm with as many drivers."""
        super().__init__(seed, deliveries, len(firm.phones), rules)
        self.firm = firm
        self.released = 0
        self.ids: dict[int, UUID] = {}
        self._numbers: dict[UUID, int] = {}
        self._about: dict[tuple[int, int], UUID] = {}
        self._places = {phone.driver.id: n for n, phone in enumerate(firm.phones)}
        self._creator, self._quoter = Creator(firm.platform), CompanyQuoter(firm.platform)
        self._intake = Intake(firm.platform)
        self._gone = self._who_vanishes(seed)
        self._release_at = BEGIN

    def _who_vanishes(self, seed: int) -> dict[int, datetime]:
        """When which drivers vanish, by their numbers."""
        chance = random.Random(f"{seed} vanish")
        return {
            n: BEGIN + timedelta(hours=chance.uniform(2, 10))
            for n in range(len(self.wheels))
            if chance.random() < _VANISH
        }

    def is_away(self, number: int) -> bool:
        """Whether nothing is heard of a driver now."""
        since = self._gone.get(number)
        return since is not None and since <= self.now < since + _AWAY

    async def live(self, decide: Decide) -> Result:
        """Lets the day pass, a round of dispatching every half a minute."""
        while self.now < BEGIN + LONGEST and len(self._delivered) < len(self.deliveries):
            first = self._next_order
            span = self._until_something_is_to_do()
            self._stop_the_vanished()
            self._advance(self.now + span)
            await sql.let_pass(self.firm.connection, self.firm.company.id, span)
            await asyncio.gather(*(self._order(n) for n in range(first, self._next_order)))
            await asyncio.gather(*(self._send(phone) for phone in self.firm.phones))
            await self._tell_positions()
            await expire(self.firm.platform)
            await look_after(self.firm.platform)
            await self._release_stalled()
            await decide(self)
            await self._hear()
        return self._result()

    def _until_something_is_to_do(self) -> timedelta:
        """Half a minute; where nothing is under way, until the next order has come."""
        if self._waiting or self._answers or any(wheel.open for wheel in self.wheels):
            return LOOK_EVERY
        quiet = self.deliveries[self._next_order].created_at - self.now
        return LOOK_EVERY * (quiet // LOOK_EVERY + 1)

    # What the drivers do is noted, to be tapped at the end of the half minute.

    def _stop_the_vanished(self) -> None:
        for n, since in self._gone.items():
            wheel = self.wheels[n]
            if self.now <= since < self.now + LOOK_EVERY and wheel.free_at is not None:
                wheel.free_at += _AWAY

    def _arrive(self, wheel: Wheel) -> None:
        number = self.wheels.index(wheel)
        n, kind = wheel.stops[0]
        taken = {"cash": cash} if (cash := self._cash(n)) else {}
        steps: list[tuple[TapKind, dict[str, Any]]] = (
            [(TapKind.ARRIVED, {}), (TapKind.PICKED_UP, {})]
            if kind is StopKind.PICKUP
            else [(TapKind.ON_THE_WAY, {}), (TapKind.HANDED_OVER, taken)]
        )
        for step, facts in steps:
            self._tap(number, n, step, facts)
        super()._arrive(wheel)

    def _answer(self) -> None:
        at, n, number, answer = self._answers[0]
        if n not in self.wheels[number].open:  # it was taken back meanwhile
            heapq.heappop(self._answers)
            return
        if self.is_away(number):
            self._answers[0] = (at, n, number, 2)
        elif answer < 2:
            kind = (TapKind.OFFER_ACCEPTED, TapKind.OFFER_REFUSED)[answer]
            self._tap(number, n, kind, {})
        super()._answer()

    def _tap(self, number: int, n: int, kind: TapKind, facts: dict[str, Any]) -> None:
        about = self._about[number, n]
        self.firm.phones[number].unsent.append((self.now, kind, about, facts))

    def _cash(self, n: int) -> int:
        return _CASH if random.Random(f"{self._seed} {n} cash").random() < _COD else 0

    # What is ordered and tapped goes in.

    async def _order(self, n: int) -> None:
        wanted, platform, account = self.deliveries[n], self.firm.platform, self.firm.account
        ends = (wanted.pickup, wanted.dropoff)
        of = (self.firm.scope, account.market, *ends, wanted.parcel)
        quote = (await self._quoter.quote(*of, _PAYLOAD))[0]
        cash = self._cash(n)
        payment = Payment(PaymentMethod.COD, cash_collect=cash) if cash else PREPAID
        made: list[Delivery] = []

        def render(outcome: Delivery | Refusal) -> Reply:
            if isinstance(outcome, Refusal):
                raise outcome
            made.append(outcome)
            return Reply(201, b"{}")

        await self._creator.create(
            Order(
                self.firm.scope,
                account.market,
                platform.dialects[account.dialect],
                *ends,
                wanted.parcel,
                render,
                quote_id=quote.id,
                quoted_payload=_PAYLOAD,
                payment=payment,
                numbered=True,
            )
        )
        self.ids[n] = made[-1].id
        self._numbers[made[-1].id] = n

    async def _send(self, phone: Phone) -> None:
        """Sends what was tapped, each with the phone's own time, up to half a minute ago."""
        if not phone.unsent:
            return
        present, sent = datetime.now(UTC), list[Tap]()
        for at, kind, about, facts in phone.unsent:
            phone.sequence += 1
            sent.append(Tap(uuid4(), phone.sequence, kind, present - (self.now - at), about, facts))
        phone.unsent.clear()
        platform = self.firm.platform.acting(By.person(phone.driver.id, None))
        answers = await taps.take(platform, phone.driver, phone.device, datetime.now(UTC), sent)
        if refused := [one for one in answers if one.outcome is not taps.TapOutcome.DONE]:
            raise BenchError(f"a tap was not taken: {refused[0]}")

    async def _tell_positions(self) -> None:
        present = datetime.now(UTC)
        there = [
            self._intake.by_page(
                self.firm.phones[n].driver, [Place(present, *self.where(wheel))], timedelta()
            )
            for n, wheel in enumerate(self.wheels)
            if not self.is_away(n)
        ]
        await asyncio.gather(*there)

    async def _release_stalled(self) -> None:
        """Somebody looks at the board now and then: what stalled for want of a driver goes on."""
        if self.now < self._release_at:
            return
        self._release_at = self.now + _RELEASE_EVERY
        dialect = self.firm.platform.dialects[self.firm.account.dialect]
        for id in await sql.stalled(self.firm.connection, self.firm.company.id):
            of = (self.firm.platform, self.firm.scope, dialect, id)
            await move_by_hand(*of, Status.PENDING, "there are drivers again")
            self.released += 1

    # What is offered, given and taken back comes out.

    async def _hear(self) -> None:
        connection, company = self.firm.connection, self.firm.company.id
        mine: dict[int, set[int]] = defaultdict(set)
        accepted: dict[int, list[int]] = defaultdict(list)
        offered: list[tuple[int, int]] = []
        for one in await sql.given(connection, company):
            number, n = self._places[one.driver_id], self._numbers[one.delivery_id]
            mine[number].add(n)
            if not one.is_offer:
                accepted[number].append(self.deliveries[n].parcel.weight_grams)
            if self._about.get((number, n)) != one.id:
                self._about[number, n] = one.id
                offered.append((n, number))
        stops: dict[int, list[tuple[int, StopKind]]] = defaultdict(list)
        for driver, delivery, kind in await sql.tours(connection, company):
            stops[self._places[driver]].append((self._numbers[delivery], StopKind(kind)))
        for number, wheel in enumerate(self.wheels):
            grams, parcels = wheel.driver.capacity
            if sum(accepted[number]) > grams or len(accepted[number]) > parcels:
                raise BenchError(f"driver {number} has more than fits: {accepted[number]}")
            for n in wheel.open.keys() - mine[number]:
                del wheel.open[n]
                self._waiting.add(n)
            self._follow(wheel, stops[number])
        for n, number in offered:
            self._offer(n, number)

    def _follow(self, wheel: Wheel, stops: list[tuple[int, StopKind]]) -> None:
        """Has a driver make the stops in this order; who was on the way elsewhere turns round."""
        if wheel.free_at is not None and stops[:1] != wheel.stops[:1]:
            to, at = self.place(*wheel.stops[0]), self.where(wheel)
            wheel.metres -= self.way(at, to)
            wheel.at, wheel.free_at = at, None
        wheel.stops = stops
        wheel.planned = True
        if wheel.free_at is None and stops:
            self._set_out(wheel)

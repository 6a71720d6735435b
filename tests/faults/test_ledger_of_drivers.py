"""A ledger over drivers: what merchants, phones and cash were answered is there, each once.

Whole workers are killed and frozen past their leases, and lose companies' turns to each other amid
a look, while they dispatch, offer and announce; drivers accept and tap, and send again what they
did not hear the answer of.
"""

import asyncio
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from estafette.core.accounts.account import Mode
from estafette.core.couriers.carriers import CarrierChoice
from estafette.core.couriers.company import Capabilities, Company, Connector
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.driver import Vehicle
from estafette.core.ids import new_id
from estafette.core.proofs.demand import Demand
from estafette.core.proofs.proof import ProofKind
from estafette.usecases.couriers.carriers import set_carriers
from estafette.usecases.couriers.companies import save_company, set_company_tariffs
from estafette.usecases.fleet.dispatching_rules import set_dispatching_rules
from estafette.usecases.fleet.drivers import add_driver
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.webhooks.endpoints import set_endpoint
from tests.edges import EDGES, ENTREGA, Edge
from tests.faults.seeds import SEED
from tests.faults.workers import SECONDS, Workers, two_workers, whole
from tests.receivers import Connection, ReceivedRequest, Receiver, answer
from tests.rows import tables, webhooks
from tests.serving import Server, Tenant, delivery_id, running
from tests.usecases.angola import fees
from tests.web.drivers import DriverAtPhone, new_phone, sign_in_at_phone

FAULTS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGKILL, signal.SIGSTOP)
DRIVERS_EACH, LINES_EACH = 3, 4
CASH = 2_500
RULES = DispatchingRules(automatic=True, offer_seconds=60, rounds=50, most_each=3)
NAMED = Capabilities(proof=Demand(dropoff=frozenset({ProofKind.NAME})))
TURN = timedelta(minutes=2)
"""How long a worker has a company's turn."""


@dataclass
class Merchant:
    """Orders, and hears of what was ordered by webhooks."""

    tenant: Tenant
    company: Company
    secret: str = ""
    acknowledged: list[str] = field(default_factory=list[str])
    heard: defaultdict[str, dict[str, str]] = field(
        default_factory=lambda: defaultdict[str, dict[str, str]](dict)
    )
    more: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def edge(self) -> Edge:
        return self.tenant.edge

    async def answer(self, request: ReceivedRequest, connection: Connection) -> bool:
        """What its receiver does: checks the signature, and notes each event once.

        It takes a moment, so that there is a worker to strike that holds messages.
        """
        await connection.idle(0.3)
        heard = self.edge.heard(request.headers, request.body, self.secret)
        async with self.more:
            known = self.heard[heard.delivery].setdefault(heard.event, heard.type)
            assert known == heard.type
            self.more.notify_all()
        return await answer()(request, connection)

    async def work(self, enough: asyncio.Event) -> None:
        """Two deliveries at least, one after another: the next once this one's arrival is heard."""
        for number in count():
            if number >= 2 and enough.is_set():
                break
            body = await self.tenant.body()
            if self.edge is ENTREGA and number % 2:
                body |= {"payment_method": "cod", "cash_collect_aoa": CASH}
            answered = await self.tenant.post(self.edge.create_path, body)
            assert answered.status == self.edge.created_status, answered.body
            id = self.edge.id_of(answered.told)
            self.acknowledged.append(id)
            async with self.more:
                await self.more.wait_for(
                    lambda id=id: "delivery.delivered" in self.heard[id].values()
                )


@dataclass
class AtWork:
    """A driver who takes what is offered and carries it; notes what the phone was answered."""

    phone: DriverAtPhone
    chance: random.Random
    refuses: bool
    taps: dict[str, str] = field(default_factory=dict[str, str])
    proofs: set[UUID] = field(default_factory=set[UUID])
    cash: Counter[str] = field(default_factory=Counter[str])

    async def work(self, over: asyncio.Event) -> None:
        """Does what comes next, again and again."""
        while not over.is_set():
            day = await self.phone.day()
            for offer in day["offers"]:
                refuses = self.refuses and self.chance.random() < 0.3
                await self._tap("offer_refused" if refuses else "offer_accepted", offer["about"])
            if day["stops"]:
                await self._next(day["stops"][0])
            else:
                await asyncio.sleep(0.5)  # as a phone does that asks now and then

    async def _next(self, stop: Mapping[str, Any]) -> None:
        about, state = stop["about"], stop["state"]
        if stop["kind"] == "pickup":
            await self._tap("arrived" if state == "accepted" else "picked_up", about)
        elif state == "picked_up":
            await self._tap("on_the_way", about)
        elif state == "on_the_way":
            await self._prove(about)
            cash = {"cash": stop["cash"]} if stop["cash"] else {}
            assert await self._tap("handed_over", about, **cash) == "done"
            self.cash[about] += stop["cash"] or 0

    async def _prove(self, about: str) -> None:
        key = uuid4()
        for _ in range(1 + (self.chance.random() < 0.3)):
            answered = await self.phone.proof(UUID(about), "name", key, said="Ana")
            assert answered.status == 200, answered.body
        self.proofs.add(key)

    async def _tap(self, kind: str, about: str, **facts: Any) -> str:
        """Taps; now and then the answer is not heard, and the phone sends it again, or twice."""
        tap = self.phone.made(kind, UUID(about), **facts)
        times = self.chance.choice((1, 1, 2, 3))
        answers = await asyncio.gather(*(self.phone.send_taps(tap) for _ in range(times)))
        said = {one.told["taps"][0]["outcome"] for one in answers if one.status == 200}
        assert len(said) == 1, [one.body for one in answers]
        self.taps[tap["key"]] = (outcome := said.pop())
        return outcome


async def _merchant(server: Server, edge: Edge) -> Merchant:
    """A merchant with one company, which all that it orders goes to."""
    tenant = (await server.tenant(edge)).in_mode(Mode.LIVE)
    platform, account = server.platform, tenant.account
    company = Company(
        id=new_id(),
        market=edge.market,
        account_id=account.id,
        name="Motos",
        slug="motos",
        connector=Connector.INHOUSE,
        time_zone="UTC",
        capabilities=NAMED,
    )
    await save_company(platform, company)
    await set_company_tariffs(platform, company, fees((30_000, 1)))  # nobody is cheaper
    if edge is not ENTREGA:
        await set_carriers(platform, account, CarrierChoice.IN_ORDER, [company.id])
    platform.catalog.forget()
    await set_dispatching_rules(platform, company.id, RULES)
    return Merchant(tenant, company)


async def _drivers(server: Server, merchant: Merchant, seed: int) -> list[AtWork]:
    drivers: list[AtWork] = []
    for number in range(DRIVERS_EACH):
        driver = await add_driver(
            server.platform,
            merchant.company.id,
            name="Zé",
            phone_e164=new_phone(),
            vehicle=Vehicle.MOTORCYCLE,
        )
        await start_shift(server.platform, merchant.company.id, driver.id, "a phone")
        phone = await sign_in_at_phone(server, driver)
        chance = random.Random(f"{seed} {merchant.edge} {number}")
        drivers.append(AtWork(phone, chance, refuses=number == 0))
    return drivers


async def _suffer(workers: Workers, fault: signal.Signals) -> None:
    """Strikes a worker; companies' turns go to the other one, although somebody may be at it."""
    pool, turns = workers.platform.pool, {"leased_until": tables.PRESENT}
    await workers.suffer(fault)
    await tables.shift(pool, "dispatching", turns, leased_until=-TURN, due_at=-TURN)


async def test_nothing_of_drivers_is_lost_or_done_twice_although_workers_are_killed_and_frozen(
    fresh_database: str, tmp_path: Path
) -> None:
    enough, over = asyncio.Event(), asyncio.Event()
    async with running(fresh_database) as server:
        platform = server.platform
        await webhooks.watch_claims(platform.pool)
        merchants = [await _merchant(server, edge) for edge in EDGES]
        drivers = [
            driver for merchant in merchants for driver in await _drivers(server, merchant, SEED)
        ]
        async with (
            Receiver(merchants[0].answer) as first,
            Receiver(merchants[1].answer) as second,
            two_workers(platform, whole(fresh_database, tmp_path)) as workers,
            asyncio.timeout(SECONDS),
        ):
            for merchant, receiver in zip(merchants, (first, second), strict=True):
                scope = merchant.tenant.scope
                merchant.secret = (await set_endpoint(platform, scope, receiver.url)).secret
            lines = [
                asyncio.create_task(merchant.work(enough))
                for merchant in merchants
                for _ in range(LINES_EACH)
            ]
            riding = [asyncio.create_task(driver.work(over)) for driver in drivers]
            try:
                for fault in FAULTS:
                    await _suffer(workers, fault)
                enough.set()
                await asyncio.gather(*lines)
            finally:
                over.set()
                for task in lines:
                    task.cancel()
            await asyncio.gather(*riding)
            for merchant in merchants:
                await _all_is_heard(merchant)
            assert await workers.stop() == [0, 0]
        assert await webhooks.broken_claims(platform.pool) == []
        for merchant in merchants:
            await _each_is_delivered_once(merchant)
        await _phones_were_told_the_truth(server, drivers)
        await _cash_is_there(server, drivers)


async def _all_is_heard(merchant: Merchant) -> None:
    """Every announcement of every event has arrived, whose signature was right."""
    pool = merchant.tenant.server.platform.pool
    mine = {"account_id": merchant.tenant.account.id}
    owed = Counter[UUID]()
    for event in await tables.read(pool, "events", mine):
        owed[event["delivery_id"]] += len(event["announced"])
    for shown in merchant.acknowledged:
        assert owed[delivery_id(shown)] >= 5
    assert len(owed) == len(merchant.acknowledged)

    def heard() -> dict[UUID, int]:
        return {delivery_id(id): len(events) for id, events in merchant.heard.items()}

    async with merchant.more:
        await merchant.more.wait_for(lambda: heard() == owed)


async def _each_is_delivered_once(merchant: Merchant) -> None:
    """Each acknowledged delivery is there, was accepted by one driver at a time, and arrived."""
    pool = merchant.tenant.server.platform.pool
    mine = {"account_id": merchant.tenant.account.id}
    found = await tables.read(pool, "deliveries", mine)
    assert {row["id"] for row in found} == {delivery_id(id) for id in merchant.acknowledged}
    assert {row["status"] for row in found} == {"delivered"}
    states: defaultdict[UUID, list[str]] = defaultdict(list)
    for row in await tables.read(pool, "assignments", mine, "delivery_id, number"):
        states[row["delivery_id"]].append(row["state"])
        assert row["number"] == len(states[row["delivery_id"]])
    for row in found:
        given = Counter(states[row["id"]])
        assert (given["done"], given["accepted"], given["offered"]) == (1, 0, 0)
    been = Counter(
        (row["delivery_id"], row["status"]) for row in await tables.read(pool, "events", mine)
    )
    assert set(been.values()) == {1}, "a tap moved it twice"
    assert await tables.count(pool, "tour_stops", mine) == 0


async def _phones_were_told_the_truth(server: Server, drivers: list[AtWork]) -> None:
    """Each tap and each proof that was answered is kept once, with what was answered."""
    pool = server.platform.pool
    taps, proofs = dict[str, str](), set[UUID]()
    for driver in drivers:
        taps |= driver.taps
        proofs |= driver.proofs
    kept = await tables.read(pool, "taps")
    told = {str(row["key"]): "refused" if row["refused"] else "done" for row in kept}
    assert len(kept) == len(told)
    assert told == taps
    assert Counter(taps.values())["done"] > len(taps) / 2
    stored = await tables.values(pool, "proofs", "id")
    assert Counter(stored) == Counter(proofs)


async def _cash_is_there(server: Server, drivers: list[AtWork]) -> None:
    """Each sum that a driver was told to have collected is in that driver's book, once."""
    pool = server.platform.pool
    in_hand = Counter[UUID]()
    for row in await tables.read(pool, "driver_cash"):
        in_hand[row["driver_id"]] += row["in_hand"]
    for driver in drivers:
        assert in_hand[driver.phone.driver.id] == driver.cash.total()
    assert in_hand.total() > 0
    ledger = await tables.read(pool, "ledger_entries")
    sums = Counter[tuple[UUID, str]]()
    for row in ledger:
        sums[row["delivery_id"], row["cause"]] += row["amount"]
    assert not any(sums.values())

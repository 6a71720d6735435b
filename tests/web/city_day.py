"""A morning in Luanda for pictures: a company with drivers under way, some of it going wrong."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.dispatching import DispatchingRules
from estafette.core.fleet.position import Position, PositionSource
from estafette.core.proofs.demand import from_words
from estafette.routing.planner import Planner
from estafette.routing.travel_times import CrowTimes
from estafette.store.fleet import position_history, positions
from estafette.usecases.fleet import automatic
from estafette.usecases.fleet.dispatching_rules import set_dispatching_rules
from estafette.usecases.platform import clock
from tests.edges import ENTREGA
from tests.rows import tables
from tests.usecases.proofs.pictures import photo
from tests.web.drivers import DriverAtPhone, DriverStage

_SHOPS = (
    ("Rua Rainha Ginga 31", "Loja Kianda", -8.8147, 13.2302),
    ("Rua da Missão 12", "Livraria Lello", -8.8189, 13.2369),
    ("Avenida Comandante Valódia 80", "Farmácia Central", -8.8236, 13.2448),
)
_HOMES = (
    ("Avenida Brasil 110, Maianga", "Teresa M.", -8.8321, 13.2343),
    ("Rua Amílcar Cabral 44, Ingombota", "Domingos S.", -8.8212, 13.2311),
    ("Rua Comandante Gika 7, Alvalade", "Marta L.", -8.8398, 13.2406),
    ("Rua Ho Chi Minh 25, Maculusso", "Paulo N.", -8.8259, 13.2472),
    ("Estrada da Samba 210, Samba", "Joana F.", -8.8512, 13.2189),
    ("Rua do Kikagil 3, Rangel", "Nelson A.", -8.8291, 13.2618),
    ("Rua da Liberdade 18, Vila Alice", "Isabel C.", -8.8254, 13.2551),
    ("Largo do Kinaxixi 5, Kinaxixi", "Abel T.", -8.8169, 13.2441),
    ("Rua Sebastião Desta Vez 9, Bairro Azul", "Rosa P.", -8.8425, 13.2261),
)
_NAMES = ("Zé Maria", "Ana Bela", "Rui Costa", "Kiala Pedro", "Lúcia Neto")
_PLACES = ((-8.8251, 13.2337), (-8.8302, 13.2519), (-8.8402, 13.2359), (-8.8181, 13.2405))


@dataclass
class CityDay:
    """The company, its drivers at their phones, and what was ordered."""

    stage: DriverStage
    drivers: list[DriverAtPhone] = field(default_factory=list[DriverAtPhone])
    ordered: list[Delivery] = field(default_factory=list[Delivery])

    async def begin(self) -> None:
        """The drivers begin their shifts, and stand about the town."""
        asked = from_words({"dropoff": ["signature", "photo"]})
        await self.stage.demand(proof=asked, require_delivery_pin=True)
        rules = DispatchingRules(automatic=True, offer_seconds=60, rounds=2, most_each=4)
        await set_dispatching_rules(self.stage.server.platform, self.stage.company_id, rules)
        for number, name in enumerate(_NAMES):
            on_shift = number < len(_PLACES)
            limit = 50_000 if number == 0 else None
            one = await self.stage.driver_at_phone(name=name, on_shift=on_shift, cash_limit=limit)
            self.drivers.append(one)
            if on_shift:
                await self.is_at(one, *_PLACES[number])

    async def is_at(self, who: DriverAtPhone, latitude: float, longitude: float) -> None:
        """A driver is somewhere now."""
        await self._keep([self._position(who, latitude, longitude)])

    async def has_driven(self, who: DriverAtPhone) -> None:
        """A driver has been to some of the homes during the last two hours."""
        way = [(home[2], home[3]) for home in _HOMES[:6]]
        steps = [
            (a[0] + (b[0] - a[0]) * part / 5, a[1] + (b[1] - a[1]) * part / 5)
            for a, b in pairwise(way)
            for part in range(5)
        ]
        seen = [
            self._position(who, *place, timedelta(minutes=4 * (len(steps) - number)))
            for number, place in enumerate(steps)
        ]
        async with self.stage.server.platform.pool.acquire() as connection:
            await position_history.keep(connection, (), seen)

    def _position(
        self, who: DriverAtPhone, latitude: float, longitude: float, ago: timedelta = timedelta()
    ) -> Position:
        at = clock() - ago
        of = (self.stage.company_id, who.driver.id)
        return Position(*of, at, at, latitude, longitude, PositionSource.PAGE)

    async def _keep(self, seen: list[Position]) -> None:
        async with self.stage.server.platform.pool.acquire() as connection:
            await positions.keep(connection, seen)

    async def order(self, number: int, cash: int | None = None) -> Delivery:
        """A shop orders a delivery to one of the homes."""
        shop, home = _SHOPS[number % len(_SHOPS)], _HOMES[number % len(_HOMES)]
        tenant = self.stage.tenant
        assert ENTREGA.quote is not None
        call = deepcopy(ENTREGA.quote)
        route: dict[str, Any] = call.body
        for end, (address, name, latitude, longitude) in (("origin", shop), ("destination", home)):
            route[end] |= {
                "address_line": address,
                "contact": route[end]["contact"] | {"name": name},
                "coordinates": {"lat": latitude, "lng": longitude},
            }
        quotes = (await tenant.ask(call))["data"]
        quote = next(one for one in quotes if UUID(one["company_id"]) == self.stage.company_id)
        paid: dict[str, Any] = {}
        if cash is not None:
            paid = {"payment_method": "cod", "cash_collect_aoa": cash}
        body: dict[str, Any] = {"quote_id": quote["quote_id"], **route, **paid}
        answer = await tenant.post(ENTREGA.create_path, body)
        made = await self.stage.read(ENTREGA.id_of(answer.told))
        self.ordered.append(made)
        return made

    async def dispatch(self, planner: Planner) -> None:
        """Dispatching looks once."""
        pool, due = self.stage.server.platform.pool, {"company_id": self.stage.company_id}
        await tables.change(pool, "dispatching", due, due_at=timedelta())
        await automatic.loop(self.stage.server.platform, planner, CrowTimes()).once()

    async def answer(self, kind: str, *phones: DriverAtPhone) -> None:
        """Drivers accept or refuse all that they were offered."""
        for one in phones or self.drivers:
            for offer in (await one.day())["offers"]:
                await one.tap(kind, offer["about"])

    async def carry(self, who: DriverAtPhone, *kinds: str) -> str:
        """A driver goes on with the first parcel of the tour; returns the id of the assignment."""
        about = (await who.day())["stops"][0]["about"]
        for kind in kinds:
            assert await who.tap(kind, about) == ("done", "")
        return about

    async def deliver(self, who: DriverAtPhone) -> None:
        """A driver brings the first parcel of the tour to its recipient, with all proofs."""
        about = UUID(await self.carry(who, "arrived", "picked_up", "on_the_way"))
        stops = (await who.day())["stops"]
        (stop,) = (one for one in stops if one["about"] == str(about) and one["kind"] == "dropoff")
        for kind in ("signature", "photo"):
            assert (await who.proof(about, kind, file=photo())).status == 200
        reference = stop["reference"]
        (of,) = (one for one in self.ordered if one.reference == reference)
        pin = (await self.stage.tenant.get(f"/v1/deliveries/{of.id}")).told["data"]["delivery_pin"]
        facts = {"cash": stop["cash"]} if stop["cash"] else {}
        assert await who.tap("handed_over", about, pin=pin, **facts) == ("done", "")

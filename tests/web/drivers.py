"""Drivers at their phones, against the real application and the real database.

async with running(postgres_dsn) as server:
    stage = await driver_stage(server)
    ze = await stage.driver_at_phone()
    offer = await stage.offered(ze.driver)
    answers = await ze.tap(("offer_accepted", offer.id))
"""

import io
import json
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.core.fleet.assignment import Assignment
from estafette.core.fleet.driver import Driver, Vehicle
from estafette.store.couriers import companies
from estafette.store.deliveries import table as deliveries
from estafette.store.fleet import assignments
from estafette.usecases.fleet.assign import assign
from estafette.usecases.fleet.drivers import add_driver
from estafette.usecases.fleet.offer import offer
from estafette.usecases.fleet.shifts import start_shift
from estafette.usecases.fleet.sign_in import begin
from estafette.usecases.people.sessions import Client
from estafette.web.driver.visit import DRIVER
from estafette.web.session import Cookies
from tests.edges import ENTREGA
from tests.serving import Answer, Server, Tenant, delivery_id
from tests.web.people import OUR_PAGE, PersonAtBrowser

_phones = count(int(time.time()) % 1_000_000 * 10)


def new_phone() -> str:
    """A mobile number of Angola that no other driver of this run has."""
    return f"+2449{next(_phones) % 100_000_000:08}"


@dataclass
class DriverAtPhone(PersonAtBrowser):
    """A driver with a phone: its cookies, its device, the sequence of its taps."""

    driver: Driver = field(kw_only=True)
    device: UUID = field(default_factory=uuid4)
    sequence: int = 0

    async def post(self, path: str, body: Any) -> Answer:
        """Sends JSON as the page's scripts do."""
        sent = {"Content-Type": "application/json", **OUR_PAGE}
        return await self._ask("POST", path, json.dumps(body).encode(), sent)

    def made(self, kind: str, about: UUID | None, **facts: Any) -> dict[str, Any]:
        """The next tap of this device, made now."""
        self.sequence += 1
        return {
            "key": str(uuid4()),
            "sequence": self.sequence,
            "kind": kind,
            "about": about and str(about),
            "at": now_ms(),
            "facts": facts,
        }

    async def send_taps(
        self, *taps: dict[str, Any], clock: timedelta = timedelta(), **changes: Any
    ) -> Answer:
        """Sends a batch; the phone's clock is ahead by `clock`."""
        body = {
            "driver": str(self.driver.id),
            "device": str(self.device),
            "now": now_ms(clock),
            "taps": list(taps),
        }
        return await self.post("/driver/taps", body | changes)

    async def tap(self, kind: str, about: UUID | None = None, **facts: Any) -> tuple[str, str]:
        """Taps once; returns the outcome, and why it was refused or ""."""
        answer = await self.send_taps(self.made(kind, about, **facts))
        assert answer.status == 200, answer.body
        (said,) = answer.told["taps"]
        return said["outcome"], said["why"] or ""

    async def proof(
        self,
        about: UUID,
        kind: str,
        key: UUID | None = None,
        *,
        stage: str = "dropoff",
        said: str | None = None,
        file: bytes | None = None,
        clock: timedelta = timedelta(),
    ) -> Answer:
        """Sends a proof as the page's outbox does."""
        form = aiohttp.FormData(default_to_multipart=True)
        fields = {
            "driver": self.driver.id,
            "key": key or uuid4(),
            "about": about,
            "kind": kind,
            "stage": stage,
            "at": now_ms(clock),
            "now": now_ms(clock),
            "latitude": -8.8259,
            "longitude": 13.2343,
            **({} if said is None else {"said": said}),
        }
        for name, value in fields.items():
            form.add_field(name, str(value))
        if file is not None:
            form.add_field(
                "file", io.BytesIO(file), filename="photo.jpg", content_type="image/jpeg"
            )
        written = form()
        sent = {"Content-Type": written.headers["Content-Type"], **OUR_PAGE}
        return await self._ask("POST", "/driver/proofs", await written.as_bytes(), sent)

    async def day(self) -> dict[str, Any]:
        """What the page shows."""
        answer = await self.get("/driver/day")
        assert answer.status == 200, answer.body
        return answer.told


def now_ms(ahead: timedelta = timedelta()) -> int:
    """The time in milliseconds, as scripts have it."""
    return round((datetime.now(UTC) + ahead).timestamp() * 1000)


@dataclass
class DriverStage:
    """A shop whose deliveries an in-house company carries in live mode."""

    server: Server
    tenant: Tenant
    company_id: UUID
    first: Delivery

    async def delivery(self, **options: Any) -> Delivery:
        """A delivery that the company carries and nobody has yet, with these options."""
        body = await self.tenant.body()
        answer = await self.tenant.post(ENTREGA.create_path, {**body, "options": options})
        return await self.read(ENTREGA.id_of(answer.told))

    async def order(self, **changes: Any) -> Delivery:
        """The same, with these fields of the order changed."""
        body = {**await self.tenant.body(), **changes}
        answer = await self.tenant.post(ENTREGA.create_path, body)
        assert answer.status == ENTREGA.created_status, answer.body
        return await self.read(ENTREGA.id_of(answer.told))

    async def read(self, shown: str) -> Delivery:
        """The delivery that the API shows by this id."""
        async with self.server.platform.pool.acquire() as connection:
            found = await deliveries.find(connection, self.tenant.scope, delivery_id(shown))
        assert found is not None
        return found

    async def found(self, assignment: Assignment) -> Delivery:
        """The delivery of an assignment."""
        async with self.server.platform.pool.acquire() as connection:
            found = await deliveries.find(connection, assignment.scope, assignment.delivery_id)
        assert found is not None
        return found

    async def demand(self, **capabilities: Any) -> None:
        """Changes what the company asks of its drivers, for deliveries that are ordered later."""
        async with self.server.platform.pool.acquire() as connection:
            company = await companies.find(connection, self.company_id)
            assert company is not None
            changed = replace(company.capabilities, **capabilities)
            assert await companies.save(connection, replace(company, capabilities=changed))

    async def now(self, of: Delivery) -> Delivery:
        """A delivery as it is now."""
        async with self.server.platform.pool.acquire() as connection:
            found = await deliveries.find(connection, of.scope, of.id)
        assert found is not None
        return found

    async def driver(self, *, on_shift: bool = True, name: str = "Zé", **about: Any) -> Driver:
        """A driver of the company."""
        platform = self.server.platform
        about = {"phone_e164": new_phone(), "vehicle": Vehicle.MOTORCYCLE, **about}
        driver = await add_driver(platform, self.company_id, name=name, **about)
        if on_shift:
            await start_shift(platform, self.company_id, driver.id, "a phone")
        return driver

    async def at_phone(self, driver: Driver, language: str = "en") -> DriverAtPhone:
        """A driver signed in on a new phone."""
        return await sign_in_at_phone(self.server, driver, language)

    async def driver_at_phone(self, **about: Any) -> DriverAtPhone:
        """A new driver, signed in and on shift."""
        return await self.at_phone(await self.driver(**about))

    async def offered(
        self, driver: Driver, delivery: Delivery | None = None, length: timedelta | None = None
    ) -> Assignment:
        """An offer of a delivery."""
        delivery = delivery or await self.delivery()
        of = (self.company_id, delivery.id, driver.id)
        return await offer(self.server.platform, *of, length or timedelta(minutes=5))

    async def given(self, driver: Driver, delivery: Delivery | None = None) -> Assignment:
        """A delivery that is the driver's."""
        delivery = delivery or await self.delivery()
        await assign(self.server.platform, self.company_id, delivery.id, driver.id)
        of = (self.company_id, delivery.scope.account_id, delivery.id)
        async with self.server.platform.pool.acquire() as connection:
            return (await assignments.of_delivery(connection, *of))[-1]


async def sign_in_at_phone(server: Server, driver: Driver, language: str = "en") -> DriverAtPhone:
    """A driver signed in on a new phone, of any company."""
    client = Client("127.0.0.1", "Phone")
    async with server.platform.pool.acquire() as connection, connection.transaction():
        new = await begin(connection, driver, language, client)
    name = Cookies(server.platform.public_url).name(DRIVER)
    return DriverAtPhone(server, None, {name: new.token}, "/driver", driver=driver)


async def driver_stage(server: Server) -> DriverStage:
    """A new shop, and the company that its first delivery was given to."""
    tenant = (await server.tenant(ENTREGA)).in_mode(Mode.LIVE)
    shown = await tenant.create()
    async with server.platform.pool.acquire() as connection:
        first = await deliveries.find(connection, tenant.scope, delivery_id(shown))
    assert first is not None
    assert first.company_id is not None
    return DriverStage(server, tenant, first.company_id, first)

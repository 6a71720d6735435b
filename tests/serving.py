"""The real server for tests: the composition root over a test database, on a free port.

    async with running(postgres_dsn) as server:
        tenant = await server.tenant(KASPI)
        answer = await tenant.post(KASPI.create_path, KASPI.body("order-1"))
        assert answer.status == 201

It runs in the loop of the test. What it remembers of its configuration it reads anew each time, so
that a key that was just disabled is. No company of a whole market serves its accounts before the
test adds one.
"""

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import aiohttp
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp
from yarl import URL

from estafette import app
from estafette.app import application
from estafette.core.accounts.account import Account, KeyKind, Mode, Scope
from estafette.core.couriers.company import Connector, Courier
from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.quotes.place import City
from estafette.dialects import DialectRecord
from estafette.files import KeptFiles
from estafette.files.tiles import TileArchive
from estafette.http.address import ClientAddresses
from estafette.http.connections import Connections
from estafette.http.fallback import Fallback
from estafette.http.limiter import AddressLimits
from estafette.http.server import HttpServer, open_sockets, serving
from estafette.seeds.tariffs import tariffs_of
from estafette.store.pool import open_pool
from estafette.store.quotes import catalog
from estafette.usecases.accounts.administration import create_account, set_origins
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.secrets import Cipher
from estafette.usecases.catalog import Catalog
from estafette.usecases.connections import DatabaseConnections, Waits
from estafette.usecases.couriers.companies import add_demo_companies
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.platform import NO_FILES, Platform, Signals
from estafette.web.people.provider import Provider
from tests.documents import answer_fault
from tests.edges import Call, Edge
from tests.moving import advance
from tests.patience import LONGEST_SECONDS, WAITS
from tests.rows import companies, tables
from tests.secret_key import CIPHER_KEY

_CITIES = (
    City("almaty", "Almaty", "KZ", 43.25, 76.91, 1_977_011, ("Алматы", "Алма-Ата")),
    City("astana", "Astana", "KZ", 51.18, 71.44, 1_239_900, ("Астана", "Нур-Султан")),
    City("luanda", "Luanda", "AO", -8.84, 13.23, 2_776_168, ("Loanda",)),
    City("benguela", "Benguela", "AO", -12.58, 13.41, 555_124, ()),
    City("shymkent", "Shymkent", "KZ", 42.3, 69.6, 1_130_400, ("Шымкент", "Чимкент")),
)


@dataclass(frozen=True)
class Answer:
    """What a server answered; header names as sent, looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        """The JSON value of the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Tenant:
    """An account in one mode, calling one server with one key."""

    server: "Server"
    edge: Edge
    account: Account
    mode: Mode
    keys: Mapping[Mode, str]
    page_keys: Mapping[Mode, str]

    @property
    def key(self) -> str:
        """The API key of its mode."""
        return self.keys[self.mode]

    @property
    def scope(self) -> Scope:
        """What its key opens."""
        return Scope(self.account.id, self.mode)

    def in_mode(self, mode: Mode) -> "Tenant":
        """The same account with its key of another mode."""
        return replace(self, mode=mode)

    def with_key(self, key: str) -> "Tenant":
        """The same account with another key of the same mode."""
        return replace(self, keys={**self.keys, self.mode: key})

    def authorization(self, operation: str | None = None) -> dict[str, str]:
        """The headers that open an operation of the contract, by its name; None: most of them."""
        if self.edge.origin is None or operation not in self.edge.publishable:
            return self.edge.authorize(self.key)
        return {**self.edge.authorize(self.page_keys[self.mode]), "Origin": self.edge.origin}

    async def call(self, call: Call, headers: Mapping[str, str] | None = None) -> Answer:
        """Makes a request with its key; the answer must be one that the contract knows."""
        shown = {**self.edge.authorize(self.key), **(headers or {})}
        answer = await self.server.request(call.method, call.path, call.body, shown)
        if call.path.startswith(f"{self.edge.base}/"):
            path = call.path.removeprefix(self.edge.base)
            fault = answer_fault(self.edge.name, call.method, path, answer.status, answer.body)
            assert fault is None, fault
        return answer

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Makes a GET request with its key."""
        return await self.call(Call("GET", path), headers)

    async def post(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Makes a POST request with its key; `body` is JSON, or bytes as they are."""
        return await self.call(Call("POST", path, body), headers)

    async def advance(self, id: str, body: Any = None) -> Answer:
        """Asks the sandbox's own API to move a delivery; it has a header of its own for keys."""
        path = f"/sandbox/v1/deliveries/{id}/advance"
        return await self.server.request("POST", path, body, {"x-api-key": self.key})

    async def ask(self, call: Call) -> Any:
        """Makes a request that must succeed; gives the JSON value of the answer."""
        answer = await self.call(call)
        assert 200 <= answer.status < 300, answer.body
        return answer.told

    async def body(self, order: str | None = None) -> dict[str, Any]:
        """A body with which a delivery can be created now."""
        order = order or f"order-{uuid4().hex}"
        if self.edge.prepare is None:
            return self.edge.body(order)
        return await self.edge.prepare(self._ask_once_served, order)

    async def _ask_once_served(self, call: Call) -> Any:
        """Makes a request that must succeed once the server knows the account's companies.

        A server in a process of its own hears of them a moment after they are there.
        """
        async with asyncio.timeout(LONGEST_SECONDS):
            answer = await self.call(call)
            while answer.status == 503 and self.account.id not in self.server.served:
                await asyncio.sleep(0.01)
                answer = await self.call(call)
        assert 200 <= answer.status < 300, answer.body
        self.server.served.add(self.account.id)
        return answer.told

    async def create(self, order: str | None = None, key: str | None = None) -> str:
        """Creates a delivery and returns its id as the dialect shows it."""
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self.post(self.edge.create_path, await self.body(order), headers)
        assert answer.status == self.edge.created_status, answer.body
        return self.edge.id_of(answer.told)

    async def move(self, id: str, *statuses: Status, note: str | None = None) -> None:
        """Lets a courier move a delivery through these statuses."""
        uuid = app.public_id(id)
        assert uuid is not None
        dialect = self.server.platform.dialects[self.edge.name]
        moves = [Move(status, Actor.COURIER, note) for status in statuses]
        await advance(self.server.platform, self.scope, dialect, uuid, moves)

    async def count(self, table: str) -> int:
        """How many rows of a table are this account's."""
        where = {"account_id": self.account.id}
        return await tables.count(self.server.platform.pool, table, where)


_ended: dict[str, set[UUID]] = {}
"""The accounts of servers that have ended, whose courier companies still work, by the DSN."""


async def _retire_ended(platform: Platform, dsn: str) -> None:
    """Lets companies of accounts that nobody serves any more rest: each quote would read all."""
    if ended := _ended.pop(dsn, None):
        await companies.retire(platform.pool, list(ended))


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Closes a connection, and waits until it is closed."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@dataclass
class Server:
    """A running server."""

    platform: Platform
    port: int
    session: aiohttp.ClientSession
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    opened: set[UUID] = field(default_factory=set[UUID])
    """The accounts of its tenants."""
    served: set[UUID] = field(default_factory=set[UUID])
    """Those of whose companies it has given quotes."""

    @cached_property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    async def tenant(
        self,
        edge: Edge,
        mode: Mode = Mode.SANDBOX,
        *,
        rate_per_second: int = 10_000,
        burst: int | None = None,
    ) -> Tenant:
        """Opens a fresh account of the edge's market, with the companies that a demo has there."""
        account, issued = await create_account(
            self.platform,
            f"t-{uuid4().hex}",
            edge.market,
            rate_per_second=rate_per_second,
            burst=burst,
        )
        await add_demo_companies(self.platform, account)
        self.opened.add(account.id)
        if edge.origin is not None:
            account = await set_origins(self.platform, account.name, [edge.origin])
        keys, page_keys = (
            {key.known.mode: key.key for key in issued if key.known.kind is kind}
            for kind in (KeyKind.SECRET, KeyKind.PUBLISHABLE)
        )
        return Tenant(self, edge, account, mode, keys, page_keys)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """Makes a request; `body` is None, bytes as they are, or a JSON value."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if data is not None and not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.append(("Content-Type", "application/json"))
        url = URL(f"{self.url}{path}", encoded=True)
        content = None if data is None else io.BytesIO(data)
        async with self.session.request(method, url, data=content, headers=pairs) as response:
            return Answer(response.status, response.headers, await response.read())

    async def raw(self, request: bytes) -> bytes:
        """Sends bytes over a connection of their own; returns all that comes until it is closed.

        The request must ask for that: `Connection: close`.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(request)
            return await asyncio.wait_for(reader.read(), 60)
        finally:
            await hang_up(writer)


@asynccontextmanager
async def listening(
    asgi: ASGIApp, fallback: Fallback, connections: Connections | None = None, port: int = 0
) -> AsyncGenerator[int]:
    """Serves an application as the real server does; gives the port, any free one for 0."""
    (sock,) = open_sockets("127.0.0.1", port)
    port = sock.getsockname()[1]
    async with serving(HttpServer(asgi, fallback, [sock], connections or Connections())):
        yield port


async def seed_market(platform: Platform) -> None:
    """Gives the markets some cities, and Kazakhstan its price list, where it has none."""
    async with platform.pool.acquire() as connection:
        await catalog.insert_cities(connection, _CITIES)
        if not await catalog.tariffs(connection, "KZ"):
            await catalog.replace_tariffs(connection, "KZ", tariffs_of("KZ"))


@asynccontextmanager
async def running(
    dsn: str,
    *,
    processes: int = 1,
    pool_size: int = 8,
    port: int = 0,
    public_url: str = "http://delivery.example",
    key: str | None = None,
    addresses: ClientAddresses | None = None,
    limits: AddressLimits | None = None,
    metrics_token: str | None = None,
    provider: Provider | None = None,
    sends_letters: bool = False,
    dialects: Sequence[DialectRecord] = app.RECORDS,
    couriers: Mapping[Connector, Courier] = MappingProxyType({}),
    files: KeptFiles = NO_FILES,
    tiles: TileArchive | None = None,
    waits: Waits = WAITS,
) -> AsyncGenerator[Server]:
    """The server over the migrated database at `dsn`; deliveries move only when told.

    `couriers` are connectors in the place of the usual ones or beside them.
    `key` encrypts secrets; None: that of all tests. `limits` are those of client addresses, which
    are told by `addresses`; None: none. `waits` is how long requests wait for the database.
    """
    pool = await open_pool(dsn, size=pool_size)
    remembered = Catalog(pool)
    platform = Platform(
        pool=pool,
        connections=DatabaseConnections(pool, waits=waits),
        key_uses=KeyUses(pool),
        signal=Signals(pool).send,
        dialects={one.name: one.dialect for one in dialects},
        catalog=remembered,
        cipher=Cipher(key or CIPHER_KEY),
        public_url=public_url,
        sandbox_step=timedelta(0),
        couriers={**app.connectors(remembered), **couriers},
        files=files,
        tiles=tiles,
    )
    try:
        await companies.pause_shared(pool)
        await _retire_ended(platform, dsn)
        await seed_market(platform)
        registry = CollectorRegistry()
        built = application.build(
            platform,
            dialects,
            processes=processes,
            registry=registry,
            addresses=addresses,
            limits=limits,
            metrics_token=metrics_token,
            provider=provider,
            sends_letters=sends_letters,
        )
        async with (
            listening(built.asgi, built.fallback, port=port) as port,
            aiohttp.ClientSession(
                skip_auto_headers=("Content-Type", "User-Agent"),
                connector=aiohttp.TCPConnector(limit=200),
            ) as session,
        ):
            server = Server(platform, port, session, registry)
            try:
                yield server
            finally:
                _ended.setdefault(dsn, set()).update(server.opened)
            await built.close_streams()
    finally:
        await pool.close()


def delivery_id(shown: str) -> UUID:
    """The id behind a delivery's id as any dialect shows it."""
    id = app.public_id(shown)
    assert id is not None
    return id

"""What the tests of the use cases stand on: a platform over the test database, and accounts.

`KaspiLike` is the plainest dialect with every feature that the core knows: an order of statuses
shorter than the core's, skipped steps told one by one, cancelling until the pickup.
"""

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
import orjson

from estafette.core.accounts.account import MARKETS, Account, KeyKind, Mode, Scope
from estafette.core.deliveries.delivery import (
    COURSE,
    Delivery,
    Parcel,
    Progress,
    Status,
    Stop,
)
from estafette.core.deliveries.event import Event
from estafette.core.errors import Refusal
from estafette.core.ids import new_id
from estafette.store.accounts import keys
from estafette.store.accounts import table as accounts
from estafette.store.deliveries import events
from estafette.store.deliveries import table as deliveries
from estafette.store.pool import open_pool
from estafette.store.webhooks import endpoints
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.secrets import Cipher, key_hash, new_token
from estafette.usecases.catalog import Catalog
from estafette.usecases.connections import DatabaseConnections
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.idempotency import Answer, Idempotency, Key, Reply
from estafette.usecases.deliveries.orders import Order
from estafette.usecases.platform import Platform, Signals
from tests.patience import WAITS
from tests.rows import tables
from tests.rows import webhooks as webhook_rows
from tests.secret_key import CIPHER_KEY

CREATE = "POST /v1/deliveries"

SHOWN = {
    Status.AWAITING_PAYMENT: "created",
    Status.PENDING: "created",
    Status.ASSIGNED: "accepted",
    Status.PICKUP_READY: "accepted",
    Status.IN_TRANSIT: "in_transit",
    Status.OUT_FOR_DELIVERY: "out_for_delivery",
    Status.DELIVERED: "delivered",
    Status.CANCELLED: "cancelled",
}


def _steps(before: Status | None, after: Status) -> tuple[Status, ...]:
    """Returns the statuses after milestone `before`, up to and with `after`."""
    if before is None or after is Status.CANCELLED:
        return () if before == after else (after,)
    return COURSE[COURSE.index(before) + 1 : COURSE.index(after) + 1]


class KaspiLike:
    """Announces a change of the shown status, each skipped one included."""

    name = "kaspi"
    names_company = False

    def announcements(self, before: Progress | None, after: Progress) -> tuple[str, ...]:
        reached = before and before.milestone
        shown = [SHOWN[step] for step in _steps(reached, after.milestone)]
        known = {SHOWN[reached]} if reached else set[str]()
        return tuple(name for name in dict.fromkeys(shown) if name not in known)

    def may_cancel(self, progress: Progress) -> bool:
        return not progress.picked_up

    def erased_answer(
        self, answer: Mapping[str, Any], erased: Delivery
    ) -> Mapping[str, Any] | None:
        return None


DIALECT = KaspiLike()


def render(outcome: Delivery | Refusal) -> Reply:
    """An answer that names what was created or refused."""
    if isinstance(outcome, Refusal):
        return Reply(409, orjson.dumps({"refused": type(outcome).__name__}))
    return Reply(201, orjson.dumps({"id": str(outcome.id), "status": outcome.status}))


def digest(payload: object) -> bytes:
    """A fingerprint of a payload."""
    return hashlib.sha256(orjson.dumps(payload)).digest()


def id_in(answer: Answer) -> UUID:
    """The id of the delivery that an answer of `render` names."""
    return UUID(orjson.loads(answer.reply.body)["id"])


def refused_in(answer: Answer) -> str:
    """The name of the refusal that an answer of `render` names."""
    return orjson.loads(answer.reply.body)["refused"]


@dataclass
class Merchant:
    """An account on a platform, in one mode."""

    platform: Platform
    creator: Creator
    account: Account
    mode: Mode

    @property
    def scope(self) -> Scope:
        return Scope(self.account.id, self.mode)

    def change(self, **parts: Any) -> None:
        """Goes on with a platform that differs in these parts."""
        self.platform = replace(self.platform, **parts)
        self.creator = Creator(self.platform)

    def live(self) -> Self:
        """The same account in live mode."""
        return replace(self, mode=Mode.LIVE)

    def key(self, text: str, payload: object = None, endpoint: str = CREATE) -> Idempotency:
        """An idempotency key that comes with a payload."""
        return Idempotency(Key(self.scope, endpoint, text), digest(payload))

    async def delivery(self, id: UUID) -> Delivery:
        async with self.platform.pool.acquire() as connection:
            found = await deliveries.find(connection, self.scope, id)
        assert found is not None
        return found

    async def events(self, id: UUID) -> list[Event]:
        async with self.platform.pool.acquire() as connection:
            return await events.of_delivery(connection, self.scope, id)

    async def count(self, table: str) -> int:
        """How many rows of a table are this account's."""
        return await tables.count(self.platform.pool, table, {"account_id": self.account.id})


@dataclass
class Tenant(Merchant):
    """An account in Kazakhstan."""

    keys: dict[Mode, str] = field(default_factory=dict[Mode, str])

    def order(self, notes: str | None = None, **changes: Any) -> Order:
        """An order as a merchant would send it, with some things changed."""
        fields: dict[str, Any] = {
            "scope": self.scope,
            "market": self.account.market,
            "dialect": DIALECT,
            "pickup": Stop("21 Zhibek Zholy, Almaty", name="Warehouse", phone="+7 727 111 0000"),
            "dropoff": Stop("17 Abylay Khan Ave, Almaty", name="Dana K.", notes=notes),
            "parcel": Parcel(1200, "Electronics", 85_000),
            "render": render,
        }
        return Order(**fields | changes)

    async def create(self, notes: str | None = None, **changes: Any) -> UUID:
        """Creates a delivery and returns its id."""
        return id_in(await self.creator.create(self.order(notes, **changes)))

    async def set_endpoint(self, name: str = "default") -> None:
        """Gives the account an address for webhooks."""
        async with self.platform.pool.acquire() as connection:
            url = "http://127.0.0.1:9/"
            assert await endpoints.insert(connection, self.scope, new_id(), name, url, b"")

    async def messages(self, id: UUID) -> list[asyncpg.Record]:
        """The outbox of a delivery by seq and ordinal: type, event id, seconds from event to due.

        The delay is rounded to five seconds.
        """
        return await webhook_rows.announcements(self.platform.pool, self.account.id, id)

    async def make_due(self, id: UUID) -> None:
        """Lets the next step of the simulated courier be due now, if there is one."""
        due = {"account_id": self.account.id, "delivery_id": id, "due_at": tables.PRESENT}
        await tables.change(self.platform.pool, "sandbox_runs", due, due_at=timedelta())


@asynccontextmanager
async def platform_over(
    dsn: str, *, step: timedelta = timedelta(seconds=5), size: int = 6, key: str | None = None
) -> AsyncGenerator[Platform]:
    """A platform on the database at `dsn`, which remembers its configuration."""
    pool = await open_pool(dsn, size=size)
    catalog = Catalog(pool)
    catalog.trust(True)
    try:
        yield Platform(
            pool=pool,
            connections=DatabaseConnections(pool, waits=WAITS),
            key_uses=KeyUses(pool),
            signal=Signals(pool).send,
            dialects={DIALECT.name: DIALECT},
            catalog=catalog,
            cipher=Cipher(key or CIPHER_KEY),
            public_url="http://delivery.example",
            sandbox_step=step,
        )
    finally:
        await pool.close()


async def new_tenant(platform: Platform, mode: Mode = Mode.SANDBOX) -> Tenant:
    """A fresh account in Kazakhstan, with a key for each mode."""
    account = Account(new_id(), f"t-{uuid4().hex}", MARKETS["KZ"], "kaspi", 100, 200)
    keys: dict[Mode, str] = {}
    async with platform.pool.acquire() as connection:
        await accounts.insert(connection, account)
        for of in Mode:
            keys[of] = await add_key(connection, account, of)
    return Tenant(platform, Creator(platform), account, mode, keys)


async def add_key(connection: Any, account: Account, mode: Mode) -> str:
    """A new secret key of an account."""
    key = new_token("k_")
    now = await tables.now(connection)
    row = keys.ApiKey(
        account_id=account.id,
        id=new_id(),
        mode=mode,
        kind=KeyKind.SECRET,
        hint=key[-4:],
        created_at=now,
        acts=KeyKind.SECRET.acts,
    )
    await keys.insert(connection, row, key_hash(key))
    return key

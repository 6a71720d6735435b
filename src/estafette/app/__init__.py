"""The composition root, which alone knows all parts.

This module has what a command needs: the dialects, and the platform over a database. The HTTP side
is in `application`, and the processes are in `server` and `worker`. Commands that run no process
need not load these.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from estafette.core.audit import By
from estafette.core.couriers.company import Connector, Courier
from estafette.core.deliveries.dialect import Dialect
from estafette.core.deliveries.due_moves import WatchLimits
from estafette.couriers.inhouse import InhouseCourier
from estafette.dialects import DialectRecord, entrega, kaspi, operator
from estafette.files import KeptFiles, read_bucket
from estafette.files.tiles import TileArchive
from estafette.settings import Settings
from estafette.store.pool import Pool, open_pool
from estafette.usecases.accounts.key_uses import KeyUses
from estafette.usecases.accounts.secrets import Cipher
from estafette.usecases.catalog import Catalog
from estafette.usecases.connections import LIST_STATEMENT_SECONDS, DatabaseConnections
from estafette.usecases.platform import NOBODY_IN_PARTICULAR, Platform, Signals
from estafette.usecases.ready import NotReadyError
from estafette.webhooks.message import Renderer

if TYPE_CHECKING:
    from estafette.usecases.deliveries.ordering import OrderRules

_CLOSING_SECONDS = 5.0

RECORDS = (kaspi.RECORD, entrega.RECORD)
"""The dialects that are served."""

APIS = (operator.RECORD,)
"""The APIs that no account speaks."""

DIALECTS: dict[str, Dialect] = {one.name: one.dialect for one in RECORDS}
RENDERERS: dict[str, Renderer] = {one.name: one.renderer for one in RECORDS}
_IDS = {one.name: one.ids for one in RECORDS}


def order_rules(dialect: str) -> "OrderRules":
    """Returns a dialect's rules for orders that people type. Raises KeyError where it has none."""
    rules = {one.name: one.orders for one in RECORDS}[dialect]
    if rules is None:
        raise KeyError(dialect)
    return rules()


def reader_of_ids(dialects: Sequence[DialectRecord]) -> Callable[[str], UUID | None]:
    """Returns a function that reads a delivery's id in any dialect's form; None for no id."""

    def parse(text: str) -> UUID | None:
        return next((id for one in dialects if (id := one.ids.parse(text))), None)

    return parse


public_id = reader_of_ids(RECORDS)
"""Returns the id of the delivery that a text names in any dialect's form; None for no id."""


def shown_id(dialect: str, delivery_id: UUID) -> str:
    """Returns a delivery's id as that dialect writes it."""
    return _IDS[dialect].delivery(delivery_id)


def shown_event(dialect: str, event_id: UUID, ordinal: int = 0, *, is_test: bool = False) -> str:
    """Returns an event's id as receivers of that dialect's webhooks see it.

    `ordinal` counts the announcements of the event from 0.
    """
    return _IDS[dialect].event(event_id, ordinal, is_test=is_test)


def dsn_of(settings: Settings) -> str:
    """Returns the address of the database. Raises NotReadyError where the settings name none."""
    if settings.database_url is None:
        raise NotReadyError("DATABASE_URL is not set; `estafette up` starts a database")
    return settings.database_url


@asynccontextmanager
async def open_platform(
    settings: Settings, by: By = NOBODY_IN_PARTICULAR
) -> AsyncGenerator[Platform]:
    """Opens the platform over the database of the settings; `by` is who acts through it.

    It cannot ask courier companies that have a platform of their own, as no command does. Raises
    NotReadyError, or the errors of asyncpg and the operating system for a database that cannot be
    reached.
    """
    if settings.secret_key is None:
        raise NotReadyError("ESTAFETTE_SECRET_KEY is not set; `estafette up` makes one")
    try:
        cipher = Cipher(settings.secret_key, *settings.other_secret_keys)
    except ValueError as error:  # somebody has edited the file of `up`
        raise NotReadyError(f"{error}: is secret.key in the data folder as it was?") from error
    lists = max(1, settings.database_pool_size // 5)
    pool = await open_pool(dsn_of(settings), size=settings.database_pool_size - lists)
    list_pool = await open_pool(
        dsn_of(settings), size=lists, opened=0, statement_seconds=LIST_STATEMENT_SECONDS
    )
    catalog = Catalog(pool)
    platform = Platform(
        pool=pool,
        connections=DatabaseConnections(pool, list_pool),
        key_uses=KeyUses(pool),
        signal=Signals(pool).send,
        dialects=DIALECTS,
        catalog=catalog,
        cipher=cipher,
        public_url=settings.public_url,
        sandbox_step=timedelta(seconds=settings.sandbox_step_seconds),
        couriers=connectors(catalog),
        watch_limits=_watch_limits(settings),
        by=by,
        needs_second_factor=settings.operator_second_factor,
        courier_grid_metres=settings.courier_grid_metres,
        webhook_addresses=settings.webhook_source_addresses,
        files=_files(settings),
        tiles=settings.map_tiles and TileArchive(settings.data_dir / settings.map_tiles),
    )
    try:
        yield platform
    finally:
        await _close(list_pool)
        await _close(pool)


def _files(settings: Settings) -> KeptFiles:
    if settings.files_url is None:
        return KeptFiles(settings.data_dir / "files")
    bucket = replace(
        read_bucket(settings.files_url),
        endpoint=settings.files_endpoint,
        region=settings.files_region,
        key_id=settings.files_key_id,
        secret=settings.files_secret,
    )
    return KeptFiles(bucket)


def connectors(catalog: Catalog) -> dict[Connector, Courier]:
    """Returns the connectors to courier companies without a platform of their own, by kind."""
    by_tariff = InhouseCourier(catalog)
    return {
        Connector.INHOUSE: by_tariff,
        Connector.SANDBOX: by_tariff,  # the prices are real; the courier is simulated
    }


def _watch_limits(settings: Settings) -> WatchLimits:
    return WatchLimits(
        payment=timedelta(seconds=settings.payment_wait_seconds),
        pickup_lead=timedelta(seconds=settings.pickup_lead_seconds),
        courier=timedelta(seconds=settings.courier_wait_seconds),
        silence=timedelta(seconds=settings.silence_seconds),
    )


async def _close(pool: Pool) -> None:
    """Waits for connections that finish soon, and ends those that do not."""
    try:
        await asyncio.wait_for(pool.close(), _CLOSING_SECONDS)
    except TimeoutError:
        pool.terminate()

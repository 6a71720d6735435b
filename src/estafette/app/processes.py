"""What the server and the worker share: their platform, and what they log and hear of."""

import gc
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version

import structlog

from estafette.app import dsn_of, open_platform
from estafette.core.audit import By
from estafette.core.couriers.company import Connector
from estafette.couriers import platforms
from estafette.couriers.entrega import EntregaClient, EntregaCourier
from estafette.settings import Settings
from estafette.store import signals
from estafette.usecases.platform import Platform
from estafette.usecases.ready import Database
from estafette.webhooks.resolver import ThreadResolver

_log = structlog.stdlib.get_logger(__name__)


@asynccontextmanager
async def open_connected(settings: Settings, by: By) -> AsyncGenerator[Platform]:
    """Opens the same platform with connectors to companies that have a platform of their own."""
    async with open_platform(settings, by) as alone:
        client = EntregaClient(settings.remote_rest_seconds, ThreadResolver())
        courier = EntregaCourier(client, platforms.reach_through(alone))
        try:
            yield replace(
                alone,
                couriers={**alone.couriers, Connector.REMOTE: courier},
                recall=courier.recall,
                observe_dispatch=platforms.count_dispatch,
            )
        finally:
            await client.close()


def spare_the_collector() -> None:
    """Excludes long-lived objects from garbage collection, and makes collections rarer.

    Requests leave hardly any cycles behind, and the imported code is never garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def tell_start(url: str | None, database: Database) -> None:
    """Logs what has started, where it listens, and over which database."""
    _log.info(
        "started",
        version=version("estafette"),
        **({} if url is None else {"listens": url}),
        database=database.place,
        postgresql=database.version,
    )
    if database.newer_migrations:
        _log.warning(
            "a newer Estafette has changed the database: finish the upgrade",
            migrations=database.newer_migrations,
        )


async def hear_of_changes(
    settings: Settings, platform: Platform, besides: Mapping[str, Callable[[], None]] | None = None
) -> None:
    """Forgets the configuration when it changes, and calls what else is named by its signal."""
    heard = {signals.CONFIGURATION: platform.catalog.forget, **(besides or {})}
    await signals.listen(dsn_of(settings), heard, platform.catalog.trust)

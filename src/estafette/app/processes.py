"""The processes: one HTTP server and one worker. Each runs until it is told to end."""

import asyncio
import gc
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from importlib.util import find_spec
from types import FrameType
from uuid import UUID

import structlog
from prometheus_client import REGISTRY

from estafette.app import (
    RECORDS,
    RENDERERS,
    dsn_of,
    open_platform,
    order_rules,
    shown_id,
)
from estafette.app.application import build
from estafette.core.audit import By
from estafette.core.couriers.company import Connector
from estafette.core.notifications.mail_server import MailServer
from estafette.core.retention import Retention
from estafette.couriers import platforms, sandbox
from estafette.couriers.entrega import EntregaClient, EntregaCourier, EntregaPlatform
from estafette.files.tiles import NotTilesError
from estafette.http.address import ClientAddresses
from estafette.http.connections import ConnectionLimits, ConnectionMetrics, Connections
from estafette.http.limiter import AddressLimits
from estafette.http.server import HttpServer, open_sockets, room_for_connections
from estafette.metrics import observe_open, observe_upkeep
from estafette.notifications.file import FileSender
from estafette.notifications.gateway import GatewaySender
from estafette.notifications.smtp import SmtpSender
from estafette.notifications.worker import NotificationWorker, Senders
from estafette.routing.engines import EngineKind
from estafette.routing.planner import Planner
from estafette.routing.road_times import RoadTimes
from estafette.routing.travel_times import CrowTimes
from estafette.scraping import scraped
from estafette.settings import Settings
from estafette.store import signals
from estafette.up import liveness
from estafette.usecases import ends, maintenance
from estafette.usecases.accounts import secret_key
from estafette.usecases.deliveries import (
    count_open,
    due_moves,
    figures,
    importer,
    people_lists,
    personal_data,
    search,
)
from estafette.usecases.deliveries.create import Creator
from estafette.usecases.deliveries.ordering import Ordering
from estafette.usecases.fleet import (
    automatic,
    batches,
    catch_up,
    expire,
    learn_speeds,
    setting_out,
)
from estafette.usecases.money import close_books
from estafette.usecases.platform import Platform
from estafette.usecases.proofs import sweep
from estafette.usecases.ready import Database, NotReadyError, must_be_fit
from estafette.usecases.sandbox import offers
from estafette.usecases.webhooks import gone, replay, spells
from estafette.web.people.provider import Provider
from estafette.webhooks.guard import Guard
from estafette.webhooks.resolver import ThreadResolver
from estafette.webhooks.sender import Sender
from estafette.webhooks.worker import Limits, WebhookWorker

_log = structlog.stdlib.get_logger(__name__)

_ORDERLY = 0.7
"""The part of the time for a shutdown in which requests under way are finished."""

_OTHER_FILES = 128
"""How many files and sockets a server may have open besides those of clients and its database."""


@asynccontextmanager
async def _open(settings: Settings, by: By) -> AsyncGenerator[Platform]:
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


def _spare_the_collector() -> None:
    """Excludes long-lived objects from garbage collection, and makes collections rarer.

    Requests leave hardly any cycles behind, and the imported code is never garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def serve(settings: Settings, *, ready: Callable[[], None] = lambda: None) -> None:
    """Serves HTTP until SIGINT or SIGTERM, then finishes the requests under way.

    `ready` is called when connections are accepted. Raises NotReadyError or WrongSecretKeyError, or
    CannotListenError when a port is taken.
    """
    async with _open(settings, By.process("server")) as platform:
        database = await must_be_fit(platform)
        _tell_of_tiles(platform)
        addresses = ClientAddresses(settings.trusted_proxies)
        connections = _connections(settings, addresses)
        application = build(
            platform,
            RECORDS,
            processes=settings.server_processes,
            addresses=addresses,
            limits=AddressLimits(
                failures_per_second=settings.address_failures_per_second,
                requests_per_second=settings.address_requests_per_second,
                processes=settings.server_processes,
            ),
            streams=connections.limits.most // 2,
            metrics_token=settings.metrics_token,
            provider=_provider(settings),
            sends_letters=settings.smtp_url is not None,
        )
        alarm = liveness.Alarm(settings.hang_seconds, settings.shutdown_seconds)
        sockets = open_sockets(settings.host, settings.port)
        port = sockets[0].getsockname()[1]

        def announce_ready() -> None:
            _tell_start(replace(settings, port=port).local_url, database)
            ready()

        server = HttpServer(
            application.asgi,
            application.fallback,
            sockets,
            connections,
            graceful_seconds=settings.shutdown_seconds * _ORDERLY,
            ready=announce_ready,
            on_end=alarm.end,
            before_end=application.close_streams,
        )
        lag = liveness.LagMetrics("server")
        besides = [
            asyncio.create_task(
                _hear_of_changes(
                    settings,
                    platform,
                    dict.fromkeys((signals.PAGES, signals.FLEET), application.look),
                )
            ),
            asyncio.create_task(liveness.watch(lag, alarm, is_well=lambda: server.is_serving)),
        ]
        _spare_the_collector()
        try:
            async with scraped(
                settings.metrics_host, settings.metrics_port, settings.metrics_token
            ):
                await server.serve()
        finally:
            await application.requests.write()
            for task in besides:
                task.cancel()
            await asyncio.gather(*besides, return_exceptions=True)


def _tell_start(url: str | None, database: Database) -> None:
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


def _tell_of_tiles(platform: Platform) -> None:
    """Logs why maps have no tiles where they should: everything else works without."""
    if platform.tiles is not None:
        try:
            platform.tiles.look()
        except NotTilesError as error:
            _log.warning("maps have no tiles: see ESTAFETTE_MAP_TILES", reason=str(error))


def _provider(settings: Settings) -> Provider | None:
    """Returns the OpenID provider of the settings. Raises NotReadyError if a setting is missing."""
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise NotReadyError("ESTAFETTE_OIDC_ISSUER is set, and ESTAFETTE_OIDC_CLIENT_ID is not")
    if find_spec("joserfc") is None:
        raise NotReadyError("ESTAFETTE_OIDC_ISSUER needs the extra: pip install 'estafette[sso]'")
    return Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret or "",
        settings.oidc_name,
    )


def _connections(settings: Settings, addresses: ClientAddresses) -> Connections:
    """Returns the server's connections, as many as its limit of open files allows."""
    others = settings.database_pool_size + _OTHER_FILES
    limits = ConnectionLimits(
        most=room_for_connections(settings.max_connections, others),
        each=settings.address_connections,
        head=settings.head_seconds,
        idle=settings.idle_seconds,
        sending=settings.sending_seconds,
    )
    return Connections(limits, is_proxy=addresses.is_proxy, metrics=ConnectionMetrics(REGISTRY))


async def _hear_of_changes(
    settings: Settings, platform: Platform, besides: Mapping[str, Callable[[], None]] | None = None
) -> None:
    heard = {signals.CONFIGURATION: platform.catalog.forget, **(besides or {})}
    await signals.listen(dsn_of(settings), heard, platform.catalog.trust)


async def work(settings: Settings) -> None:
    """Runs the worker until SIGINT or SIGTERM: webhooks, errands, due moves and the sandbox.

    Raises NotReadyError or WrongSecretKeyError, or CannotListenError when a port is taken.
    """
    stop = asyncio.Event()
    alarm = liveness.Alarm(settings.hang_seconds, settings.shutdown_seconds)
    _stop_on_signal(stop, alarm)
    guard = Guard(allow=settings.webhook_allowed_networks)
    retention, by = _retention(settings), By.process("worker")
    async with (
        _open(settings, by) as platform,
        Sender(guard) as sender,
        Planner() as planner,
        _travel_times(settings) as times,
        scraped(settings.metrics_host, settings.worker_metrics_port, settings.metrics_token),
    ):
        _tell_start(None, await must_be_fit(platform))
        _spare_the_collector()
        ordering = Ordering(platform, Creator(platform), order_rules)
        loops = (
            sandbox.loop(platform),
            sandbox.drivers_loop(platform),
            offers.loop(platform, planner, times),
            *([sandbox.city_loop(platform, ordering)] if settings.demo_city else []),
            due_moves.loop(platform),
            expire.loop(platform),
            catch_up.loop(platform),
            search.loop(platform),
            people_lists.loop(platform),
            importer.loop(platform, ordering),
            secret_key.loop(platform),
            maintenance.loop(platform.pool, retention),
            ends.loop(platform, retention, observe_upkeep),
            personal_data.loop(platform, retention.personal_data),
            sweep.loop(platform, retention.proofs),
            close_books.loop(platform),
            gone.loop(platform),
            replay.loop(platform, retention.messages),
            spells.loop(platform),
            count_open.loop(platform, observe_open),
            figures.loop(platform),
            automatic.loop(platform, planner, times),
            batches.loop(platform, times),
            learn_speeds.loop(platform),
            setting_out.loop(platform),
        )
        await _until_one_ends(
            stop,
            _webhook_worker(settings, platform, sender).run(stop),
            _run_errands(settings, platform, stop),
            _tell_people(settings, platform, stop),
            _watch_until(stop, alarm),
            *(loop.run(stop) for loop in loops),
        )


def _travel_times(settings: Settings) -> CrowTimes | RoadTimes:
    if settings.routing_url is None:
        return CrowTimes()
    kind = EngineKind(settings.routing_engine)
    return RoadTimes(settings.routing_url, kind, settings.routing_seconds)


def _stop_on_signal(stop: asyncio.Event, alarm: liveness.Alarm) -> None:
    """Sets `stop` at SIGINT or SIGTERM, and starts the alarm in case that does not help.

    The handler is Python's own, not the loop's, so that it is called also while the loop is
    blocked.
    """
    loop = asyncio.get_running_loop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        alarm.end()
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)


async def _watch_until(stop: asyncio.Event, alarm: liveness.Alarm) -> None:
    """Watches the worker's event loop until `stop` is set."""
    watching = asyncio.create_task(liveness.watch(liveness.LagMetrics("worker"), alarm))
    await stop.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


def _retention(settings: Settings) -> Retention:
    return Retention(
        quotes=timedelta(days=settings.quotes_kept_days),
        attempts=timedelta(days=settings.attempts_kept_days),
        audit=timedelta(days=settings.audit_kept_days),
        messages=timedelta(days=settings.messages_kept_days),
        dead_messages=timedelta(days=settings.dead_messages_kept_days),
        dispatches=timedelta(days=settings.dispatches_kept_days),
        personal_data=timedelta(days=settings.personal_data_days),
        requests=timedelta(days=settings.requests_kept_days),
        positions=timedelta(days=settings.positions_kept_days),
        proofs=timedelta(days=settings.proofs_kept_days),
    )


_OTHER_FILES_OF_A_WORKER = 600
"""The most files that a worker opens besides webhooks: idle connections, pool, errands, logs."""


def _webhook_worker(settings: Settings, platform: Platform, sender: Sender) -> WebhookWorker:
    limits = Limits(
        lease_seconds=settings.webhook_lease_seconds,
        per_endpoint=settings.webhook_endpoint_concurrency,
        total=settings.webhook_concurrency,
        late=room_for_connections(
            3 * settings.webhook_concurrency,
            settings.webhook_concurrency + _OTHER_FILES_OF_A_WORKER,
        ),
    )
    decrypt = platform.cipher.decrypt
    return WebhookWorker(platform.pool, dsn_of(settings), RENDERERS, sender, decrypt, limits)


async def _run_errands(settings: Settings, platform: Platform, stop: asyncio.Event) -> None:
    """Places deliveries at other platforms and follows them there, until `stop` is set."""
    client = EntregaClient(settings.remote_rest_seconds, ThreadResolver())
    worker = platforms.ErrandWorker(
        platform,
        EntregaPlatform(client),
        platforms.reach_through(platform),
        lease_seconds=settings.remote_lease_seconds,
        poll_seconds=settings.remote_poll_seconds,
    )
    listening = [
        asyncio.create_task(_hear_of_changes(settings, platform)),
        asyncio.create_task(signals.listen(dsn_of(settings), {signals.DISPATCHES: worker.wake})),
    ]
    try:
        await worker.run(stop)
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await client.close()


async def _tell_people(settings: Settings, platform: Platform, stop: asyncio.Event) -> None:
    """Sends notifications and letters, until `stop` is set."""
    async with _senders(settings) as senders:

        def link(dialect: str, delivery_id: UUID) -> str:
            return f"{settings.public_url}/track/{shown_id(dialect, delivery_id)}"

        loop = NotificationWorker(platform, senders, link).loop
        listening = asyncio.create_task(
            signals.listen(dsn_of(settings), {signals.NOTIFICATIONS: loop.wake})
        )
        try:
            await loop.run(stop)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


@asynccontextmanager
async def _senders(settings: Settings) -> AsyncGenerator[Senders]:
    """Returns the ways of sending texts to people, from the settings."""
    file = FileSender(settings.data_dir / "notifications.log")
    mailboxes = file
    if settings.smtp_url is not None:
        mailboxes = SmtpSender(MailServer.read(settings.smtp_url), settings.smtp_from or "")
    if settings.notification_gateway_url is None:
        yield Senders(phones=file, mailboxes=mailboxes, rehearsed=file)
        return
    async with GatewaySender(
        Guard(allow=settings.notification_allowed_networks),
        settings.notification_gateway_url,
        dict(settings.notification_gateway_headers),
        settings.notification_gateway_body,
    ) as gateway:
        yield Senders(phones=gateway, mailboxes=mailboxes, rehearsed=file)


async def _until_one_ends(stop: asyncio.Event, *parts: Coroutine[None, None, None]) -> None:
    """Runs the parts until all have stopped. One that fails stops the others and is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.gather(*tasks)

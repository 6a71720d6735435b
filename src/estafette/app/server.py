"""The HTTP server, which runs until it is told to end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

import structlog
from prometheus_client import REGISTRY

from estafette.app import RECORDS
from estafette.app.application import Application, build
from estafette.app.processes import hear_of_changes, open_connected, spare_the_collector, tell_start
from estafette.core.audit import By
from estafette.files.tiles import NotTilesError
from estafette.http.address import ClientAddresses
from estafette.http.connections import ConnectionLimits, ConnectionMetrics, Connections
from estafette.http.limiter import AddressLimits
from estafette.http.server import HttpServer, open_sockets, room_for_connections
from estafette.scraping import scraped
from estafette.settings import Settings
from estafette.store import signals
from estafette.up import liveness
from estafette.usecases.platform import Platform
from estafette.usecases.ready import NotReadyError, must_be_fit
from estafette.web.people.provider import Provider

_log = structlog.stdlib.get_logger(__name__)

_ORDERLY = 0.7
"""The part of the time for a shutdown in which requests under way are finished."""

_OTHER_FILES = 128
"""How many files and sockets a server may have open besides those of clients and its database."""


async def serve(settings: Settings, *, ready: Callable[[], None] = lambda: None) -> None:
    """Serves HTTP until SIGINT or SIGTERM, then finishes the requests under way.

    `ready` is called when connections are accepted. Raises NotReadyError or WrongSecretKeyError, or
    CannotListenError when a port is taken.
    """
    async with open_connected(settings, By.process("server")) as platform:
        database = await must_be_fit(platform)
        _tell_of_tiles(platform)
        addresses = ClientAddresses(settings.trusted_proxies)
        connections = _connections(settings, addresses)
        application = _application(settings, platform, addresses, connections.limits.most // 2)
        alarm = liveness.Alarm(settings.hang_seconds, settings.shutdown_seconds)
        sockets = open_sockets(settings.host, settings.port)
        port = sockets[0].getsockname()[1]

        def announce_ready() -> None:
            tell_start(replace(settings, port=port).local_url, database)
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
        looked_at: dict[str, Callable[[], None]] = {
            signals.PAGES: application.look,
            signals.FLEET: application.look,
        }
        besides = [
            asyncio.create_task(hear_of_changes(settings, platform, looked_at)),
            asyncio.create_task(liveness.watch(lag, alarm, is_well=lambda: server.is_serving)),
        ]
        spare_the_collector()
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


def _application(
    settings: Settings, platform: Platform, addresses: ClientAddresses, streams: int
) -> Application:
    """Returns what is served, with at most so many streams of events at a time."""
    return build(
        platform,
        RECORDS,
        processes=settings.server_processes,
        addresses=addresses,
        limits=AddressLimits(
            failures_per_second=settings.address_failures_per_second,
            requests_per_second=settings.address_requests_per_second,
            processes=settings.server_processes,
        ),
        streams=streams,
        metrics_token=settings.metrics_token,
        provider=_provider(settings),
        sends_letters=settings.smtp_url is not None,
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

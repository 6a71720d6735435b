"""The worker: webhooks, errands, due moves, the sandbox. It runs until it is told to end."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from types import FrameType
from uuid import UUID

from estafette.app import RENDERERS, dsn_of, order_rules, shown_id
from estafette.app.processes import hear_of_changes, open_connected, spare_the_collector, tell_start
from estafette.core.audit import By
from estafette.core.notifications.mail_server import MailServer
from estafette.core.retention import Retention
from estafette.couriers import platforms, sandbox
from estafette.couriers.entrega import EntregaClient, EntregaPlatform
from estafette.http.server import room_for_connections
from estafette.loops import Loop
from estafette.metrics import observe_open, observe_upkeep
from estafette.notifications.file import FileSender
from estafette.notifications.gateway import GatewaySender
from estafette.notifications.smtp import SmtpSender
from estafette.notifications.worker import NotificationWorker, Senders
from estafette.routing.engines import EngineKind
from estafette.routing.planner import Planner
from estafette.routing.road_times import RoadTimes
from estafette.routing.travel_times import CrowTimes, TravelTimes
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
from estafette.usecases.ready import must_be_fit
from estafette.usecases.sandbox import offers
from estafette.usecases.webhooks import gone, replay, spells
from estafette.webhooks.guard import Guard
from estafette.webhooks.resolver import ThreadResolver
from estafette.webhooks.sender import Sender
from estafette.webhooks.worker import Limits, WebhookWorker


async def work(settings: Settings) -> None:
    """Runs the worker until SIGINT or SIGTERM: webhooks, errands, due moves and the sandbox.

    Raises NotReadyError or WrongSecretKeyError, or CannotListenError when a port is taken.
    """
    stop = asyncio.Event()
    alarm = liveness.Alarm(settings.hang_seconds, settings.shutdown_seconds)
    _stop_on_signal(stop, alarm)
    guard = Guard(allow=settings.webhook_allowed_networks)
    async with (
        open_connected(settings, By.process("worker")) as platform,
        Sender(guard) as sender,
        Planner() as planner,
        _travel_times(settings) as times,
        scraped(settings.metrics_host, settings.worker_metrics_port, settings.metrics_token),
    ):
        tell_start(None, await must_be_fit(platform))
        spare_the_collector()
        loops = _loops(settings, platform, planner, times)
        await _until_one_ends(
            stop,
            _webhook_worker(settings, platform, sender).run(stop),
            _run_errands(settings, platform, stop),
            _tell_people(settings, platform, stop),
            _watch_until(stop, alarm),
            *(loop.run(stop) for loop in loops),
        )


def _loops(
    settings: Settings, platform: Platform, planner: Planner, times: TravelTimes
) -> Sequence[Loop]:
    """Returns what is done again and again besides webhooks, errands, and what people are told."""
    kept = _retention(settings)
    ordering = Ordering(platform, Creator(platform), order_rules)
    return (
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
        maintenance.loop(platform.pool, kept),
        ends.loop(platform, kept, observe_upkeep),
        personal_data.loop(platform, kept.personal_data),
        sweep.loop(platform, kept.proofs),
        close_books.loop(platform),
        gone.loop(platform),
        replay.loop(platform, kept.messages),
        spells.loop(platform),
        count_open.loop(platform, observe_open),
        figures.loop(platform),
        automatic.loop(platform, planner, times),
        batches.loop(platform, times),
        learn_speeds.loop(platform),
        setting_out.loop(platform),
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


_OTHER_FILES = 600
"""The most files that a worker opens besides webhooks: idle connections, pool, errands, logs."""


def _webhook_worker(settings: Settings, platform: Platform, sender: Sender) -> WebhookWorker:
    limits = Limits(
        lease_seconds=settings.webhook_lease_seconds,
        per_endpoint=settings.webhook_endpoint_concurrency,
        total=settings.webhook_concurrency,
        late=room_for_connections(
            3 * settings.webhook_concurrency,
            settings.webhook_concurrency + _OTHER_FILES,
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
        asyncio.create_task(hear_of_changes(settings, platform)),
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

"""What the tests of telling people stand on: accounts that tell, mail servers, workers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as AS_MAIL
from ipaddress import ip_network
from typing import Any
from uuid import UUID

from aiosmtpd import smtp

from estafette.core.accounts.account import Mode
from estafette.core.accounts.branding import Branding
from estafette.core.deliveries.delivery import Status, Stop
from estafette.core.deliveries.event import Actor
from estafette.core.notifications.notification import NotificationKind
from estafette.notifications.gateway import GatewaySender
from estafette.notifications.sending import Outgoing
from estafette.notifications.worker import NotificationWorker, Senders
from estafette.usecases.accounts.branding import change_branding
from estafette.usecases.deliveries.advance import Move
from estafette.usecases.platform import Platform
from estafette.webhooks.guard import Guard
from tests.moving import advance
from tests.rows import tables
from tests.usecases.stage import DIALECT, Tenant, new_tenant

PHONE = "+77011234567"
BRAND = Branding(name="Алтын Дән", told=frozenset(NotificationKind))
COURSE = (Status.ASSIGNED, Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, Status.DELIVERED)
LOOPBACK = Guard(allow=[ip_network("127.0.0.0/8")])


@dataclass
class Recorded:
    """A way of sending that keeps what it is given."""

    texts: list[Outgoing] = field(default_factory=list[Outgoing])

    async def send(self, outgoing: Outgoing) -> None:
        self.texts.append(outgoing)


@dataclass
class MailServer:
    """A real mail server, which answers each recipient as `answer` says."""

    answer: str = "250 OK"
    letters: list[EmailMessage] = field(default_factory=list[EmailMessage])
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append(message_from_bytes(envelope.content, EmailMessage, policy=AS_MAIL))
        return "250 OK"


@asynccontextmanager
async def mail_server(**parts: Any) -> AsyncGenerator[MailServer]:
    """A mail server on a port of this machine."""
    server = MailServer(**parts)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: smtp.SMTP(server, hostname="mail.example"), "127.0.0.1", 0
    )
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


async def telling(platform: Platform, mode: Mode = Mode.LIVE, brand: Branding = BRAND) -> Tenant:
    """An account whose recipients are told everything."""
    tenant = await new_tenant(platform, mode)
    await change_branding(platform, tenant.account.id, brand)
    platform.catalog.forget()  # as the signal of the change has it
    return tenant


async def create(tenant: Tenant, **changes: Any) -> UUID:
    """Creates a delivery to somebody with a phone."""
    dropoff = Stop(
        "17 Abylay Khan Ave, Almaty", name="Dana K.", phone="8 701 123 45 67", phone_e164=PHONE
    )
    given: dict[str, Any] = {"dropoff": dropoff, **changes}
    return await tenant.create(**given)


async def move(tenant: Tenant, id: UUID, *statuses: Status, by: Actor = Actor.COURIER) -> None:
    """Has a courier move a delivery, or another."""
    moves = [Move(status, by) for status in statuses]
    await advance(tenant.platform, tenant.scope, DIALECT, id, moves)


def link(dialect: str, delivery_id: UUID) -> str:
    return f"https://d.example/track/{dialect}-{delivery_id}"


def worker_with(
    platform: Platform, sender: Any, *, rehearsed: Any = None, lease: float = 30
) -> NotificationWorker:
    """A worker that sends everything by `sender`, but what is rehearsed."""
    senders = Senders(sender, sender, rehearsed or Recorded())
    return NotificationWorker(platform, senders, link, lease=timedelta(seconds=lease))


@asynccontextmanager
async def gateway(url: str, **parts: Any) -> AsyncGenerator[GatewaySender]:
    """A gateway on this machine."""
    wanted: dict[str, Any] = {
        "headers": {},
        "body": '{"to": "{phone}", "text": "{text}", "id": "{id}"}',
    }
    async with GatewaySender(LOOPBACK, url, **wanted | parts) as sender:
        yield sender


async def states(tenant: Tenant) -> list[tuple[str, str, int]]:
    """The notifications of an account: kind, state and attempts."""
    found = await tables.read(
        tenant.platform.pool,
        "notifications",
        {"account_id": tenant.account.id},
        order="created_at, seq",
    )
    return [(row["kind"], row["state"], row["attempt"]) for row in found]


async def make_due(platform: Platform, table: str = "notifications") -> None:
    """Lets whatever waits be tried now."""
    await tables.change(platform.pool, table, {"due_at": tables.PRESENT}, due_at=timedelta())

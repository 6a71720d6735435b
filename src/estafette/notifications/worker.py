"""The loop that sends notifications and letters."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from estafette.core.notifications.letter import Letter
from estafette.logs import Logger
from estafette.loops import Loop, Pace, report
from estafette.notifications import metrics, texts
from estafette.notifications.sending import SECONDS, NotSentError, Outgoing, TextSender
from estafette.usecases.notifications import outbox
from estafette.usecases.notifications.outbox import Due, DueLetter, DueNotification
from estafette.usecases.platform import Platform

_AT_ONCE: Final = 16
_LEASE: Final = timedelta(seconds=3 * SECONDS)
_PACE: Final = Pace(longest=5.0, shortest=0.1)

_log = Logger()

Link = Callable[[str, UUID], str]
"""Returns the URL of a delivery's tracking page, from a dialect's name and the delivery's id."""


class Senders(NamedTuple):
    """The ways of sending: to phones, to mailboxes, and for texts that are only rehearsed."""

    phones: TextSender
    mailboxes: TextSender
    rehearsed: TextSender


class NotificationWorker:
    """Sends for one process. Any number of processes may do so over one database."""

    def __init__(
        self, platform: Platform, senders: Senders, link: Link, *, lease: timedelta = _LEASE
    ) -> None:
        """Takes over after `lease` the texts that a dead worker had claimed."""
        self._platform = platform
        self._senders = senders
        self._link = link
        self._lease = lease
        self.loop = Loop("telling people", self._round, _PACE)

    async def _round(self, _: asyncio.Event) -> float:
        found = await outbox.claim(self._platform, self._lease, _AT_ONCE)
        await asyncio.gather(*map(self._send, found.due))
        return 0.0 if found.due else _PACE.until(found.due_in_seconds)

    async def _send(self, due: Due) -> None:
        try:
            outcome = await self._try(due)
        except Exception as error:  # one text must not stop the others; its lease gives it back
            report("telling people", error, id=due.id)
        else:
            metrics.ATTEMPTS.labels(_kind(due), outcome).inc()

    async def _try(self, due: Due) -> str:
        """Sends a text, and records the result; returns the label of the outcome."""
        if (why := due.pointless) is not None:
            await outbox.dropped(self._platform, due, why)
            return "dropped"
        try:
            outgoing, sender = self._made(due)
            async with asyncio.timeout(SECONDS):
                await sender.send(outgoing)
        except NotSentError as error:
            return await self._failed(due, error)
        except TimeoutError:
            return await self._failed(due, NotSentError(f"no answer within {SECONDS:g} s"))
        return "sent" if await outbox.sent(self._platform, due) else "stale"

    def _made(self, due: Due) -> tuple[Outgoing, TextSender]:
        match due:
            case DueLetter(letter=Letter() as letter) if letter.kind.is_for_phone:
                return texts.code(due.id, letter), self._senders.phones
            case DueLetter(letter=Letter() as letter):
                return texts.letter(due.id, letter), self._senders.mailboxes
            case DueNotification():
                delivery, senders = due.delivery, self._senders
                link = self._link(due.claimed.dialect, delivery.id)
                made = texts.notification(due, link, datetime.now(UTC))
                return made, senders.rehearsed if due.is_rehearsed else senders.phones
            case DueLetter():
                raise NotSentError("nobody can read it", for_good=True)

    async def _failed(self, due: Due, error: NotSentError) -> str:
        again = await outbox.not_sent(
            self._platform, due, error.why, error.asked, for_good=error.for_good
        )
        facts = {"what": due.claimed.kind, "reason": error.why, "attempt": due.claimed.attempt}
        if isinstance(due, DueNotification):
            facts["account"] = str(due.delivery.scope.account_id)
        if again is None:
            _log.warning("not_told", **facts)
            return "given_up"
        _log.info("telling_postponed", retry_in_seconds=round(again.total_seconds()), **facts)
        return "postponed"


def _kind(due: Due) -> str:
    return "letter" if isinstance(due, DueLetter) else "notification"

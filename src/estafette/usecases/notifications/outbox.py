"""Hand out what is to be told to people, and record what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import orjson

from estafette.core.accounts.account import MARKETS, Market, Mode
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.personal_data import ERASED_PHONE
from estafette.core.notifications.letter import Letter, LetterKind
from estafette.core.notifications.notification import NotificationKind, is_overtaken
from estafette.core.notifications.retry import next_try
from estafette.store.notifications import letters, recipients
from estafette.store.notifications.recipients import Told
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.platform import Platform, clock

__all__ = ["Told", "told"]


@dataclass(frozen=True, slots=True)
class DueNotification:
    """A notification that this worker holds. `kind` is None where this version knows none such."""

    claimed: recipients.Claimed
    kind: NotificationKind | None

    @property
    def id(self) -> str:
        """By what it is told from all others, each time that it is sent."""
        return f"{self.delivery.id.hex}-{self.claimed.seq}"

    @property
    def delivery(self) -> Delivery:
        """Its delivery as it was when it was claimed."""
        return self.claimed.delivery

    @property
    def is_rehearsed(self) -> bool:
        """Whether the delivery is of the sandbox, and nobody must be told of it."""
        return self.delivery.scope.mode is Mode.SANDBOX

    @property
    def market(self) -> Market:
        """The market of its account."""
        return MARKETS[self.claimed.market]

    @property
    def language(self) -> str:
        """The language that it is told in."""
        return self.claimed.brand_language or self.market.language

    @property
    def _names_no_window(self) -> bool:
        """Whether it would tell of a window that has begun, or of none."""
        window = self.delivery.window
        is_told = window is not None and window.is_ahead(clock())
        return self.kind is NotificationKind.RESCHEDULED and not is_told

    @property
    def pointless(self) -> str | None:
        """Why it is not worth being sent, if so."""
        if self.claimed.left < timedelta() or self.kind is None:
            return "it is too late"
        if is_overtaken(self.kind, self.delivery.status) or self._names_no_window:
            return "the delivery has gone on"
        if self.delivery.dropoff.phone_e164 in (None, ERASED_PHONE):
            return "the recipient has no phone number"
        return None


@dataclass(frozen=True, slots=True)
class DueLetter:
    """A letter that this worker holds. `letter` is None where nobody can read it any more."""

    claimed: letters.Claimed
    letter: Letter | None

    @property
    def id(self) -> str:
        """By what it is told from all others, each time that it is sent."""
        return self.claimed.id.hex

    @property
    def pointless(self) -> str | None:
        """Why it is not worth being sent, if so."""
        if self.claimed.left < timedelta():
            return "it is too late"
        return "it cannot be read with this secret key" if self.letter is None else None


Due = DueNotification | DueLetter


class Claim(NamedTuple):
    """What a worker has to send now, and in how many seconds it should look again.

    `due_in_seconds` is None when nothing waits.
    """

    due: Sequence[Due]
    due_in_seconds: float | None


async def claim(platform: Platform, lease: timedelta, limit: int) -> Claim:
    """Leases what is due, at most `limit` letters and as many notifications.

    Any number of processes may. What a dead one held is claimed again after its lease.
    """
    async with platform.pool.acquire() as connection:
        waits = [
            seconds
            for queue in (letters.QUEUE, recipients.QUEUE)
            if (seconds := await queue.due_in_seconds(connection)) is not None
        ]
        if not waits or min(waits) > 0:
            return Claim([], min(waits, default=None))
        for_people = await letters.claim(connection, lease, limit)
        for_recipients = await recipients.claim(connection, lease, limit)
    due: list[Due] = [DueLetter(one, _opened(platform, one)) for one in for_people]
    due += [DueNotification(one, _kind(one.kind)) for one in for_recipients]
    return Claim(due, min(waits))


def _kind(kind: str) -> NotificationKind | None:
    return NotificationKind(kind) if kind in set(NotificationKind) else None


def _opened(platform: Platform, claimed: letters.Claimed) -> Letter | None:
    try:
        content = orjson.loads(platform.cipher.decrypt(claimed.content, claimed.id.bytes))
        return Letter(LetterKind(claimed.kind), **content)
    except (WrongSecretKeyError, ValueError):  # ValueError: a later version has written it
        return None


async def sent(platform: Platform, due: Due) -> bool:
    """Records that it was sent; False where another worker has taken it over."""
    return await _settle(platform, due, "sent", None, None)


async def dropped(platform: Platform, due: Due, why: str) -> bool:
    """Records that it is not sent, because that is pointless."""
    state = "overtaken" if isinstance(due, DueNotification) else "dead"
    return await _settle(platform, due, state, why, None)


async def not_sent(
    platform: Platform, due: Due, why: str, asked: timedelta | None, *, for_good: bool
) -> timedelta | None:
    """Records that an attempt failed; returns when it is tried again, None: it is given up.

    `why` names nobody. `asked` is for how long the other side wants to be left alone.
    """
    again = None if for_good else next_try(due.claimed.attempt, asked, due.claimed.left)
    await _settle(platform, due, "dead" if again is None else "waiting", why, again)
    return again


async def _settle(
    platform: Platform, due: Due, state: str, why: str | None, again: timedelta | None
) -> bool:
    async with platform.pool.acquire() as connection:
        if isinstance(due, DueLetter):
            return await letters.settle(connection, due.claimed, state, why, again)
        return await recipients.settle(connection, due.claimed, state, why, again)


async def told(platform: Platform, account_id: UUID, delivery_id: UUID) -> list[Told]:
    """Returns what the recipient of a delivery was told, or will be, oldest first."""
    async with platform.connections.account(account_id) as connection:
        return await recipients.of_delivery(connection, account_id, delivery_id)

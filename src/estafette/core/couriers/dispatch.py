"""How a delivery stands with the platform of a courier company, and what becomes of it there."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery


class NewDispatch(NamedTuple):
    """A delivery to be placed at a company; not before it is paid, if that `is_awaited`."""

    account_id: UUID
    delivery_id: UUID
    mode: Mode
    company_id: UUID
    offer: Mapping[str, Any]
    is_awaited: bool


class Room(NamedTuple):
    """How many dispatches may be claimed to be placed, and how many to be looked at."""

    placing: int
    looking: int


class Rooms(NamedTuple):
    """How many dispatches may be claimed now.

    At most `of` a company by its id, `unnamed` of each that is not there, `most` of all, and
    `in_all` for both. Of companies that are not in `proven` at most `unproven` for both.
    """

    of: Mapping[UUID, Room]
    unnamed: Room
    most: Room
    in_all: int
    proven: Collection[UUID] = ()
    unproven: int = 1_000


class Standing(NamedTuple):
    """How a dispatch stands, its row locked.

    `is_leased`: a worker is busy with it; `is_unsettled`: one was and has not said what came of it.
    `is_held`: the attempt that was asked about is the one that has not said so yet.
    """

    state: str
    attempt: int
    upstream_id: str | None
    is_leased: bool
    is_unsettled: bool
    is_held: bool
    doubtful: bool
    recalled: bool
    heard: bool
    seen: str | None
    polls: int


class Doubt(Enum):
    """What an attempt leaves of the doubt whether a delivery is at the platform."""

    BEGINS = True
    """It may be there: it is looked up before it is placed again."""
    OVER = False
    """The platform does not have the delivery."""
    STAYS = None
    """The attempt showed nothing: if there was a doubt, it is still there."""


def doubt_after(
    standing: Standing, *, may_have_arrived: bool, looked_up: bool, may_arrive_yet: bool
) -> Doubt:
    """Returns what an attempt leaves of the doubt, which did not find the delivery there.

    `may_have_arrived`: the attempt's own request to place it may have arrived all the same.
    `looked_up`: the attempt asked the platform, which does not have it. `may_arrive_yet`: a request
    of an earlier attempt may still be under way, so that a look-up shows nothing. A webhook that
    came since the claim speaks of a delivery that is there.
    """
    if may_have_arrived or standing.heard:
        return Doubt.BEGINS
    if not standing.doubtful:
        return Doubt.OVER
    return Doubt.OVER if looked_up and not may_arrive_yet else Doubt.STAYS


class Outcome(NamedTuple):
    """What becomes of a dispatch whose row the caller has locked; None keeps what is there.

    `next_in` is the time to the next look, None: never. A webhook that came since the claim makes
    it now, if there is one at all. An `urgent` look is claimed as if a webhook had come.
    """

    state: str
    next_in: timedelta | None
    doubt: Doubt = Doubt.STAYS
    upstream_id: str | None = None
    fee: int | None = None
    seen: str | None = None
    polls: int = 0
    error: str | None = None
    urgent: bool = False


class Claimed(NamedTuple):
    """A dispatch leased to a worker, its delivery, and its account's dialect and market.

    `trying_for` is the time since it was first claimed to be placed. `doubt` is how long ago a
    request may last have left that nobody knows the end of; None: there is no such doubt.
    """

    delivery: Delivery
    dialect: str
    market: str
    company_id: UUID
    offer: Mapping[str, Any]
    upstream_id: str | None
    attempt: int
    doubt: timedelta | None
    recalled: bool
    first_tried_at: datetime
    trying_for: timedelta
    seen: str | None
    polls: int


class Elsewhere(NamedTuple):
    """How a delivery stands with another platform, for the operator.

    `error` is why the last try came to nothing; part of it is the platform's own text.
    """

    state: str
    upstream_id: str | None
    error: str | None


class Known(NamedTuple):
    """A dispatch that a platform speaks of, its row locked."""

    account_id: UUID
    delivery_id: UUID
    state: str
    upstream_id: str | None
    attempt: int

    def named_as(self, upstream_id: str) -> "Mention":
        """Returns what it means that the platform speaks of the delivery by this id."""
        if self.state == "closed" and self.upstream_id is None:
            return Mention.STRAY
        if self.upstream_id not in (None, upstream_id):
            return Mention.TWIN
        return Mention.NEWS if self.state in _OPEN else Mention.STALE


_OPEN = frozenset({"waiting", "placed", "refused"})


class Mention(Enum):
    """What it means that a platform speaks of a delivery."""

    NEWS = "there may be news of it"
    STALE = "it is not followed there any more"
    STRAY = "it is there, though it was given up here before it was placed"
    TWIN = "it is there a second time, by another id"

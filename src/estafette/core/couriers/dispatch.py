"""How a delivery stands with the platform of a courier company, and what becomes of it there."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
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


class Outcome(NamedTuple):
    """What becomes of a dispatch whose row the caller has locked; None keeps what is there.

    `doubtful` True begins a doubt that is not over before a look-up; False ends any.
    `next_in` is the time to the next look, None: never. A webhook that came since the claim makes
    it now, if there is one at all. An `urgent` look is claimed as if a webhook had come.
    """

    state: str
    next_in: timedelta | None
    doubtful: bool | None = None
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

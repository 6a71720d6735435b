"""What the page says of a delivery: a pure function of the delivery, the language and the time.

Only what a recipient may know passes through here: cities, statuses, times, the courier's notes,
who sends and who brings, what is to be paid; and while the courier is on the way, about where that
is and in which area the parcel goes. Nothing else of the recipient.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

import orjson

from estafette.core.accounts.account import MARKETS
from estafette.core.deliveries.delivery import FINAL, Status
from estafette.core.deliveries.event import NOTE_LIMIT
from estafette.core.deliveries.failing import AttemptReason
from estafette.core.fleet.reasons import DriverReason
from estafette.core.point import kilometres_between
from estafette.http.phones import readable
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.tracking import dates, route
from estafette.web.tracking.contacts import without_contacts
from estafette.web.tracking.texts import StatusWords, Texts

_TONES = {
    Status.AWAITING_PAYMENT: "waiting",
    Status.PENDING: "waiting",
    Status.ASSIGNED: "preparing",
    Status.PICKUP_READY: "preparing",
    Status.IN_TRANSIT: "moving",
    Status.OUT_FOR_DELIVERY: "near",
    Status.DELIVERED: "done",
    Status.CANCELLED: "stopped",
    Status.FAILED: "stopped",
    Status.STALLED: "delayed",
}
"""The tone of the page for each status; the style sheet has its colours."""

_SHARES = {
    Status.AWAITING_PAYMENT: 0,
    Status.PENDING: 0,
    Status.ASSIGNED: 9,
    Status.PICKUP_READY: 18,
    Status.IN_TRANSIT: 50,
    Status.OUT_FOR_DELIVERY: 82,
    Status.DELIVERED: 100,
}
"""How far along the line a status stands, of 100. A sign of progress, not a measured place."""

_TO_COME = frozenset(Status) - FINAL
_NEAR = frozenset({Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY})
_SIGNS = {"KZT": "₸", "AOA": "Kz"}
_NOT_COLLECTED = frozenset({Status.PENDING, Status.ASSIGNED, Status.PICKUP_READY})
_UNSTARTED = frozenset({Status.AWAITING_PAYMENT, Status.PENDING})
_TAKEN = frozenset({Status.ASSIGNED, Status.PICKUP_READY})
_UNPROMISED = frozenset({Status.AWAITING_PAYMENT, Status.CANCELLED, Status.FAILED})

_LONGEST_NOTE = 400
_LONGEST_CITY = 60
_LONGEST_CARRIER = 80
_LONGEST_SENDER = 80
_BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Promise:
    """When the parcel comes, or came. `remark` adds how far off that is, or that it is late."""

    label: str
    value: str
    iso: str
    remark: str | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One line of the history. `iso` is the moment for machines, `note` is plain text."""

    title: str
    clock: str
    iso: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """The steps of one day, the latest first."""

    name: str
    steps: tuple[TimelineStep, ...]


@dataclass(frozen=True, slots=True)
class SenderCard:
    """Who sends, as they want to be seen, and whom to call.

    `logo` and `style` name files of the page, `phone` is for machines and `number` for people. It
    is the courier company's where the sender names none.
    """

    name: str | None
    logo: str | None
    style: str | None
    phone: str | None
    number: str | None
    hours: str | None


@dataclass(frozen=True, slots=True)
class Nearing:
    """The courier on the way: in words, and what is drawn (JSON, longitudes before latitudes)."""

    said: str
    drawn: str


@dataclass(frozen=True, slots=True)
class TrackingView:
    """All that the templates show, in words of one language."""

    texts: Texts
    tone: str
    is_final: bool
    headline: str
    detail: str
    origin: str | None
    destination: str | None
    courier: route.PlaceOnMap | None
    promise: Promise | None
    pickup: Promise | None
    note: TimelineStep | None
    days: tuple[Day, ...]
    local_time: str
    sender: SenderCard
    carrier: str | None
    cash: str | None
    asks_pin: bool
    asks_where: bool
    asks_when: bool
    near: Nearing | None


def present(delivery: TrackedDelivery, texts: Texts, now: datetime) -> TrackingView:
    """Returns the view of `delivery` for a reader of `texts` at the moment `now` (aware)."""
    zone = ZoneInfo(delivery.time_zone)
    local_now = now.astimezone(zone)
    words = _words(delivery, texts, now, zone)
    steps = _steps(delivery, texts, zone)
    note = steps[-1][1] if steps and steps[-1][1].note else None
    return TrackingView(
        texts=texts,
        tone=_TONES[delivery.status],
        is_final=delivery.status in FINAL,
        headline=words.headline,
        detail=words.detail,
        origin=_city(delivery.pickup_city, texts),
        destination=_city(delivery.dropoff_city, texts),
        courier=_courier(delivery),
        promise=_promise(delivery, texts, now, zone),
        pickup=_pickup(delivery, texts, now, zone),
        note=note,
        days=_days(steps, texts, local_now),
        local_time=texts.page.local_time.format(offset=dates.offset(local_now)),
        sender=sender_card(delivery),
        carrier=_one_line(delivery.carrier, _LONGEST_CARRIER),
        cash=_cash(delivery),
        asks_pin=delivery.asks_pin and delivery.status in _TO_COME,
        asks_where=delivery.status not in FINAL,
        asks_when=bool(delivery.times),
        near=_nearing(delivery, texts),
    )


def sender_card(delivery: TrackedDelivery) -> SenderCard:
    """Returns who sends a delivery, as a page shows it."""
    of, phone = delivery.sender, delivery.sender.phone or delivery.carrier_phone
    return SenderCard(
        name=_one_line(of.name, _LONGEST_SENDER),
        logo=delivery.logo and f"logo/{delivery.logo}.webp",
        style=of.colour and f"colour/{of.colour[1:]}.css",
        phone=phone,
        number=phone and readable(phone),
        hours=_one_line(of.hours, _LONGEST_SENDER),
    )


def _cash(delivery: TrackedDelivery) -> str | None:
    """Returns what the courier takes at the door, while that is still ahead."""
    if not delivery.cash or delivery.status not in _TO_COME:
        return None
    currency = MARKETS[delivery.market].currency
    amount = f"{delivery.cash:,}".replace(",", "\u00a0")
    return f"{amount}\u00a0{_SIGNS.get(currency, currency)}"


def readable_note(text: str | None, market: str) -> str | None:
    """Returns a courier's note as it may be shown, or None when nothing is left of it.

    The note is free text of unknown origin: invisible and direction-changing characters are
    removed, phone numbers (as dialled in `market`, a country code) and e-mail addresses hidden, and
    a text of more than 400 characters is cut. The result is plain text: the template escapes it.
    """
    if text is None:
        return None
    plain = _BLANK_LINES.sub("\n", _visible(text[:NOTE_LIMIT])).strip()
    plain = without_contacts(plain, market)
    if len(plain) > _LONGEST_NOTE:
        plain = plain[: _LONGEST_NOTE - 1].rstrip() + "…"
    return plain or None


def _words(delivery: TrackedDelivery, texts: Texts, now: datetime, zone: ZoneInfo) -> StatusWords:
    if delivery.status is Status.STALLED and (reason := _failed(delivery)):
        return _attempt_words(delivery, reason, texts, now, zone)
    if delivery.is_left:
        return texts.left
    if _is_handed_back(delivery):
        return texts.handed_back
    return _status_words(delivery, delivery.status, texts)


def _is_handed_back(delivery: TrackedDelivery) -> bool:
    """Whether a courier had it who could not take it, and not one who came at another time."""
    if delivery.status is not Status.PENDING or delivery.milestone in _UNSTARTED:
        return False
    since = takewhile(lambda step: step.status not in _TAKEN, reversed(delivery.steps))
    return not any(step.is_rescheduled for step in since)


def _failed(delivery: TrackedDelivery) -> AttemptReason | None:
    """Returns why the last attempt failed, since which nobody has gone there again."""
    for step in reversed(delivery.steps):
        if step.status is not Status.STALLED:
            return None
        if step.reason is not None:
            return step.reason
    return None


def _attempt_words(
    delivery: TrackedDelivery, reason: AttemptReason, texts: Texts, now: datetime, zone: ZoneInfo
) -> StatusWords:
    """Returns why the parcel could not be handed over, and what comes next."""
    words, window = texts.attempt, delivery.window
    follows = words.asks
    if window is not None and now < window.end:
        follows = words.again.format(window=dates.window(*window, now, zone, texts))
    detail = f"{words.reasons[reason]} {follows}"
    return StatusWords(step=words.step, headline=words.headline, detail=detail)


def _status_words(delivery: TrackedDelivery, status: Status, texts: Texts) -> StatusWords:
    if status is Status.AWAITING_PAYMENT and delivery.awaits_confirmation:
        return texts.held
    return texts.statuses[status]


def _courier(delivery: TrackedDelivery) -> route.PlaceOnMap | None:
    """Returns where on the drawn route the courier is; None where the delivery is cancelled."""
    if delivery.status is Status.CANCELLED:
        return None
    share = _SHARES.get(delivery.status)
    if share is None:
        share = _SHARES.get(delivery.milestone, 0)
    return route.place(share)


def _promise(
    delivery: TrackedDelivery, texts: Texts, now: datetime, zone: ZoneInfo
) -> Promise | None:
    if delivery.status in _UNPROMISED:
        return None
    if delivery.status is Status.DELIVERED:
        moment = delivery.steps[-1].occurred_at if delivery.steps else delivery.deliver_by
        came = dates.at(moment, now, zone, texts)
        return Promise(texts.page.delivered, _sentence(came), _iso(moment, zone), None, False)
    approach = delivery.approach
    if approach is not None and approach.arrives_at is not None:
        return _arrival(approach.arrives_at, delivery, texts, now, zone)
    iso = _iso(delivery.deliver_by, zone)
    window, is_near = delivery.window, delivery.status is Status.OUT_FOR_DELIVERY
    if window is not None and is_near and now < window.start:
        return None  # the courier comes before it, and nobody knows when
    if window is not None and not is_near and now < window.end:
        value = _sentence(dates.window(*window, now, zone, texts))
        return Promise(texts.page.delivery, value, iso, None, is_late=False)
    if now >= delivery.deliver_by:
        value = _sentence(dates.by(delivery.deliver_by, now, zone, texts))
        return Promise(texts.page.planned, value, iso, texts.page.late, is_late=True)
    is_near = delivery.status in _NEAR
    value = _sentence(dates.expected(delivery.deliver_by, now, zone, texts, is_near=is_near))
    label = texts.page.planned if delivery.status is Status.STALLED else texts.page.delivery
    return Promise(label, value, iso, None, is_late=False)


def _arrival(
    moment: datetime, delivery: TrackedDelivery, texts: Texts, now: datetime, zone: ZoneInfo
) -> Promise:
    """Returns when the courier who is on the way is expected."""
    value = texts.calendar.few_minutes
    if moment > now:
        value = dates.expected(moment, now, zone, texts, is_near=True)
    is_late = now >= delivery.deliver_by
    remark = texts.page.late if is_late else None
    return Promise(texts.page.delivery, _sentence(value), _iso(moment, zone), remark, is_late)


def _nearing(delivery: TrackedDelivery, texts: Texts) -> Nearing | None:
    """Returns where the courier is who is on the way; None where nobody is, or nobody knows."""
    approach = delivery.approach
    if approach is None or delivery.status is not Status.OUT_FOR_DELIVERY:
        return None
    courier, stop = approach.courier, approach.stop
    said = texts.near.under_way
    if stop is not None:
        kilometres = round(kilometres_between(courier, stop))
        said = texts.near.far.format(n=kilometres) if kilometres else texts.near.close
    drawn = {
        "courier": [courier.longitude, courier.latitude],
        "stop": stop and [stop.longitude, stop.latitude],
    }
    return Nearing(said, orjson.dumps(drawn).decode())


def _pickup(
    delivery: TrackedDelivery, texts: Texts, now: datetime, zone: ZoneInfo
) -> Promise | None:
    """Returns when the courier collects the parcel, while that is still ahead."""
    if delivery.status not in _NOT_COLLECTED or now >= delivery.pickup_by:
        return None
    value = dates.expected(delivery.pickup_by, now, zone, texts, is_near=False)
    iso = _iso(delivery.pickup_by, zone)
    return Promise(texts.page.pickup, value, iso, None, is_late=False)


def _steps(
    delivery: TrackedDelivery, texts: Texts, zone: ZoneInfo
) -> list[tuple[datetime, TimelineStep]]:
    """Returns the history in words, oldest first, each step with its local moment."""
    steps: list[tuple[datetime, TimelineStep]] = []
    for step, title in zip(delivery.steps, _titles(delivery, texts), strict=True):
        moment = step.occurred_at.astimezone(zone)
        note = readable_note(step.note, delivery.market)
        if step.reason is not None:
            said = texts.attempt.reasons[step.reason]
            note = f"{said}\n{note}" if note else said
        elif step.handed_back is not None and (step.handed_back is not DriverReason.OTHER):
            said = texts.handed_back.reasons[step.handed_back]
            note = f"{said}\n{note}" if note else said
        steps.append((moment, TimelineStep(title, dates.clock(moment), moment.isoformat(), note)))
    return steps


def _titles(delivery: TrackedDelivery, texts: Texts) -> Iterator[str]:
    """What each step is called, which depends on those before it."""
    before: Status | None = None
    had_begun = bool(delivery.steps) and delivery.steps[0].number > 1  # what is shown no more has
    for step in delivery.steps:
        if step.is_rescheduled:
            yield texts.rescheduled.step
        elif step.reason is not None and step.status is Status.STALLED:
            yield texts.attempt.step
        elif step.status is Status.DELIVERED and delivery.is_left:
            yield texts.left.step
        elif step.status is Status.PENDING and had_begun:
            yield texts.handed_back.step
        elif before is Status.STALLED and step.status in _SHARES:
            yield texts.resumed.step
        else:
            yield _status_words(delivery, step.status, texts).step
        before = step.status
        had_begun |= before not in _UNSTARTED and before is not Status.STALLED


def _days(
    steps: Sequence[tuple[datetime, TimelineStep]], texts: Texts, local_now: datetime
) -> tuple[Day, ...]:
    days: dict[str, list[TimelineStep]] = {}
    for moment, step in reversed(steps):
        days.setdefault(_sentence(dates.day(moment, local_now, texts)), []).append(step)
    return tuple(Day(name, tuple(of_day)) for name, of_day in days.items())


def _city(name: str | None, texts: Texts) -> str | None:
    seen = _one_line(name, _LONGEST_CITY)
    return seen and texts.cities.get(seen, seen)


def _one_line(text: str | None, longest: int) -> str | None:
    """Returns a text that others wrote as it may be shown on one line; None: nothing is left."""
    return None if text is None else " ".join(_visible(text).split())[:longest] or None


def _visible(text: str) -> str:
    """`text` without control, formatting and unassigned characters, save the line break."""
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\t", " ").split("\n")
    return "\n".join(
        "".join(sign for sign in line if not unicodedata.category(sign).startswith("C"))
        for line in lines
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _iso(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")

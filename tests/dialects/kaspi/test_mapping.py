"""Between the core's words and Kaspi's, from golden file to golden file."""

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from estafette.core.accounts.account import Mode, Scope
from estafette.core.deliveries import personal_data
from estafette.core.deliveries.delivery import (
    COURSE,
    Delivery,
    Parcel,
    Progress,
    Status,
    Stop,
)
from estafette.core.deliveries.event import Actor, Event
from estafette.core.quotes.quote import Quote
from estafette.dialects.kaspi import mapping, words
from estafette.dialects.kaspi.mapping import DIALECT
from estafette.dialects.kaspi.schemas import Context, DeliveryRequest, QuoteRequest, read
from estafette.http.moments import timestamp

_GOLDEN = Path(__file__).parent / "golden"
_SCOPE = Scope(UUID(int=1), Mode.SANDBOX)
_URL = "https://delivery.example"
_BEGIN = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)
_ID = UUID("0195602a-1d00-7abc-8def-0123456789ab")


def _golden(name: str) -> Any:
    return json.loads((_GOLDEN / f"{name}.json").read_text("utf-8"))


def _delivery(milestone: Status = Status.PENDING) -> Delivery:
    return Delivery(
        id=_ID,
        scope=_SCOPE,
        progress=Progress(milestone, milestone),
        pickup=Stop("21 Zhibek Zholy, Almaty", "Almaty", None, "Kaspi Warehouse", "8 727 111 0000"),
        dropoff=Stop(
            address="Кабанбай батыра 15, Астана",
            city="Astana",
            name="Dana K.",
            phone="+7 701 111 1111",
            phone_e164="+77011111111",
            notes="Entrance B, floor 6",
            latitude=51.1,
            longitude=71.4,
        ),
        parcel=Parcel(1200, "Electronics, insured", 85_000),
        fee=1290,
        pickup_by=_BEGIN + timedelta(hours=2),
        deliver_by=_BEGIN + timedelta(hours=12),
        created_at=_BEGIN,
        updated_at=_BEGIN,
        external_ref="order-2024-0191",
    )


def _events(steps: list[list[str | None]]) -> list[Event]:
    """Events of steps, each a status, a milestone and a note, a minute apart."""
    return [
        Event(
            id=UUID(int=seq),
            delivery_id=_ID,
            seq=seq,
            status=Status(status),
            milestone=Status(milestone),
            actor=Actor.COURIER,
            note=note,
            announced=(),
            occurred_at=_BEGIN + timedelta(minutes=seq - 1),
        )
        for seq, (status, milestone, note) in enumerate(steps, 1)
    ]


def test_created_delivery_is_written_as_the_golden_file() -> None:
    assert mapping.created(_delivery(), _URL) == _golden("created")


def test_delivery_is_written_as_the_golden_file() -> None:
    assert mapping.full(_delivery(Status.ASSIGNED), _URL) == _golden("delivery")


def test_list_is_written_as_the_golden_file() -> None:
    deliveries = [_delivery(Status.DELIVERED)]
    assert mapping.listed(deliveries, _URL, "a-cursor") == _golden("list")


def test_quote_is_written_as_the_golden_file() -> None:
    quote = Quote(
        id=_ID,
        scope=_SCOPE,
        bound={},
        fee=1290,
        pickup_within=timedelta(hours=2),
        delivery_within=timedelta(hours=10),
        created_at=_BEGIN,
        expires_at=_BEGIN + timedelta(minutes=15),
    )
    assert mapping.quoted(quote) == _golden("quote")


def test_order_is_read_as_the_golden_file() -> None:
    golden = _golden("order")
    wanted = read(DeliveryRequest, golden["request"], Context("KZ", sandbox=True))
    stops = [mapping.stop(stop, "KZ") for stop in (wanted.pickup, wanted.dropoff)]
    assert [
        {
            "address": s.address,
            "name": s.name,
            "phone": s.phone,
            "e164": s.phone_e164,
            "notes": s.notes,
        }
        for s in stops
    ] == golden["stops"]
    assert mapping.parcel(wanted.parcel) == Parcel(**golden["parcel"])
    assert mapping.order_payload(wanted) == golden["payload"]


def test_quote_binds_what_it_named() -> None:
    for case in _golden("quote_payloads"):
        wanted = read(QuoteRequest, case["request"], Context("KZ", sandbox=False))
        assert mapping.quote_payload(wanted) == case["payload"]
        assert mapping.quote_stop(wanted.pickup) == Stop(case["request"]["pickup"]["address"])


@pytest.mark.parametrize("case", _golden("histories"), ids=lambda case: case["name"])
def test_history_tells(case: dict[str, Any]) -> None:
    told = mapping.history(_events(case["events"]))
    assert [[entry["status"], entry.get("notes")] for entry in told] == case["history"]


def test_history_gives_jumped_statuses_the_time_of_the_jump() -> None:
    told = mapping.history(
        _events(
            [
                ["pending", "pending", None],
                ["out_for_delivery", "out_for_delivery", "Found at last"],
            ]
        )
    )
    assert told == [
        {"status": "created", "timestamp": "2026-03-04T05:06:07Z"},
        {"status": "accepted", "timestamp": "2026-03-04T05:07:07Z"},
        {"status": "in_transit", "timestamp": "2026-03-04T05:07:07Z"},
        {
            "status": "out_for_delivery",
            "timestamp": "2026-03-04T05:07:07Z",
            "notes": "Found at last",
        },
    ]


_MILESTONES = (*COURSE, Status.CANCELLED)


def test_every_milestone_is_shown_as_a_status_of_the_contract() -> None:
    assert {words.shown(milestone) for milestone in _MILESTONES} == set(words.STATUSES)
    for status in set(Status) - set(_MILESTONES):
        with pytest.raises(KeyError):
            words.shown(status)


def _at(milestone: Status) -> Progress:
    return Progress(milestone, milestone)


_CANCELLED = _at(Status.CANCELLED)


def test_announcements_leave_no_status_out() -> None:
    for before, after in product((None, *COURSE), COURSE):
        if before is not None and COURSE.index(before) > COURSE.index(after):
            continue
        types = DIALECT.announcements(before and _at(before), _at(after))
        told = [type.removeprefix("delivery.") for type in types]
        first = -1 if before is None else words.SEQUENCE.index(words.shown(before))
        last = words.SEQUENCE.index(words.shown(after))
        assert told == list(words.SEQUENCE[first + 1 : last + 1])


def test_cancellation_is_announced_once_wherever_it_happens() -> None:
    for before in (Status.AWAITING_PAYMENT, Status.PENDING, Status.ASSIGNED, Status.PICKUP_READY):
        assert DIALECT.announcements(_at(before), _CANCELLED) == ("delivery.cancelled",)
    assert DIALECT.announcements(_CANCELLED, _CANCELLED) == ()


@pytest.mark.parametrize(
    ("status", "milestone", "may"),
    [
        (Status.AWAITING_PAYMENT, Status.AWAITING_PAYMENT, True),
        (Status.PENDING, Status.PENDING, True),
        (Status.PENDING, Status.ASSIGNED, True),
        (Status.ASSIGNED, Status.ASSIGNED, True),
        (Status.PICKUP_READY, Status.PICKUP_READY, True),
        (Status.STALLED, Status.PICKUP_READY, True),
        (Status.IN_TRANSIT, Status.IN_TRANSIT, False),
        (Status.STALLED, Status.IN_TRANSIT, False),
        (Status.OUT_FOR_DELIVERY, Status.OUT_FOR_DELIVERY, False),
        (Status.DELIVERED, Status.DELIVERED, False),
        (Status.FAILED, Status.ASSIGNED, False),
        (Status.CANCELLED, Status.CANCELLED, False),
    ],
)
def test_cancelling_is_possible_until_the_pickup(
    status: Status, milestone: Status, may: bool
) -> None:
    assert DIALECT.may_cancel(Progress(status, milestone)) is may


def test_times_are_written_in_utc_and_whole_seconds() -> None:
    almaty = timezone(timedelta(hours=5))
    time = datetime(2024, 6, 12, 1, 2, 3, 999_999, tzinfo=almaty)
    assert timestamp(time) == "2024-06-11T20:02:03Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dlv_",
        words.delivery_id(_ID).upper(),
        words.delivery_id(_ID) + "=",
        words.delivery_id(_ID)[:-1],
        words.delivery_id(_ID)[4:],
        words.quote_id(_ID),
        "dlv_" + "0" * 26,
        "dlv_" + "я" * 26,
        words.delivery_id(_ID) + "\0",
    ],
)
def test_what_is_no_delivery_id_is_none(text: str) -> None:
    assert words.parse_id(text) is None


def test_ids_are_read_as_they_are_written() -> None:
    assert words.parse_id(words.delivery_id(_ID)) == _ID
    assert words.parse_quote_id(words.quote_id(_ID)) == _ID


def test_announcements_and_tests_have_ids_of_their_own() -> None:
    id = "agkwakq5ab5lzdppaerukz4jvm"
    assert words.id_on_webhook(_ID, 0, is_test=False) == words.event_id(_ID, 0) == f"wh_{id}"
    assert words.id_on_webhook(_ID, 2, is_test=False) == f"wh_{id}2"
    assert words.id_on_webhook(_ID, 2, is_test=True) == words.id_of_test(_ID) == f"wh_test_{id}"


def test_milestones_are_found_by_the_statuses_that_they_are_shown_as() -> None:
    assert words.milestones_of(["created"]) == [Status.AWAITING_PAYMENT, Status.PENDING]
    assert words.milestones_of(["delivered", "cancelled"]) == [Status.DELIVERED, Status.CANCELLED]


def test_a_delivery_is_shown_with_its_history_when_that_is_asked_for() -> None:
    events = _events([["pending", "pending", None], ["assigned", "assigned", "Aru"]])
    shown = mapping.full(_delivery(Status.ASSIGNED), _URL, events)
    assert shown == _golden("delivery") | {"history": mapping.history(events)}
    assert mapping.full(_delivery(), _URL, [])["history"] == []


def test_a_history_whose_first_events_are_gone_goes_on_from_the_oldest_that_is_there() -> None:
    events = _events(
        [
            ["pending", "pending", None],
            ["assigned", "assigned", None],
            ["stalled", "assigned", None],
            ["assigned", "assigned", None],
            ["in_transit", "in_transit", "At last"],
        ]
    )
    assert [[entry["status"], entry.get("notes")] for entry in mapping.history(events[1:])] == [
        ["accepted", "Delivery is delayed"],
        ["accepted", "Delivery goes on"],
        ["in_transit", "At last"],
    ]
    assert [[entry["status"], entry.get("notes")] for entry in mapping.history(events[2:])] == [
        ["accepted", "Delivery goes on"],
        ["in_transit", "At last"],
    ]


def test_an_answer_about_an_erased_delivery_keeps_its_shape_and_no_person() -> None:
    gone = personal_data.erased(_delivery(Status.ASSIGNED))
    told = DIALECT.erased_answer(_golden("delivery"), gone)
    assert told == mapping.full(gone, "") | {
        "externalOrderId": "order-2024-0191",
        "trackingUrl": _golden("delivery")["trackingUrl"],
    }
    created = _golden("created")
    assert DIALECT.erased_answer(created, gone) == created
    assert DIALECT.erased_answer(created | {"deliveryId": "dlv_another"}, gone) is None
    assert DIALECT.erased_answer({}, gone) is None
    as_told = {"deliveryId": words.delivery_id(_ID), "externalOrderId": "as it was told"}
    assert DIALECT.erased_answer(as_told, gone) == as_told


def test_why_things_stand_where_they_stood_is_told_with_its_time() -> None:
    events = _events(
        [
            ["pending", "pending", None],
            ["assigned", "assigned", None],
            ["pending", "assigned", None],
            ["assigned", "assigned", None],
        ]
    )
    assert mapping.history(events)[2:] == [
        {
            "status": "accepted",
            "timestamp": "2026-03-04T05:08:07Z",
            "notes": "The courier gave the delivery back",
        },
        {"status": "accepted", "timestamp": "2026-03-04T05:09:07Z", "notes": "Courier assigned"},
    ]

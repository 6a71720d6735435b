from datetime import timedelta

import pytest

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.event import Actor
from estafette.core.notifications.letter import Letter, LetterKind, LetterRefusedError, is_address
from estafette.core.notifications.mail_server import MailServer
from estafette.core.notifications.notification import NotificationKind, is_overtaken, told_of
from estafette.core.notifications.retry import MOST_ATTEMPTS, next_try

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, Status.PENDING, NotificationKind.CREATED),
        (None, Status.AWAITING_PAYMENT, None),
        (Status.AWAITING_PAYMENT, Status.PENDING, NotificationKind.CREATED),
        (Status.ASSIGNED, Status.PENDING, None),
        (Status.PENDING, Status.ASSIGNED, None),
        (Status.IN_TRANSIT, Status.OUT_FOR_DELIVERY, NotificationKind.OUT_FOR_DELIVERY),
        (Status.STALLED, Status.OUT_FOR_DELIVERY, None),
        (Status.OUT_FOR_DELIVERY, Status.DELIVERED, NotificationKind.DELIVERED),
        (Status.OUT_FOR_DELIVERY, Status.FAILED, NotificationKind.FAILED),
        (Status.PENDING, Status.CANCELLED, None),
    ],
)
def test_each_step_is_told_once(
    before: Status | None, after: Status, kind: NotificationKind | None
) -> None:
    assert told_of(before, after) is kind


def test_an_attempt_that_failed_is_told_once_and_what_time_stalls_is_not() -> None:
    stalled, failed, out = Status.STALLED, Status.FAILED, Status.OUT_FOR_DELIVERY
    assert told_of(out, stalled, Actor.DRIVER) is NotificationKind.FAILED
    assert told_of(stalled, failed, Actor.SYSTEM) is None
    assert told_of(stalled, failed, Actor.OPERATOR) is NotificationKind.FAILED
    assert told_of(out, stalled, Actor.SYSTEM) is None
    assert not is_overtaken(NotificationKind.FAILED, stalled)
    assert is_overtaken(NotificationKind.FAILED, out)


def test_a_driver_who_sets_out_once_more_is_on_the_way_again() -> None:
    stalled, out = Status.STALLED, Status.OUT_FOR_DELIVERY
    assert told_of(stalled, out, Actor.DRIVER) is NotificationKind.OUT_FOR_DELIVERY
    assert told_of(stalled, out, Actor.SYSTEM) is None


def test_what_the_delivery_has_passed_is_not_told_any_more() -> None:
    assert is_overtaken(NotificationKind.OUT_FOR_DELIVERY, Status.DELIVERED)
    assert is_overtaken(NotificationKind.CREATED, Status.CANCELLED)
    assert not is_overtaken(NotificationKind.CREATED, Status.IN_TRANSIT)
    of_status = set(NotificationKind) - {NotificationKind.CREATED, NotificationKind.RESCHEDULED}
    assert not any(is_overtaken(kind, Status(kind)) for kind in of_status)
    assert is_overtaken(NotificationKind.RESCHEDULED, Status.FAILED)
    assert not is_overtaken(NotificationKind.RESCHEDULED, Status.STALLED)


def test_attempts_grow_rarer_and_end() -> None:
    waits = [next_try(attempt, None, DAY) for attempt in range(1, MOST_ATTEMPTS)]
    seconds = [wait.total_seconds() for wait in waits if wait is not None]
    assert seconds == [20, 60, 180, 540, 1620, 3600, 3600]
    assert next_try(MOST_ATTEMPTS, None, DAY) is None


def test_an_attempt_that_would_come_too_late_is_not_made() -> None:
    assert next_try(3, None, timedelta(minutes=2)) is None
    assert next_try(1, timedelta(hours=3), timedelta(hours=2)) is None
    assert next_try(1, timedelta(minutes=5), timedelta(hours=2)) == timedelta(minutes=5)


@pytest.mark.parametrize(
    "address",
    [
        *("a@b", "a b@example.com", "a@example.com\r\nBcc: x@example.com", "A <a@example.com>"),
        *("a@example.com,b@example.com", "a@-x.com", "@example.com", "a" * 65 + "@example.com"),
        f"a@{'b.' * 130}com",
    ],
)
def test_an_address_of_more_than_one_mailbox_is_refused(address: str) -> None:
    assert not is_address(address)
    with pytest.raises(LetterRefusedError) as refused:
        Letter(LetterKind.PASSWORD_RESET, address, "en", {"link": "x", "hours": "5"})
    assert str(refused.value) == "an e-mail address must have the form name@example.com"


def test_a_letter_has_the_facts_of_its_kind_and_a_known_language() -> None:
    assert is_address("dana.k+work@mail.example.com")
    with pytest.raises(LetterRefusedError, match="hours, link"):
        Letter(LetterKind.PASSWORD_RESET, "a@example.com", "en", {"link": "x"})
    with pytest.raises(LetterRefusedError, match="kk"):
        Letter(LetterKind.PASSWORD_RESET, "a@example.com", "de", {"link": "x", "hours": "5"})
    facts = {"link": "x" * 2049, "hours": "5"}
    with pytest.raises(LetterRefusedError, match="2048"):
        Letter(LetterKind.PASSWORD_RESET, "a@example.com", "en", facts)


def test_a_mail_server_is_read_from_its_url() -> None:
    assert MailServer.read("smtps://u%40x:p%2F@mail.example") == MailServer(
        "smtps", "mail.example", 465, "u@x", "p/"
    )
    assert MailServer.read("smtp://mail.example:2525").port == 2525
    assert "p4ss" not in repr(MailServer.read("smtp://u:p4ss@mail.example"))


@pytest.mark.parametrize(
    "url",
    [
        *("http://mail.example", "smtps://", "smtps://h:x", "smtps://u@h", "smtps://h/box"),
        "smtp+plain://u:p4ss@h",
    ],
)
def test_a_wrong_mail_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"must (be|have)|password") as refused:
        MailServer.read(url)
    assert "p4ss" not in str(refused.value)

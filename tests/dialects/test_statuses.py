"""The statuses of the core in the words of each dialect: all are mapped, and none shines through.

What a dialect publishes is its contract's. A status that the core learns anew fails the type check
of each dialect's `words.py` until it is mapped; these tests hold what is mapped to the contract.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, cast

import pytest

from estafette.app import RECORDS
from estafette.core.deliveries.delivery import COURSE, TRANSITIONS, Progress, Status
from estafette.core.deliveries.event import Actor
from estafette.core.errors import CancelRefused
from estafette.core.money.payment import PaymentMethod
from estafette.dialects import DialectRecord
from estafette.dialects.entrega import listing as entrega_listing
from estafette.dialects.entrega import words as entrega
from estafette.dialects.kaspi import listing as kaspi_listing
from estafette.dialects.kaspi import words as kaspi
from tests.documents import document_of


def _enum(dialect: str, schema: str) -> list[str]:
    return document_of(dialect)["components"]["schemas"][schema]["enum"]


_MILESTONES = (*COURSE, Status.CANCELLED)

_PROGRESSES = [Progress(*each) for each in product(Status, _MILESTONES)]
"""Every status with every milestone, whether or not a delivery comes to it."""


def _enums(value: Any) -> Iterator[str]:
    """Every word that a contract enumerates."""
    if isinstance(value, dict):
        document = cast("dict[str, Any]", value)
        yield from map(str, document.get("enum", ()))
        value = list(document.values())
    if isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _enums(each)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_every_move_is_announced_in_words_of_thedocument_of(record: DialectRecord) -> None:
    published = {word for word in _enums(document_of(record.name)) if word.startswith("delivery.")}
    announced = {
        type
        for before, after in product((None, *_PROGRESSES), _PROGRESSES)
        if before is None or _can_follow(before, after)
        for type in record.dialect.announcements(before, after)
    }
    assert announced == published


_MOVED_TO = frozenset[Status]().union(*TRANSITIONS.values())


def _can_follow(before: Progress, after: Progress) -> bool:
    """Whether some move may lead there: no milestone is taken back."""
    is_ahead = _MILESTONES.index(before.milestone) <= _MILESTONES.index(after.milestone)
    return is_ahead and after.status in _MOVED_TO


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
@pytest.mark.parametrize("progress", _PROGRESSES, ids=str)
def test_every_status_can_be_refused_and_asked_about(
    record: DialectRecord, progress: Progress
) -> None:
    record.dialect.may_cancel(progress)
    reply = record.errors("http://delivery.example").reply(
        CancelRefused(progress.status, progress.milestone)
    )
    assert reply.status == 409


def test_entrega_shows_every_status_payment_and_actor_in_the_words_of_itsdocument_of() -> None:
    assert [entrega.shown(status) for status in Status] == _enum("entrega", "Status")
    assert list(entrega.STATUSES) == _enum("entrega", "Status")
    assert [entrega.payment_method(each) for each in PaymentMethod] == _enum(
        "entrega", "PaymentMethod"
    )
    sources = {entrega.source(actor) for actor in Actor}
    assert sources == set(_enum("entrega", "EventSource"))


def test_the_lists_find_every_status_by_the_words_of_the_contracts_and_no_others() -> None:
    found = [
        status
        for word in _enum("entrega", "Status")
        for status in entrega_listing.read_list(f"status={word}".encode()).statuses or ()
    ]
    assert sorted(found) == sorted(Status)
    milestones = [
        milestone
        for word in kaspi.STATUSES
        for milestone in kaspi_listing.read_list(f"status={word}".encode()).filter.milestones or ()
    ]
    assert sorted(milestones) == sorted(_MILESTONES)

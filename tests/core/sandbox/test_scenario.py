"""The sandbox's scripts: each can be played to its end, and is chosen by a mention in the notes."""

from datetime import timedelta

import pytest

from estafette.core.deliveries.delivery import Progress, Status
from estafette.core.sandbox.scenario import (
    DEFAULT,
    SCENARIOS,
    Answer,
    delay_seconds,
    due_in_seconds,
    mentioned,
    script,
)

PROMISED = {
    "no_courier",
    "courier_gives_back",
    "stalled_then_recovers",
    "recipient_unavailable",
    "refused_by_all",
    "driver_refuses",
    "driver_silent",
    "driver_vanishes",
    "driver_vanishes_with_parcel",
    "recipient_absent_twice",
    "refused_at_the_door",
    "wrong_pin",
    "slow",
    "real_pace",
    "webhook_duplicate",
    "webhook_late",
    "webhook_out_of_order",
}


def test_every_promised_scenario_exists_and_the_default_besides() -> None:
    assert set(SCENARIOS) == PROMISED | {DEFAULT}


@pytest.mark.parametrize("with_pickup_ready", [True, False])
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_script_is_legal_and_comes_to_an_end(name: str, with_pickup_ready: bool) -> None:
    progress = Progress(Status.PENDING, Status.PENDING)
    for step in script(name, with_pickup_ready=with_pickup_ready).steps:
        moved = progress.moved(step.to)
        assert moved is not None, f"{progress.status} to {step.to}"
        progress = moved
    assert progress.is_final or (name == "refused_by_all" and progress.status is Status.STALLED)


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_step_is_without_a_wait_and_a_note(name: str) -> None:
    assert all(step.wait > 0 and step.note for step in SCENARIOS[name].steps)


def test_drivers_answer_in_order_and_whoever_is_asked_after_them_takes_it_or_nobody_does() -> None:
    asked = {name: SCENARIOS[name].steps[0] for name in ("driver_refuses", "driver_silent")}
    first = {name: step.answer(1) for name, step in asked.items()}
    assert first == {"driver_refuses": Answer.REFUSES, "driver_silent": Answer.IS_SILENT}
    assert {step.answer(2) for step in asked.values()} == {Answer.ACCEPTS}
    nobody = SCENARIOS["refused_by_all"].steps[0]
    assert {nobody.answer(number) for number in (1, 3, 4)} == {Answer.REFUSES}
    assert SCENARIOS[DEFAULT].steps[0].answer(1) is Answer.ACCEPTS


def test_a_dialect_without_pickup_ready_never_sees_it() -> None:
    for name in SCENARIOS:
        steps = script(name, with_pickup_ready=False).course
        assert Status.PICKUP_READY not in [step.to for step in steps]


def test_no_name_and_an_unknown_name_play_the_default() -> None:
    default = script(DEFAULT, with_pickup_ready=True)
    assert script(None, with_pickup_ready=True) == default
    assert script("no_such_thing", with_pickup_ready=True) == default
    assert script("slow", with_pickup_ready=True) == SCENARIOS["slow"] != default


@pytest.mark.parametrize(
    ("notes", "name"),
    [
        (None, None),
        ("", None),
        ("Entrance B, floor 6", None),
        ("sandbox:slow", "slow"),
        ("Ring twice. sandbox:slow, please", "slow"),
        ("Подъезд 2\nsandbox:no_courier", "no_courier"),
        ("sandbox:slow sandbox:no_courier", "slow"),
        ("sandbox:unheard_of", "unheard_of"),
        ("my_sandbox:slow", None),
        ("sandbox: slow", None),
        ("Sandbox:slow", None),
    ],
)
def test_notes_mention_a_scenario_as_a_word_of_its_own(notes: str | None, name: str | None) -> None:
    assert mentioned(notes) == name


def test_waits_and_delays_are_counted_in_steps() -> None:
    slow = SCENARIOS["slow"]
    assert due_in_seconds(slow, 0, timedelta(seconds=2)) == 12
    assert due_in_seconds(slow, len(slow.steps), timedelta(seconds=2)) is None
    assert delay_seconds(1.5, timedelta(seconds=2)) == 3


def test_where_nothing_moves_by_itself_a_delay_counts_steps_of_five_seconds() -> None:
    assert due_in_seconds(SCENARIOS["slow"], 0, timedelta()) is None
    assert delay_seconds(6, timedelta()) == 30


def test_the_webhooks_of_a_move_are_as_late_as_its_step_and_of_any_other_as_the_scenario() -> None:
    late, overtaken = SCENARIOS["webhook_late"], SCENARIOS["webhook_out_of_order"]
    assert late.delay_of(Status.ASSIGNED) == 6
    assert late.delay_of(Status.CANCELLED) == 6
    assert overtaken.delay_of(Status.ASSIGNED) == 1.5
    assert overtaken.delay_of(Status.PICKUP_READY) == 0
    assert overtaken.delay_of(Status.CANCELLED) == 0

"""What the simulated couriers of the sandbox do: a script for each outcome a developer may need.

Waits and delays are counted in steps, whose length in seconds is a setting.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.failing import AttemptReason

_MENTION = re.compile(r"(?<![A-Za-z0-9_])sandbox:([A-Za-z0-9_]+)")


class Answer(Enum):
    """What a simulated driver does with an offer."""

    ACCEPTS = auto()
    REFUSES = auto()
    IS_SILENT = auto()
    """The offer ends by itself."""


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """One transition: `wait` steps after the one before, its webhooks `delay` steps later.

    Attributes:
        guesses: the courier has tried wrong PINs before it until no more may be tried.
        answers: what those drivers answer who are asked first before it.
        vanished: the driver has not been heard of since the step before.
        returns: the driver who has the parcel brings it back, by a delivery of its own.
        reason: why it is an attempt to deliver that fails. Where somebody has said what becomes of
            such attempts, that is done instead.
    """

    to: Status
    note: str
    wait: float = 1
    delay: float = 0
    guesses: bool = False
    answers: tuple[Answer, ...] = ()
    vanished: bool = False
    returns: bool = False
    reason: AttemptReason | None = None

    @property
    def is_asked_about(self) -> bool:
        """Whether drivers are asked before it."""
        return self.to is Status.ASSIGNED or bool(self.answers)

    def answer(self, number: int) -> Answer:
        """Returns what a driver does with the delivery's offer of that number, from 1."""
        if number <= len(self.answers):
            return self.answers[number - 1]
        return Answer.ACCEPTS if self.to is Status.ASSIGNED else Answer.REFUSES


@dataclass(frozen=True, slots=True)
class Scenario:
    """A script; every webhook of its delivery is sent `copies` times.

    The webhooks of what is not one of its steps, such as the creation, are sent `delay` steps late.
    `afterwards` is what follows once somebody has given to a driver what nobody took.
    """

    summary: str
    steps: tuple[ScenarioStep, ...]
    delay: float = 0
    copies: int = 1
    afterwards: tuple[ScenarioStep, ...] = ()

    @property
    def course(self) -> tuple[ScenarioStep, ...]:
        """All steps, by the numbers that plans have of them."""
        return (*self.steps, *self.afterwards)

    def delay_of(self, status: Status) -> float:
        """Returns by how many steps the webhooks of a move to `status` are delayed."""
        return next((step.delay for step in self.steps if step.to is status), self.delay)


_ASSIGNED = ScenarioStep(Status.ASSIGNED, "Courier assigned")
_READY = ScenarioStep(Status.PICKUP_READY, "Courier is on the way to the pickup")
_PICKED_UP = ScenarioStep(Status.IN_TRANSIT, "Parcel picked up")
_OUT = ScenarioStep(Status.OUT_FOR_DELIVERY, "Courier is close to the recipient")
_DELIVERED = ScenarioStep(Status.DELIVERED, "Handed to the recipient")
_ABSENT = AttemptReason.NOBODY_THERE
_REFUSED = AttemptReason.REFUSED_BY_RECIPIENT
_COURSE = (_ASSIGNED, _READY, _PICKED_UP, _OUT, _DELIVERED)

_WAITS_ON_A_STREET = (2, 12, 12, 36, 24)
_LATE = 6.0
_OVERTAKEN = 1.5

MOST_ASKED = 3
"""How many drivers are asked about a simulated delivery at most."""

OFFER_STEPS = 3.0
"""For how many steps an offer to a simulated driver is open."""

DEFAULT = "delivered"

SCENARIOS = {
    DEFAULT: Scenario("Everything goes well; this is also what happens by default.", _COURSE),
    "no_courier": Scenario(
        "Nobody takes the delivery: it stalls, then it is cancelled.",
        (
            ScenarioStep(Status.STALLED, "No courier is free"),
            ScenarioStep(Status.CANCELLED, "No courier could be found", wait=2),
        ),
    ),
    "courier_gives_back": Scenario(
        "The first courier gives the delivery back before the pickup; a second one delivers.",
        (
            _ASSIGNED,
            ScenarioStep(Status.PENDING, "The courier gave the delivery back"),
            ScenarioStep(Status.ASSIGNED, "Another courier assigned"),
            *_COURSE[1:],
        ),
    ),
    "stalled_then_recovers": Scenario(
        "The courier stops on the way for a while, then goes on and delivers.",
        (
            *_COURSE[:3],
            ScenarioStep(Status.STALLED, "The courier's vehicle broke down"),
            ScenarioStep(Status.IN_TRANSIT, "The courier is moving again", wait=2),
            *_COURSE[3:],
        ),
    ),
    "recipient_unavailable": Scenario(
        "The courier arrives and nobody opens: the delivery fails.",
        (*_COURSE[:4], ScenarioStep(Status.FAILED, "Recipient unavailable", reason=_ABSENT)),
    ),
    "refused_by_all": Scenario(
        "Every driver who is asked refuses: the delivery stalls, and somebody has to decide.",
        (
            ScenarioStep(
                Status.STALLED,
                "Three drivers were asked, and all refused",
                wait=3,
                answers=MOST_ASKED * (Answer.REFUSES,),
            ),
        ),
        afterwards=_COURSE[1:],
    ),
    "driver_refuses": Scenario(
        "The first driver who is asked refuses; the next one delivers.",
        (replace(_ASSIGNED, wait=2, answers=(Answer.REFUSES,)), *_COURSE[1:]),
    ),
    "driver_silent": Scenario(
        "The first driver who is asked does not answer in time; the next one delivers.",
        (replace(_ASSIGNED, wait=5, answers=(Answer.IS_SILENT,)), *_COURSE[1:]),
    ),
    "driver_vanishes": Scenario(
        "The driver is not heard of any more before the pickup; another one delivers.",
        (
            *_COURSE[:2],
            ScenarioStep(
                Status.PENDING, "The driver has vanished: taken back", wait=2, vanished=True
            ),
            ScenarioStep(Status.ASSIGNED, "Given to another driver"),
            *_COURSE[1:],
        ),
    ),
    "driver_vanishes_with_parcel": Scenario(
        "The driver is not heard of any more with the parcel on board: in the end it is lost.",
        (
            *_COURSE[:3],
            ScenarioStep(
                Status.STALLED, "The driver has vanished with the parcel", wait=2, vanished=True
            ),
            ScenarioStep(Status.FAILED, "The parcel is lost", wait=4),
        ),
    ),
    "recipient_absent_twice": Scenario(
        "Nobody opens, nor at the second attempt: the delivery fails, the parcel goes back.",
        (
            *_COURSE[:4],
            ScenarioStep(Status.STALLED, "nobody was there", reason=_ABSENT),
            ScenarioStep(Status.OUT_FOR_DELIVERY, "Courier tries again", wait=4),
            ScenarioStep(
                Status.FAILED,
                "Nobody opened: attempt 2 of 2, the parcel goes back",
                returns=True,
                reason=_ABSENT,
            ),
        ),
    ),
    "refused_at_the_door": Scenario(
        "The recipient does not take the parcel: the delivery fails, the parcel goes back.",
        (
            *_COURSE[:4],
            ScenarioStep(
                Status.FAILED,
                "The recipient refused the parcel, it goes back",
                returns=True,
                reason=_REFUSED,
            ),
        ),
    ),
    "wrong_pin": Scenario(
        "A wrong PIN is told until it is locked: the courier waits at the door for the operator.",
        (
            *_COURSE[:4],
            ScenarioStep(Status.STALLED, "A wrong PIN was told too often", guesses=True),
            ScenarioStep(Status.OUT_FOR_DELIVERY, "Courier waits at the door", wait=2),
            _DELIVERED,
        ),
    ),
    "slow": Scenario(
        "Everything goes well, six times slower.",
        tuple(replace(step, wait=6) for step in _COURSE),
    ),
    "real_pace": Scenario(
        "Everything goes well, about as fast as on a street: it takes six or seven minutes.",
        tuple(
            replace(step, wait=wait) for step, wait in zip(_COURSE, _WAITS_ON_A_STREET, strict=True)
        ),
    ),
    "webhook_duplicate": Scenario(
        "Everything goes well; every webhook is sent twice with the same event id.",
        _COURSE,
        copies=2,
    ),
    "webhook_late": Scenario(
        "Everything goes well; every webhook is sent six steps after its event.",
        tuple(replace(step, delay=_LATE) for step in _COURSE),
        delay=_LATE,
    ),
    "webhook_out_of_order": Scenario(
        "Everything goes well; every second webhook arrives after the one that follows it.",
        (
            replace(_ASSIGNED, delay=_OVERTAKEN),
            _READY,
            _PICKED_UP,
            replace(_OUT, delay=_OVERTAKEN),
            _DELIVERED,
        ),
    ),
}
"""All scenarios by the name that a drop-off note mentions as `sandbox:<name>`."""


def mentioned(notes: str | None) -> str | None:
    """Returns the name of the scenario in the notes, known or not; None when there is none."""
    found = _MENTION.search(notes or "")
    return found[1] if found else None


def script(name: str | None, *, with_pickup_ready: bool) -> Scenario:
    """Returns the scenario of that name, or the default one, also for a name that is not known.

    `with_pickup_ready` is False for a dialect that shows no such status: a step that nobody
    could see would look like a courier who does nothing.
    """
    scenario = SCENARIOS.get(name or DEFAULT, SCENARIOS[DEFAULT])
    if with_pickup_ready:
        return scenario
    steps, afterwards = (
        tuple(step for step in some if step.to is not Status.PICKUP_READY)
        for some in (scenario.steps, scenario.afterwards)
    )
    return replace(scenario, steps=steps, afterwards=afterwards)


_UNHURRIED = timedelta(seconds=5)


def due_in_seconds(script: Scenario, number: int, step: timedelta) -> float | None:
    """Returns how long after the one before it a script's step of that number is due by itself.

    None where nothing moves by itself (`step` is zero) and after the script's end.
    """
    if not step or number >= len(script.course):
        return None
    return script.course[number].wait * step.total_seconds()


def delay_seconds(steps: float, step: timedelta) -> float:
    """Returns how many seconds `steps` last; a step counts 5 where nothing moves by itself."""
    return steps * (step or _UNHURRIED).total_seconds()

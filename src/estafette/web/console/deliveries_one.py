"""One delivery in the console: its history, what was agreed, its webhooks; cancel it, move it."""

from datetime import datetime
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.accounts.account import Mode
from estafette.core.deliveries.delivery import Delivery, Status, way
from estafette.core.deliveries.event import NOTE_LIMIT
from estafette.core.errors import (
    CancelRefused,
    CourierUnavailable,
    DeliveryNotFound,
    HistoryFull,
    PinLocked,
    PinRequired,
    PinWrong,
    Refusal,
    TransitionRefused,
)
from estafette.core.notifications.notification import NotificationKind
from estafette.core.people.permission import PersonAct
from estafette.http.shell import Tone
from estafette.http.texts import N_, gettext
from estafette.usecases.deliveries.cancel import Cancellation, cancel
from estafette.usecases.deliveries.changes import version
from estafette.usecases.deliveries.confirm import Confirmation, confirm
from estafette.usecases.deliveries.failing import policy_of as held_policy
from estafette.usecases.deliveries.find import find_with_history
from estafette.usecases.deliveries.idempotency import Reply
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.notifications.outbox import Told, told
from estafette.usecases.proofs.show import linked
from estafette.usecases.sandbox.simulate import step_by_hand
from estafette.usecases.webhooks.endpoints import attempts_of as webhooks_of
from estafette.web.console.branding import KINDS
from estafette.web.console.by_hand import by_hand, delivery_in
from estafette.web.console.deliveries import named
from estafette.web.console.deliveries_proofs import shown_proof
from estafette.web.console.deliveries_words import METHODS, refused
from estafette.web.failing import attempts_of, policy_of
from estafette.web.history import happened
from estafette.web.parts import Column
from estafette.web.visit import Visit, render
from estafette.web.words import status_name

_FOLDER: Final = "web/console/templates"

_MOVES: Final = tuple(status for status in Status if status is not Status.AWAITING_PAYMENT)


async def show(request: Request, visit: Visit) -> Response:
    """Shows all that is known of a delivery."""
    id = delivery_in(request)
    try:
        shown = await version(visit.platform, visit.scope, id)  # before what it tells of
        delivery, events = await find_with_history(visit.platform, visit.scope, id)
    except DeliveryNotFound:
        raise HTTPException(404) from None
    attempts = []
    if visit.may(PersonAct.WEBHOOKS_SEE):
        attempts = await webhooks_of(visit.platform, visit.scope, id)
    names = by_hand(request)
    shown_id = names.show(visit, id)
    dialect = visit.platform.dialects[visit.account.dialect]
    may_cancel = visit.may(PersonAct.DELIVERIES_CANCEL)
    moves = []
    if visit.mode is Mode.SANDBOX and visit.may(PersonAct.DELIVERIES_MOVE):
        moves = [
            (status, status_name(status))
            for status in _MOVES
            if status is not delivery.status and way(delivery.progress, status)
        ]
    return render(
        visit,
        f"{_FOLDER}/delivery.html",
        here=f"{visit.home}/deliveries/{id.hex}",
        back=f"{visit.home}/deliveries",
        delivery=delivery,
        version=shown,
        name=named(shown_id, delivery),
        shown_id=shown_id,
        tracking_url=f"{visit.platform.public_url}/track/{shown_id}",
        happened=happened(delivery, events),
        method=gettext(METHODS[delivery.payment.method]),
        metadata=_metadata(delivery),
        attempts=attempts,
        attempt_columns=_attempt_columns(),
        told=[_told(visit, one) for one in await told(visit.platform, visit.account.id, id)],
        proofs=[
            shown_proof(proof, link)
            for proof, link in await linked(visit.platform, visit.scope, id)
        ],
        pin=_pin(delivery),
        policy=policy_of(await held_policy(visit.platform, delivery)),
        tried=attempts_of(delivery),
        related=_related(visit, delivery),
        may_cancel=may_cancel,
        may_confirm=delivery.is_held and visit.may(PersonAct.DELIVERIES_CONFIRM),
        why_not=_why_not(delivery, allowed=dialect.may_cancel(delivery.progress)),
        moves=moves,
        longest_note=NOTE_LIMIT,
        may=visit.may,
        acts=PersonAct,
    )


def _attempt_columns() -> list[Column]:
    return [
        Column("type", gettext("Event")),
        Column("endpoint", gettext("Endpoint")),
        Column("attempt", gettext("Attempt"), "number"),
        Column("outcome", gettext("Outcome")),
        Column("at", gettext("Sent"), "time"),
    ]


_TOLD: Final = {
    "waiting": (N_("Waits to be sent"), Tone.INFO),
    "sent": (N_("Sent"), Tone.GOOD),
    "overtaken": (N_("Left out: the delivery had gone on"), Tone.QUIET),
    "dead": (N_("Given up"), Tone.BAD),
}
"""What became of telling a recipient something."""


def _told(visit: Visit, one: Told) -> tuple[str, str, Tone, datetime]:
    """Returns what the recipient was told, what became of it and its colour, and of when it is."""
    state, tone = _TOLD.get(one.state, (one.state, Tone.QUIET))
    if visit.mode is Mode.SANDBOX and one.state == "sent":
        state, tone = N_("Rehearsed: nobody was told"), Tone.QUIET
    kind = KINDS[NotificationKind(one.kind)][0] if one.kind in KINDS else one.kind
    return gettext(kind), gettext(state), tone, one.created_at


def _metadata(delivery: Delivery) -> str:
    if not delivery.metadata:
        return ""
    from orjson import OPT_INDENT_2, dumps

    return dumps(delivery.metadata, option=OPT_INDENT_2).decode()


def _related(visit: Visit, delivery: Delivery) -> list[tuple[str, str]]:
    """Returns what the delivery brings back, or what brings it back: what it is, and its page."""
    named = (
        (gettext("It brings back this delivery"), delivery.return_of),
        (gettext("It is brought back by this delivery"), delivery.return_id),
    )
    return [(what, f"{visit.home}/deliveries/{id.hex}") for what, id in named if id is not None]


def _pin(delivery: Delivery) -> str | None:
    """Returns what is known of the recipient's PIN; the PIN itself is for the recipient."""
    if not delivery.require_pin:
        return None
    if delivery.pin_is_locked:
        return gettext("Asked for at the door; locked after too many wrong ones")
    if delivery.pin is None:
        return gettext("Asked for at the door; the courier company keeps it")
    return gettext("Asked for at the door; wrong ones so far: %(count)s",
        count=delivery.pin_failures)  # fmt: skip


def _why_not(delivery: Delivery, *, allowed: bool) -> str:
    """Returns why a delivery cannot be cancelled; "" where it can be."""
    status = delivery.status
    if status is Status.CANCELLED:
        return gettext("It is cancelled already.")
    if status is Status.DELIVERED:
        return gettext("It was delivered.")
    if status is Status.FAILED:
        return gettext("It has failed already.")
    if delivery.progress.picked_up:
        return gettext("The courier has the parcel: it cannot be cancelled any more.")
    if not allowed or Status.CANCELLED not in delivery.progress.allowed():
        return gettext("A courier is on the way to the pickup: it cannot be cancelled any more.")
    return ""


class _RefusedError(Exception):
    """What a person asked for was refused: on its way out of the use case, which keeps nothing."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def _done(outcome: Delivery | Refusal) -> Reply:
    if isinstance(outcome, Refusal):
        raise _RefusedError(outcome)
    return Reply(200, b"{}")


async def cancel_it(request: Request, visit: Visit) -> Response:
    """Cancels a delivery, with the reason that was typed."""
    id = delivery_in(request)
    here = f"{visit.home}/deliveries/{id.hex}"
    reason = visit.form.value("reason")[:NOTE_LIMIT] or None
    wanted = Cancellation(
        scope=visit.scope,
        dialect=visit.platform.dialects[visit.account.dialect],
        delivery_id=id,
        render=_done,
        reason=reason,
        by=visit.platform.by,
    )

    async def do() -> Response:
        try:
            await cancel(visit.platform, wanted)
        except DeliveryNotFound:
            raise HTTPException(404) from None
        except _RefusedError as outcome:
            return visit.go(here, refused(outcome.refusal), Tone.WARNING)
        except (CancelRefused, CourierUnavailable) as refusal:
            return visit.go(here, refused(refusal), Tone.WARNING)
        return visit.go(here, gettext("The delivery is cancelled."))

    return await visit.once(do)


async def confirm_it(request: Request, visit: Visit) -> Response:
    """Lets a delivery go on that a page of the merchant's has ordered, and that is held."""
    id = delivery_in(request)
    here = f"{visit.home}/deliveries/{id.hex}"
    wanted = Confirmation(
        scope=visit.scope,
        dialect=visit.platform.dialects[visit.account.dialect],
        delivery_id=id,
        by=visit.platform.by,
        render=_done,
    )

    async def do() -> Response:
        try:
            await confirm(visit.platform, wanted)
        except DeliveryNotFound:
            raise HTTPException(404) from None
        except _RefusedError as outcome:
            return visit.go(here, refused(outcome.refusal), Tone.WARNING)
        return visit.go(here, gettext("The delivery goes on."))

    return await visit.once(do)


async def move_it(request: Request, visit: Visit) -> Response:
    """Moves a delivery of the sandbox: to a status, or by the next step of its scenario."""
    id = delivery_in(request)
    if visit.mode is not Mode.SANDBOX:
        raise HTTPException(404)
    here = f"{visit.home}/deliveries/{id.hex}"
    dialect = visit.platform.dialects[visit.account.dialect]
    typed = visit.form.value("status")
    if typed and typed not in set(Status):
        raise HTTPException(400)
    note = visit.form.value("note")[:NOTE_LIMIT] or None

    async def do() -> Response:
        try:
            if typed:
                await move_by_hand(visit.platform, visit.scope, dialect, id, Status(typed), note)
            else:
                await step_by_hand(visit.platform, visit.scope, dialect, id, note)
        except DeliveryNotFound:
            raise HTTPException(404) from None
        except (TransitionRefused, HistoryFull, PinRequired, PinWrong, PinLocked) as refusal:
            return visit.go(here, refused(refusal), Tone.WARNING)
        return visit.go(here, gettext("The delivery was moved."))

    return await visit.once(do)

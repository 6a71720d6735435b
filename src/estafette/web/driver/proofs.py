"""`POST /driver/proofs`: one proof, as the phone's outbox sends it: a form, perhaps with a file.

Its fields are `driver`, `key` (the proof's id, by which it is known when it is sent again), `about`
(the assignment), `kind`, `stage`, `at` and `now` (milliseconds by the phone's clock), and perhaps
`said`, `latitude`, `longitude` and `file`. It is answered 200 once it is kept, 422 where it never
will be, with the reason; other refusals say whether it may be sent again.
"""

from datetime import datetime
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.errors import DeliveryNotFound
from estafette.core.fleet.refusals import AssignmentNotFound
from estafette.core.proofs.proof import ProofKind, ProofStage
from estafette.core.proofs.refusals import ProofRefusal
from estafette.http.refusals import BadBody
from estafette.usecases.fleet.own_proof import add_own_proof
from estafette.usecases.proofs.add import SentProof, point
from estafette.web.driver.body import moment_of, uuid_of
from estafette.web.driver.refusals import refusal as refused
from estafette.web.driver.visit import Code, DriverVisit

SECONDS: Final = 90.0
"""How long a picture may take to arrive. The page gives one up before, and sends it again: what is
refused here for its slowness would be lost there."""

_LONGEST_NUMBER = 40


async def take(request: Request, visit: DriverVisit) -> Response:
    """Takes a proof. Raises BadBody, Busy or Unavailable, or HTTPException 409 for another's."""
    form = visit.form
    if uuid_of(form.value("driver")) != visit.driver.id:
        raise HTTPException(409, Code.OTHER_DRIVER)
    try:
        kind, stage = ProofKind(form.value("kind")), ProofStage(form.value("stage"))
    except ValueError:
        raise BadBody("has a proof of no known kind") from None
    file = form.file("file")
    sent = SentProof(
        id=uuid_of(form.value("key")),
        kind=kind,
        stage=stage,
        taken_at=_moment(visit, "at"),
        said=form.value("said") or None,
        picture=None if file is None else file.body,
        at=point(_number(visit, "latitude"), _number(visit, "longitude")),
    )
    about, now = uuid_of(form.value("about")), _moment(visit, "now")
    try:
        kept = await add_own_proof(visit.platform, visit.driver, about, sent, now)
    except (ProofRefusal, AssignmentNotFound, DeliveryNotFound) as refusal:
        why = str(refusal) if isinstance(refusal, ProofRefusal) else "it is not yours"
        return refused(request, Code.NOT_KEPT, key=str(sent.id), why=why)
    body, headers = orjson.dumps({"key": str(kept.id)}), {"Cache-Control": "no-store"}
    return Response(body, media_type="application/json", headers=headers)


def _number(visit: DriverVisit, name: str) -> float | None:
    """Returns a number of the form; None where there is none."""
    text = visit.form.value(name)
    try:
        return float(text) if text and len(text) <= _LONGEST_NUMBER else None
    except ValueError:
        return None


def _moment(visit: DriverVisit, name: str) -> datetime:
    return moment_of(_number(visit, name))

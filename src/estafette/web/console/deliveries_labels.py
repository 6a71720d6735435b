"""Labels to print: a page of A6 sheets, one for each delivery, for any printer of a browser."""

from typing import Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.core.deliveries.delivery import Delivery
from estafette.core.errors import DeliveryNotFound
from estafette.http.shell import Tone
from estafette.http.texts import gettext
from estafette.usecases.deliveries.find import Finder
from estafette.web.asked import id_in
from estafette.web.console.by_hand import by_hand
from estafette.web.visit import Visit, render

MOST: Final = 100
"""How many labels are printed at once."""


async def show(request: Request, visit: Visit) -> Response:
    """Shows the labels of the deliveries that are named, each once, in their order."""
    texts = request.query_params.getlist("id")
    if not texts:
        said = gettext("Tick the deliveries whose labels you want first.")
        return visit.go(f"{visit.home}/deliveries", said, Tone.WARNING)
    if len(texts) > 10 * MOST:
        raise HTTPException(404)
    ids = list(dict.fromkeys(map(id_in, texts)))
    finder, names = Finder(visit.platform), by_hand(request)
    labels = [
        _label(visit, names.show(visit, id), await _found(finder, visit, id)) for id in ids[:MOST]
    ]
    return render(
        visit,
        "web/console/templates/labels.html",
        labels=labels,
        left_off=max(0, len(ids) - MOST),
        most=MOST,
        currency=visit.account.market.currency,
        sender=visit.account.name,
    )


async def _found(finder: Finder, visit: Visit, id: UUID) -> Delivery:
    try:
        return await finder.find(visit.scope, id)
    except DeliveryNotFound:
        raise HTTPException(404) from None


def _label(visit: Visit, shown_id: str, delivery: Delivery) -> dict[str, Any]:
    number = delivery.reference or shown_id
    return {
        "delivery": delivery,
        "number": number,
        "bars": bars(number),
        "squares": squares(f"{visit.platform.public_url}/track/{shown_id}"),
    }


def bars(text: str) -> dict[str, Any]:
    """Returns an ASCII text as Code 128: the path of its bars, and how many modules are wide."""
    from barcode.codex import Code128

    modules: str = Code128(text).build()[0]
    runs: list[str] = []
    at = 0
    while at < len(modules):
        end = at
        while end < len(modules) and modules[end] == modules[at]:
            end += 1
        if modules[at] == "1":
            runs.append(f"M{at} 0h{end - at}v1h-{end - at}z")
        at = end
    return {"path": "".join(runs), "width": len(modules)}


def squares(text: str) -> dict[str, Any]:
    """Returns a text as a QR code: the path of its squares, and how many are wide."""
    import segno

    code = segno.make_qr(text, error="m")
    rows = [bytes(row) for row in code.matrix]
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    return {"path": path, "width": len(rows)}

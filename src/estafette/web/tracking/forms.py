"""The forms of a recipient: how one is shown, read within its bound, done, and answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from estafette.core.deliveries.places import DeliveryOver
from estafette.http.pages import as_texts, guards
from estafette.http.refusals import BadBody, BodyTooLarge, EncodedBody
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.forms import NO_FORM, Form, read_form
from estafette.web.tracking.grounds import parameter
from estafette.web.tracking.render import Links
from estafette.web.tracking.texts import Texts

_HEADERS: Final = {
    **as_texts(
        guards(style="'self'", script="'self'", font="'self'", img="'self'", forms="'self'")
    ),
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One look at a form, or one sending of it.

    It is of a delivery, in the words of a language, at a moment; `visitor` is the address by which
    who asks is counted.
    """

    delivery: TrackedDelivery
    texts: Texts
    links: Links
    now: datetime
    visitor: str | None


class RecipientForm(Protocol):
    """A form of a recipient: `name` is the last part of its path, `limit` its length in bytes."""

    @property
    def name(self) -> str:
        """The last part of its path."""
        ...

    @property
    def limit(self) -> int:
        """How long it may be, in bytes."""
        ...

    def unread(self, texts: Texts) -> str:
        """Returns what is said where it cannot be read."""
        ...

    async def do(self, asked: Asked, form: Form) -> str | None:
        """Does what was filled in; returns what is wrong with it. Raises DeliveryOver, Busy."""
        ...

    def html(self, asked: Asked, form: Form, fault: str | None, *, is_done: bool) -> str:
        """Returns its page, with what was filled in and what is wrong with it."""
        ...


async def serve(own: RecipientForm | None, request: Request, asked: Asked) -> Response:
    """Shows a form, or does what it says and shows that; without one, or too late, the page."""
    page, language = asked.links.page, asked.texts.code
    if own is None or asked.delivery.is_final:
        return _to(f"{page}?lang={language}")
    form, fault, status = NO_FORM, None, 200
    if request.method == "POST":
        try:
            form = await read_form(request.scope, request.receive, own.limit)
            fault, status = await own.do(asked, form), 422
        except DeliveryOver:
            return _to(f"{page}?lang={language}")
        except (BadBody, BodyTooLarge, EncodedBody):
            fault, status = own.unread(asked.texts), 400
        if fault is None:
            return _to(f"{page}/{own.name}?lang={language}&said=1")
    is_done = fault is None and parameter(request, "said") is not None
    html = own.html(asked, form, fault, is_done=is_done)
    return HTMLResponse(html, status, headers=_HEADERS | {"Content-Language": language})


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, headers=_HEADERS)

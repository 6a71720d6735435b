"""What every page of a recipient stands on: its guards, language and links, and its refusals."""

import re
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from estafette.core.errors import Busy, Unavailable
from estafette.http.language import DEFAULT, negotiate
from estafette.http.pages import as_texts, guards
from estafette.http.parameters import parameters
from estafette.usecases.deliveries.tracking import TrackedDelivery
from estafette.web.tracking import render
from estafette.web.tracking.render import Links
from estafette.web.tracking.texts import LANGUAGES, Texts
from estafette.web.tracking.view import sender_card

GUARDS = {
    **as_texts(
        guards(
            style="'self'",
            script="'self'",
            font="'self'",
            img="'self'",
            connect="'self'",
            manifest="'self'",
            worker="'self'",
        )
    ),
    "X-Robots-Tag": "noindex, nofollow",
}
PRIVATE = GUARDS | {"Cache-Control": "no-store", "Vary": "Accept-Language"}
LONGEST_LINK = 200
CLINGING = re.compile(
    r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$"
)  # characters that chats and people leave around a link


def expired(texts: Texts, links: Links, delivery: TrackedDelivery) -> Response:
    """Returns the page of a delivery that ended, and whose data is gone."""
    words, sender = texts.page, sender_card(delivery)
    html = render.notice(
        texts,
        links,
        title=words.expired_title,
        detail=words.expired_detail,
        steps=words.expired_steps,
        sender=sender,
    )
    return html_of(html, texts, 410)


async def refuse(request: Request, error: Exception) -> Response:
    """Returns the page that says that nothing was found."""
    texts = texts_of(request, DEFAULT)
    status = error.status_code if isinstance(error, HTTPException) else 404
    words = texts.page
    title, detail, steps = words.missing_title, words.missing_detail, words.missing_steps
    if status == 429:
        title, detail, steps = words.crowded_title, words.crowded_detail, ()
    page = _notice(request, texts, status, title, detail, steps)
    if isinstance(error, HTTPException):
        page.headers.update(error.headers or {})  # what is allowed, with a 405; when to come back
    return page


async def put_off(request: Request, error: Exception) -> Response:
    """Returns the page that asks the reader to come back later."""
    page = await stumble(request, error)
    page.status_code = 503
    if isinstance(error, Busy | Unavailable):
        page.headers["Retry-After"] = str(error.retry_after)
    return page


async def stumble(request: Request, _error: Exception) -> Response:
    """Returns the page for an error of ours, which the server logs."""
    texts = texts_of(request, DEFAULT)
    return _notice(request, texts, 500, texts.page.trouble_title, texts.page.trouble_detail)


def _notice(
    request: Request,
    texts: Texts,
    status: int,
    title: str,
    detail: str,
    steps: Sequence[str] = (),
) -> Response:
    links = links_of(request, written_id(request))
    html = render.notice(texts, links, title=title, detail=detail, steps=steps)
    return html_of(html, texts, status)


def html_of(html: str, texts: Texts, status: int = 200) -> Response:
    """Returns a page as HTML, which nobody keeps."""
    return HTMLResponse(html, status, headers=PRIVATE | {"Content-Language": texts.code})


def texts_of(request: Request, unstated: str) -> Texts:
    """Returns the texts in the language of `?lang=`, or in one that the browser accepts."""
    asked = LANGUAGES.get(parameter(request, "lang") or "")
    if asked is not None:
        return asked
    header = ", ".join(request.headers.getlist("accept-language")) or None
    return LANGUAGES[negotiate(header, LANGUAGES, unstated=unstated)]


def parameter(request: Request, name: str) -> str | None:
    """Returns a parameter of the query string, of several the last; None when there is none."""
    values = parameters(request.scope["query_string"]).get(name)
    return values[-1] if values else None


def links_of(request: Request, public_id: str, origin: str = "") -> Links:
    """Returns the addresses of a delivery's pages."""
    return Links(
        base=str(request.scope.get("root_path", "")).rstrip("/"),
        public_id=public_id,
        origin=origin,
    )


def written_id(request: Request) -> str:
    """Returns the id in the path, without characters that were copied along with the link."""
    return CLINGING.sub("", str(request.path_params.get("public_id", ""))[:LONGEST_LINK])

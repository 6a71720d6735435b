"""Errors as pages for people with browsers; programs get the shape of their API.

A page is given only to a caller who prefers one (`Accept: text/html` first, as browsers send it)
and shows no key. The default of Java's and other libraries (`text/html, …, *; q=.2`) counts as a
program's.
"""

import re
from collections.abc import Iterable

from starlette.types import Scope

from estafette.http.reply import NO_STORE, Header, HttpReply
from estafette.http.request import header_values
from estafette.http.shell import Shell, query_of, reader_of, render
from estafette.http.texts import N_

_TEXTS = {
    403: (
        N_("This is not for you"),
        N_("You are known here, and may not do this. Whoever looks after your team can change it."),
    ),
    404: (
        N_("There is nothing here"),
        N_("The address is wrong, or what it led to has been moved or deleted."),
    ),
    405: (
        N_("Not in this way"),
        N_("The address is right, but it is meant for programs, which ask for it differently."),
    ),
    429: (
        N_("A little slower, please"),
        N_("So many requests came from your network that we make a pause. Try again in a moment."),
    ),
    500: (
        N_("We stumbled"),
        N_("Something went wrong on our side and has been written down. Try again."),
    ),
    503: (
        N_("Back in a moment"),
        N_("The server is busy, or has just been started. Nothing is lost; try again shortly."),
    ),
}
PAGES = frozenset(_TEXTS)
"""The statuses that have a page."""

_LONGEST_HEADER = 500
_ITEM = re.compile(
    r"\s*(\*/\*|[!#$%&'+.^_`|~0-9A-Za-z-]+/(?:\*|[!#$%&'+.^_`|~0-9A-Za-z-]+))\s*"
    r"(?:;\s*(?!q=)[^;,=]+=[^;,]*)*(?:;\s*[qQ]\s*=\s*([01](?:\.\d{0,3})?)\s*)?"
)
_KEYS = frozenset({b"authorization", b"x-api-key"})
_KEPT = (b"access-control-", b"allow", b"retry-after", b"vary", b"www-authenticate")


def wants_page(scope: Scope) -> bool:
    """Returns whether a person asks, to whom an error is shown as a page."""
    if any(name in _KEYS for name, _ in scope["headers"]):
        return False
    accept = b",".join(header_values(scope, b"accept")).decode("latin-1")[:_LONGEST_HEADER]
    weights: dict[str, float] = {}
    for item in accept.split(","):
        found = _ITEM.fullmatch(item)
        if found is None:
            return False
        weights[found[1].lower()] = float(found[2] or 1)
    page = weights.pop("text/html", 0.0)
    others = (
        q for type, q in weights.items() if "json" in type or type in ("*/*", "application/*")
    )
    return page > max(others, default=0.0)


def is_page(headers: Iterable[Header]) -> bool:
    """Returns whether an answer with these headers is a page already."""
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html")
        for name, value in headers
    )


def error_page(
    scope: Scope, status: int, request_id: str, headers: Iterable[Header] = ()
) -> HttpReply:
    """Returns the page of an error. It keeps those of the `headers` that do not describe the body.

    A person tells the `request_id` to the operator after a crash.
    """
    title, detail = _TEXTS[status]
    kept = [each for each in headers if each[0].lower().startswith(_KEPT)]
    return render(
        "web/templates/error.html",
        reader_of(scope),
        Shell(query=query_of(scope)),
        status=status,
        headers=(*kept, (b"vary", b"accept, accept-language"), NO_STORE),
        code=status,
        heading=title,
        detail=detail,
        request_id=request_id if status == 500 else "",
    )

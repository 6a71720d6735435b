"""Applications for pages that belong to no dialect: their refusals are plain text."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from estafette.core.errors import Refusal
from estafette.http.refusals import HttpRefusal, MethodRefused, RateLimited
from estafette.http.reply import HttpReply

_MESSAGES = {
    401: "The token is missing or wrong",
    404: "Nothing is served under this path",
}
_UNKNOWN = "The request was refused"


def application(routes: Sequence[BaseRoute]) -> Starlette:
    """Returns an application that serves these routes. A path with an extra slash is unknown."""
    built = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _refused, RateLimited: _rate_limited},
    )
    built.router.redirect_slashes = False
    return built


def method_refused(refusal: MethodRefused) -> HttpReply:
    """Returns the answer to a method that the path does not support."""
    allowed = ", ".join(refusal.allowed)
    headers = ((b"content-type", b"text/plain; charset=utf-8"), (b"allow", allowed.encode()))
    return HttpReply(405, f"{_knows(allowed)}\n".encode(), headers)


def refused(refusal: Refusal | HttpRefusal) -> HttpReply:
    """Returns the answer of files and pages to one of their own refusals; to any other, a 404."""
    text = (b"content-type", b"text/plain; charset=utf-8")
    if isinstance(refusal, MethodRefused):
        return method_refused(refusal)
    if isinstance(refusal, RateLimited):
        wait = (b"retry-after", str(refusal.retry_after).encode())
        return HttpReply(429, f"{_too_many(refusal)}\n".encode(), (text, wait))
    return HttpReply(404, f"{_MESSAGES[404]}\n".encode(), (text,))


def _too_many(refusal: RateLimited) -> str:
    return f"Too many requests; try again in {refusal.retry_after} s"


def _knows(allowed: str) -> str:
    return f"This path knows {allowed}"


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as it is registered
    headers = dict(error.headers or {})
    message = _MESSAGES.get(error.status_code, _UNKNOWN)
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
        message = _knows(headers["Allow"])
    return PlainTextResponse(f"{message}\n", error.status_code, headers)


async def _rate_limited(_: Request, error: Exception) -> Response:
    assert isinstance(error, RateLimited)  # noqa: S101 - as it is registered
    return PlainTextResponse(f"{_too_many(error)}\n", 429, {"Retry-After": str(error.retry_after)})

"""Sending a reply whose whole body is known."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from starlette.types import Send

Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")


NO_STORE: Header = (b"cache-control", b"no-store")
NO_SNIFF: Header = (b"x-content-type-options", b"nosniff")


def guarded(headers: Iterable[Header]) -> list[Header]:
    """Returns the headers of an answer, with those against caches and guessed content types.

    An answer with a `Cache-Control` of its own, such as a file's, keeps it.
    """
    all_headers = list(headers)
    names = [name for name, _ in all_headers]
    if b"cache-control" not in names:
        all_headers.append(NO_STORE)
    if b"x-content-type-options" not in names:
        all_headers.append(NO_SNIFF)
    return all_headers


class HttpReply(NamedTuple):
    """A whole reply: status, body, and headers besides `Content-Length`."""

    status: int
    body: bytes
    headers: Sequence[Header] = (JSON,)


async def send_reply(send: Send, reply: HttpReply, *, without_body: bool = False) -> None:
    """Sends `reply`; `without_body` for HEAD, whose headers are those of GET."""
    # 204 must have no length, and 304 none that differs from the 200's (RFC 9110, 8.6).
    bare = reply.status in (204, 304)
    length = () if bare else ((b"content-length", str(len(reply.body)).encode()),)
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [*reply.headers, *length],
        }
    )
    await send({"type": "http.response.body", "body": b"" if without_body else reply.body})

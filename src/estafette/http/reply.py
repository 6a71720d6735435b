"""Sending a reply that is at hand as a whole."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.types import Send

Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")


class HttpReply(NamedTuple):
    """A whole reply: status, body, and headers besides `Content-Length`."""

    status: int
    body: bytes
    headers: Sequence[Header] = (JSON,)


async def send_reply(send: Send, reply: HttpReply, *, without_body: bool = False) -> None:
    """Sends `reply`; `without_body` for HEAD, whose headers are those of GET."""
    # 204 must not tell a length, nor 304 another one than the 200 had (RFC 9110, 8.6)
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

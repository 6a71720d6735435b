"""`/tiles/{edition}`: the operator's map tiles, one file of which maps read parts (RFC 9110, 14).

Without tiles there is nothing here, and maps draw stops and drivers alone.
"""

import asyncio
import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope

from estafette.core.errors import Refusal
from estafette.http.files import FOR_EVER
from estafette.http.limiter import open_to_all
from estafette.http.plain import refused
from estafette.http.refusals import HttpRefusal, PathUnknown
from estafette.http.reply import NO_SNIFF, Header, HttpReply
from estafette.http.request import header_values
from estafette.http.resource import resources
from estafette.usecases.platform import Platform
from estafette.usecases.tiles import LONGEST_PART, TilesGone, part_of_tiles, tiles_edition

PREFIX: Final = "/tiles"

_TYPE: Header = (b"content-type", b"application/vnd.pmtiles")
_RANGE: Final = re.compile(rb"(?i:bytes)=([0-9]{0,18})-([0-9]{0,18})")
_WITHOUT: Final = f"Ask for a part of at most {LONGEST_PART} bytes, such as Range: bytes=0-16383.\n"


def path_of(platform: Platform) -> str | None:
    """Returns the path of the tiles that are there now; None: there are none."""
    edition = tiles_edition(platform)
    return edition and f"{PREFIX}/{edition}"


def build(platform: Platform) -> ASGIApp:
    """Returns the application, to be mounted at `PREFIX`."""

    async def part(scope: Scope, _: Receive) -> HttpReply:
        edition = scope["path_params"]["edition"]
        kept: list[Header] = [
            (b"etag", f'"{edition}"'.encode()),
            (b"cache-control", FOR_EVER.encode()),
            (b"accept-ranges", b"bytes"),
            NO_SNIFF,
        ]
        if edition != tiles_edition(platform):
            raise PathUnknown  # a page that was opened before the file was replaced
        if header_values(scope, b"if-none-match") == [f'"{edition}"'.encode()]:
            return HttpReply(304, b"", kept)
        asked = header_values(scope, b"range")
        wanted = _RANGE.fullmatch(asked[0]) if len(asked) == 1 else None
        if wanted is None or not (wanted[1] or wanted[2]):
            return HttpReply(400, _WITHOUT.encode(), [(b"content-type", b"text/plain"), NO_SNIFF])
        first, last = (int(each) if each else None for each in wanted.groups())
        try:
            found = await asyncio.to_thread(part_of_tiles, platform, first, last)
        except TilesGone:
            raise PathUnknown from None
        if not found.body:
            size = f"bytes */{found.size}".encode()
            return HttpReply(416, b"", [(b"content-range", size), NO_SNIFF])
        span = f"bytes {found.first}-{found.first + len(found.body) - 1}/{found.size}"
        return HttpReply(206, found.body, [_TYPE, (b"content-range", span.encode()), *kept])

    return resources({"/{edition}": {"GET": open_to_all(part)}}, _refuse)


def _refuse(refusal: Refusal | HttpRefusal) -> HttpReply:
    return refused(refusal)

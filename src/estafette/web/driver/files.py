"""The files of the driver's page, and what makes it an app: the worker and the manifest."""

from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from estafette.http.files import Files
from estafette.http.language import language_of
from estafette.http.limiter import limits_of
from estafette.http.pages import ASSETS, PACKAGE, VENDOR, as_texts, guards
from estafette.http.refusals import PathUnknown
from estafette.http.texts import LANGUAGES, Reader, gettext, read_by
from estafette.http.trace import trace_of

GUARDS: Final = guards(
    script="'self'",
    style="'self'",
    font="'self'",
    img="'self' blob:",  # a photo that was just taken
    connect="'self'",
    manifest="'self'",
    worker="'self'",
    forms="'self'",
)
"""The policy of these pages."""

_READER: Final = "reader.js"
READER_GUARDS: Final = guards(script="'self' 'wasm-unsafe-eval'", connect="'self'")
"""The policy of the thread that reads codes: WebAssembly is allowed in it, and in nothing else."""


FOLDER: Final = PACKAGE / "web" / "driver" / "static"
_TAKEN: Final = ("tokens.css", "emblem.svg")
_VENDORED: Final = ("idb.js", "signature_pad.js", "icons.svg", "zxing.")
_SELDOM: Final = frozenset({_READER, "zxing.js", "zxing.wasm"})
"""What phones keep from its first use on, and not before: it is large, and few need it."""
_ICONS: Final = PACKAGE / "web" / "tracking" / "static"


def _read() -> Files:
    vendored = sorted(VENDOR.iterdir(), key=lambda file: file.name) if VENDOR.is_dir() else []
    return Files(
        [
            *sorted(FOLDER.iterdir(), key=lambda file: file.name),
            *(ASSETS / name for name in _TAKEN),
            *(_ICONS / f"icon-{side}.png" for side in (192, 512)),
            *(file for file in vendored if file.name.startswith((*_VENDORED, "onest-"))),
        ]
    )


FILES: Final = _read()
"""The files of this installation, with their edition, which is part of their address."""


def path_of(name: str) -> str:
    """Returns the path of a file."""
    return f"/driver/static/{FILES.edition}/{name}"


async def serve_file(request: Request) -> Response:
    """Serves a file; browsers may keep it for ever."""
    limits_of(request.scope).ask(request.scope)
    given = request.path_params
    try:
        reply = FILES.reply(request.scope, given["name"], given["edition"])
    except PathUnknown:
        raise HTTPException(404) from None
    policy = READER_GUARDS if given["name"] == _READER else GUARDS
    headers = as_texts(policy) | as_texts(reply.headers)
    return Response(reply.body, headers=headers)


async def serve_worker(request: Request) -> Response:
    """Serves the script that keeps the page for a time without a connection."""
    trace_of(request.scope).route = "/driver/worker.js"
    limits_of(request.scope).ask(request.scope)
    names = FILES.keys() - {"worker.js"} - _SELDOM
    body = FILES["worker.js"].body.replace(b"{edition}", FILES.edition.encode())
    body = body.replace(b'["{files}"]', orjson.dumps(sorted(map(path_of, names))))
    headers = as_texts(GUARDS) | {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/driver"}
    return Response(body, media_type="text/javascript; charset=utf-8", headers=headers)


async def serve_manifest(request: Request) -> Response:
    """Serves what a phone needs to keep the page on its home screen."""
    trace_of(request.scope).route = "/driver/page.webmanifest"
    limits_of(request.scope).ask(request.scope)
    language = language_of(request.scope, LANGUAGES)
    with read_by(Reader(language)):
        name = gettext("Deliveries")
    icons = [
        {
            "src": path_of(f"icon-{side}.png"),
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": purpose,
        }
        for side in (192, 512)
        for purpose in ("any", "maskable")
    ]
    body = orjson.dumps(
        {
            "name": name,
            "short_name": name,
            "lang": language,
            "id": "/driver",
            "start_url": "/driver",
            "scope": "/driver",
            "display": "standalone",
            "orientation": "portrait",
            "background_color": "#10173d",
            "theme_color": "#10173d",
            "icons": icons,
        }
    )
    headers = as_texts(GUARDS) | {"Cache-Control": "no-cache"}
    return Response(body, media_type="application/manifest+json", headers=headers)

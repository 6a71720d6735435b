"""From a view to HTML: the templates, and the files that go with them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable

import orjson

from estafette.core.accounts.colour import brand_colours
from estafette.http.files import Files
from estafette.http.pages import PACKAGE, VENDOR, template
from estafette.web.tracking import route
from estafette.web.tracking.texts import LANGUAGES, Texts
from estafette.web.tracking.view import SenderCard, TrackingView

_TYPEFACE = "onest-latin-wght-normal.woff2"
_REFERENCE_LENGTH = 6


def read_files(vendor: Traversable) -> Files:
    """Returns the page's files: our own, and the typeface from `vendor`.

    Where the build did not lay it there, the page is set in the reader's system font: its style
    sheet names one.
    """
    own = sorted((PACKAGE / "web/tracking/static").iterdir(), key=lambda file: file.name)
    fonts = sorted(vendor.iterdir(), key=lambda file: file.name) if vendor.is_dir() else []
    return Files([*own, *(file for file in fonts if file.name.startswith("onest-"))])


FILES = read_files(VENDOR)
"""The files of this installation, read once."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where the page's links lead: `base` is the path it is mounted at, without a final slash.

    `origin` is where the world reaches us: what shows a link to others asks for whole addresses.
    `tiles` is the path of what its map is drawn over, if there is any.
    """

    base: str
    public_id: str
    origin: str = ""
    tiles: str | None = None

    @property
    def files(self) -> str:
        """The folder of the page's files."""
        return f"{self.base}/static/{FILES.edition}"

    @property
    def page(self) -> str:
        """The page itself."""
        return f"{self.base}/{self.public_id}"

    @property
    def events(self) -> str:
        """The page's stream of updates."""
        return f"{self.page}/events"

    @property
    def manifest(self) -> str:
        """What a phone needs to keep the page on its home screen."""
        return f"{self.page}/page.webmanifest"

    @property
    def preview(self) -> str:
        """The picture beside a link that somebody shares: the same for all deliveries."""
        return f"{self.origin}{self.files}/preview.png"

    @property
    def reference(self) -> str:
        """The end of the id: enough to tell two deliveries apart, too little to open one."""
        return self.public_id[-_REFERENCE_LENGTH:]


def fragment(view: TrackingView, links: Links) -> tuple[str, str]:
    """Returns the part of the page that changes, and its fingerprint.

    Equal fingerprints mean that a reader would see the same.
    """
    html = _render("delivery.html", view.texts, view=view, links=links)
    # a new edition of the style sheet may not fit an old fragment, nor one page another
    return html, hashlib.sha256(f"{FILES.edition}{links.page}{html}".encode()).hexdigest()[:16]


def page(view: TrackingView, links: Links, *, is_preview: bool = False) -> str:
    """Returns the whole page; as a preview it follows nothing and leads nowhere."""
    html, fingerprint = fragment(
        replace(view, asks_where=False, asks_when=False) if is_preview else view, links
    )
    return _render(
        "page.html",
        view.texts,
        view=view,
        links=links,
        fragment=html,
        fingerprint=fingerprint,
        is_preview=is_preview,
    )


def notice(
    texts: Texts,
    links: Links,
    *,
    title: str,
    detail: str,
    steps: Sequence[str] = (),
    sender: SenderCard | None = None,
) -> str:
    """Returns a page that says only one thing: that there is nothing here, or that we stumbled.

    `steps` are what the reader can do, `sender` is whom to ask, where that is known.
    """
    return _render(
        "notice.html",
        texts,
        links=links,
        title=title,
        detail=detail,
        steps=steps,
        sender=sender,
        is_preview=False,
    )


def form(name: str, view: object, texts: Texts, links: Links) -> str:
    """Returns the page of a form of the recipient, by the name of its template."""
    return _render(f"{name}.html", texts, view=view, links=links, is_preview=False)


def manifest(texts: Texts, links: Links) -> bytes:
    """Returns the web manifest of a page: with it, it can stand on a home screen."""
    icons = [
        {"src": f"{links.files}/icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png"}
        for side in (192, 512)
    ]
    return orjson.dumps(
        {
            "name": texts.page.title,
            "short_name": texts.page.title,
            "lang": texts.code,
            "dir": texts.direction,
            "id": links.page,
            "start_url": f"{links.page}?lang={texts.code}",
            "scope": f"{links.base}/",
            "display": "standalone",
            "background_color": "#10173d",
            "theme_color": "#10173d",
            "icons": [{**icon, "purpose": purpose} for icon in icons for purpose in _PURPOSES],
        }
    )


_PURPOSES = ("any", "maskable")


def worker() -> bytes:
    """Returns the script that keeps pages for a time without a connection."""
    return FILES["worker.js"].body.replace(b"{edition}", FILES.edition.encode())


def colours(colour: str) -> bytes:
    """Returns the style sheet of a brand's colour, "rrggbb", by day and by night."""
    made = brand_colours(f"#{colour}")
    return (
        f":root{{--brand:{made.fill};--on-brand:{made.ink};--edge:{made.edge_light}}}"
        f"@media(prefers-color-scheme:dark){{:root{{--edge:{made.edge_dark}}}}}"
    ).encode()


def _render(name: str, texts: Texts, **context: object) -> str:
    return template(f"web/tracking/templates/{name}").render(
        texts=texts,
        languages=LANGUAGES,
        route_path=route.PATH,
        typeface=_TYPEFACE if _TYPEFACE in FILES else None,
        **context,
    )

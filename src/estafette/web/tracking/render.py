"""From a view to HTML: the templates, and the files that go with them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from estafette.web.tracking import route
from estafette.web.tracking.texts import LANGUAGES, Texts
from estafette.web.tracking.view import TrackingView

_HERE = Path(__file__).parent
_VENDOR = _HERE.parent / "assets" / "vendor"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_TYPEFACE = "onest-latin-wght-normal.woff2"
_REFERENCE_LENGTH = 6

_environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that the page loads: the style sheet, the script, the emblem, a font."""

    body: bytes
    media_type: str


def read_assets(vendor: Path) -> dict[str, Asset]:
    """Returns the page's files by name: our own, and the typeface from `vendor`.

    The build lays the typeface there (`hatch_build.py`). Where it did not, the page is set in the
    reader's system font: its style sheet names one.
    """
    paths = [*sorted((_HERE / "static").iterdir()), *sorted(vendor.glob("onest-*.woff2"))]
    return {
        path.name: Asset(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in paths
        if path.suffix in _MEDIA_TYPES
    }


ASSETS = read_assets(_VENDOR)
"""The files of this installation, read once."""

EDITION = hashlib.sha256(b"".join(asset.body for asset in ASSETS.values())).hexdigest()[:12]
"""Changes with any of the files; part of their address, so that they may be cached for ever."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where the page's links lead: `base` is the path it is mounted at, without a final slash."""

    base: str
    public_id: str

    @property
    def files(self) -> str:
        """The folder of the page's files."""
        return f"{self.base}/static/{EDITION}"

    @property
    def page(self) -> str:
        """The page itself."""
        return f"{self.base}/{self.public_id}"

    @property
    def events(self) -> str:
        """The page's stream of updates."""
        return f"{self.page}/events"

    @property
    def reference(self) -> str:
        """The end of the id: enough to tell two deliveries apart, too little to open one."""
        return self.public_id[-_REFERENCE_LENGTH:]


def fragment(view: TrackingView, links: Links) -> tuple[str, str]:
    """Returns the part of the page that changes, and its fingerprint.

    Equal fingerprints mean that a reader would see the same.
    """
    html = _render("delivery.html", view.texts, view=view)
    # a new edition of the style sheet may not fit an old fragment, nor one page another
    return html, hashlib.sha256(f"{EDITION}{links.page}{html}".encode()).hexdigest()[:16]


def page(view: TrackingView, links: Links) -> str:
    """Returns the whole page."""
    html, fingerprint = fragment(view, links)
    return _render(
        "page.html", view.texts, view=view, links=links, fragment=html, fingerprint=fingerprint
    )


def notice(texts: Texts, links: Links, *, title: str, detail: str) -> str:
    """Returns a page that says only one thing: that there is nothing here, or that we stumbled."""
    return _render("notice.html", texts, links=links, title=title, detail=detail)


def _render(template: str, texts: Texts, **context: object) -> str:
    return _environment.get_template(template).render(
        texts=texts,
        languages=LANGUAGES,
        route_path=route.PATH,
        typeface=_TYPEFACE if _TYPEFACE in ASSETS else None,
        **context,
    )

"""From a view to HTML: the templates, and the files that go with them."""

import hashlib
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from estafette.http.pages import PACKAGE, VENDOR, Files, template
from estafette.web.tracking import route
from estafette.web.tracking.texts import LANGUAGES, Texts
from estafette.web.tracking.view import TrackingView

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
    """Where the page's links lead: `base` is the path it is mounted at, without a final slash."""

    base: str
    public_id: str

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
    def reference(self) -> str:
        """The end of the id: enough to tell two deliveries apart, too little to open one."""
        return self.public_id[-_REFERENCE_LENGTH:]


def fragment(view: TrackingView, links: Links) -> tuple[str, str]:
    """Returns the part of the page that changes, and its fingerprint.

    Equal fingerprints mean that a reader would see the same.
    """
    html = _render("delivery.html", view.texts, view=view)
    # a new edition of the style sheet may not fit an old fragment, nor one page another
    return html, hashlib.sha256(f"{FILES.edition}{links.page}{html}".encode()).hexdigest()[:16]


def page(view: TrackingView, links: Links) -> str:
    """Returns the whole page."""
    html, fingerprint = fragment(view, links)
    return _render(
        "page.html", view.texts, view=view, links=links, fragment=html, fingerprint=fingerprint
    )


def notice(texts: Texts, links: Links, *, title: str, detail: str) -> str:
    """Returns a page that says only one thing: that there is nothing here, or that we stumbled."""
    return _render("notice.html", texts, links=links, title=title, detail=detail)


def _render(name: str, texts: Texts, **context: object) -> str:
    return template(f"web/tracking/templates/{name}").render(
        texts=texts,
        languages=LANGUAGES,
        route_path=route.PATH,
        typeface=_TYPEFACE if _TYPEFACE in FILES else None,
        **context,
    )

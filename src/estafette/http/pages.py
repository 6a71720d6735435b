"""Pages for people: their templates, their headers and the files that they load, in one place."""

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from estafette.http import formats, texts
from estafette.http.refusals import PathUnknown
from estafette.http.reply import NO_SNIFF, Header, HttpReply
from estafette.terminal import plain

PACKAGE = files("estafette")
ASSETS = PACKAGE / "web" / "assets"
"""The style sheet, the script and the signs of every page, for the whole design system."""

VENDOR = ASSETS / "vendor"
"""What the build lays there (`hatch_build.py`): a viewer of contracts, htmx, a typeface."""

ASSETS_PREFIX = "/assets"
"""Where the files of the design system are served, under every host name."""

FOR_EVER = "public, max-age=31536000, immutable"

_NO_REFERRER: Header = (b"referrer-policy", b"no-referrer")
_HTML: Header = (b"content-type", b"text/html; charset=utf-8")
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class _Templates(Environment):
    """Templates by their path in the package.

    One names another by its path from its own folder, or from the package's where it begins with a
    slash: `/web/templates/shell.html`.
    """

    def join_path(self, template: str, parent: str) -> str:
        """Returns the path of a template that `parent` extends or includes."""
        return posixpath.join(posixpath.dirname(parent), template).lstrip("/")


def _environment() -> Environment:
    made = _Templates(
        loader=FileSystemLoader(str(PACKAGE)),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # they are of the package: what changes them starts the process anew
    )
    known: dict[str, Any] = made.globals
    known.update(
        _=texts.gettext,
        gettext=texts.gettext,
        ngettext=texts.ngettext,
        pgettext=texts.pgettext,
        reader=texts.reader,
        asset=asset,
        LANGUAGES=texts.LANGUAGES,
    )
    filters: dict[str, Any] = made.filters
    for write in (
        formats.day,
        formats.clock,
        formats.short_moment,
        formats.full_moment,
        formats.ago,
        formats.span,
        formats.number,
        formats.percent,
        formats.money,
        formats.size,
        plain,
    ):
        filters[write.__name__] = write
    return made


def template(path: str) -> Template:
    """Returns the template at that path in the package, such as `web/home/templates/home.html`."""
    return _TEMPLATES.get_template(path)


def guards(
    *, forms: str = "'none'", framed_by: str = "'none'", **allowed: str
) -> tuple[Header, ...]:
    """Returns what keeps a page to itself: it loads only what is `allowed`, by kind (`style`).

    Nobody but `framed_by` may frame it, its forms lead to `forms` alone, and a link tells nobody
    where it was followed.
    """
    sources = "".join(f" {kind}-src {source};" for kind, source in allowed.items())
    policy = (
        f"default-src 'none';{sources} base-uri 'none'; form-action {forms};"
        f" frame-ancestors {framed_by}"
    )
    return ((b"content-security-policy", policy.encode()), _NO_REFERRER, NO_SNIFF)


def page_headers(**allowed: str) -> tuple[Header, ...]:
    """Returns the headers of a page for everybody, with what it may load (`guards`)."""
    return (_HTML, (b"cache-control", b"no-cache"), *guards(**allowed))


def as_texts(headers: Iterable[Header]) -> dict[str, str]:
    """Returns the same headers as Starlette's responses take them."""
    return {name.decode(): value.decode() for name, value in headers}


class File(NamedTuple):
    """A file that a page loads."""

    body: bytes
    media_type: str


class Files(Mapping[str, File]):
    """The files that a page loads, read once, by name.

    `edition` changes with any of them. It is part of their address, so they may be kept for ever.
    """

    def __init__(self, found: Iterable[Traversable]) -> None:
        """Of the files `found`, those that are there and of a kind that pages load."""
        self._files: dict[str, File] = {}
        for file in found:
            media_type = _MEDIA_TYPES.get(posixpath.splitext(file.name)[1])
            if media_type is not None and file.is_file():
                self._files[file.name] = File(file.read_bytes(), media_type)
        bodies = b"".join(file.body for file in self._files.values())
        self.edition = hashlib.sha256(bodies).hexdigest()[:12]

    def __getitem__(self, name: str) -> File:
        """Returns the file of that name."""
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        """Returns the names."""
        return iter(self._files)

    def __len__(self) -> int:
        """Returns how many there are."""
        return len(self._files)

    def reply(self, name: str, edition: str | None = None) -> HttpReply:
        """Returns the file of that name. Raises PathUnknown.

        It may be kept for ever, unless it was asked for in another `edition`: a page of the
        version before asks so during an update.
        """
        file = self.get(name)
        if file is None:
            raise PathUnknown
        keep = FOR_EVER if edition in (None, self.edition) else "no-store"
        headers = (
            (b"content-type", file.media_type.encode()),
            (b"cache-control", keep.encode()),
            NO_SNIFF,
        )
        return HttpReply(200, file.body, headers)


def _product_files() -> Files:
    own = [file for file in ASSETS.iterdir() if file.is_file()]
    taken = [file for file in VENDOR.iterdir() if file.is_file()] if VENDOR.is_dir() else []
    chosen = (file for file in taken if file.name.startswith(("onest-", "htmx", "hx-", "icons")))
    return Files(sorted([*own, *chosen], key=lambda file: file.name))


PRODUCT = _product_files()
"""What every page of the design system loads: its style sheet, its script, its typeface."""


def asset(name: str) -> str:
    """Returns the path of a file of the design system, the same under every host name."""
    return f"{ASSETS_PREFIX}/{PRODUCT.edition}/{name}"


PRODUCT_GUARDS = guards(
    script="'self'",
    style="'self'",
    font="'self'",
    img="'self' data:",
    connect="'self'",
    manifest="'self'",
    frame="'self'",
    forms="'self'",
)
"""The one policy of the pages of the design system."""

_TEMPLATES = _environment()

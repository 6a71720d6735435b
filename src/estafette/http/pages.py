"""Pages for people: their templates, their headers and the files that they load, in one place."""

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from estafette.http.refusals import PathUnknown
from estafette.http.reply import NO_SNIFF, Header, HttpReply

PACKAGE = files("estafette")
VENDOR = PACKAGE / "web" / "assets" / "vendor"
"""What the build lays there (`hatch_build.py`): a viewer of contracts, a typeface."""

FOR_EVER = "public, max-age=31536000, immutable"

_NO_REFERRER: Header = (b"referrer-policy", b"no-referrer")
_HTML: Header = (b"content-type", b"text/html; charset=utf-8")
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class _Templates(Environment):
    """Templates by their path in the package; one names another by its path from its own folder."""

    def join_path(self, template: str, parent: str) -> str:
        """Returns the path of a template that `parent` extends or includes."""
        return posixpath.join(posixpath.dirname(parent), template)


_TEMPLATES = _Templates(
    loader=FileSystemLoader(str(PACKAGE)),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,  # they are of the package: what changes them starts the process anew
)


def template(path: str) -> Template:
    """Returns the template at that path in the package, such as `web/home/templates/home.html`."""
    return _TEMPLATES.get_template(path)


def guards(**allowed: str) -> tuple[Header, ...]:
    """Returns what keeps a page to itself: it loads only what is `allowed`, by kind (`style`).

    Nobody may frame it, no form leads anywhere, and a link tells nobody where it was followed.
    """
    sources = "".join(f" {kind}-src {source};" for kind, source in allowed.items())
    policy = (
        f"default-src 'none';{sources} base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
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

    def reply(self, name: str) -> HttpReply:
        """Returns the file of that name. Raises PathUnknown."""
        file = self.get(name)
        if file is None:
            raise PathUnknown
        headers = (
            (b"content-type", file.media_type.encode()),
            (b"cache-control", FOR_EVER.encode()),
            NO_SNIFF,
        )
        return HttpReply(200, file.body, headers)

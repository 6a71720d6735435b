"""Pages for people: their templates, their headers and the files that they load, in one place."""

import posixpath
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from estafette.http import formats, texts
from estafette.http.files import Files
from estafette.http.reply import NO_SNIFF, Header
from estafette.terminal import plain, plain_lines

PACKAGE = files("estafette")
ASSETS = PACKAGE / "web" / "assets"
"""The style sheet, the script and the icons that all pages of the design system share."""

VENDOR = ASSETS / "vendor"
"""The folder that the build fills (`hatch_build.py`): a viewer of contracts, a typeface, maps."""

ASSETS_PREFIX = "/assets"
"""Where the files of the design system are served, under every host name."""

_NO_REFERRER: Header = (b"referrer-policy", b"no-referrer")


class _Templates(Environment):
    """Templates by their path in the package.

    One template names another by its path from its own folder, or from the package's folder where
    the path begins with a slash: `/web/templates/shell.html`.
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
        auto_reload=False,  # they change only with the package, and then the process restarts
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
        plain_lines,
    ):
        filters[write.__name__] = write
    return made


def template(path: str) -> Template:
    """Returns the template at that path in the package, such as `web/home/templates/home.html`."""
    return _TEMPLATES.get_template(path)


def guards(
    *, forms: str = "'none'", framed_by: str = "'none'", **allowed: str
) -> tuple[Header, ...]:
    """Returns the headers that isolate a page. It loads only what is `allowed`, by kind (`style`).

    Only `framed_by` may frame it, its forms can be sent to `forms` only, and a link does not send
    the address of the page.
    """
    sources = "".join(f" {kind}-src {source};" for kind, source in allowed.items())
    policy = (
        f"default-src 'none';{sources} base-uri 'none'; form-action {forms};"
        f" frame-ancestors {framed_by}"
    )
    return ((b"content-security-policy", policy.encode()), _NO_REFERRER, NO_SNIFF)


def as_texts(headers: Iterable[Header]) -> dict[str, str]:
    """Returns the same headers as Starlette's responses take them."""
    return {name.decode(): value.decode() for name, value in headers}


def _product_files() -> Files:
    own = [file for file in ASSETS.iterdir() if file.is_file()]
    taken = [file for file in VENDOR.iterdir() if file.is_file()] if VENDOR.is_dir() else []
    return Files(sorted([*own, *taken], key=lambda file: file.name))


PRODUCT = _product_files()
"""The files that every page of the design system loads: style sheet, script, typeface."""


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

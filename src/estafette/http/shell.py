"""The frame of a page of the design system: its reader, its navigation, its notices."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from starlette.types import Scope

from estafette.core.accounts.account import Mode
from estafette.http.language import language_of
from estafette.http.pages import PRODUCT_GUARDS, template
from estafette.http.parameters import parameters
from estafette.http.reply import NO_STORE, Header, HttpReply
from estafette.http.texts import LANGUAGES, Reader, read_by


class Tone(StrEnum):
    """The meaning of a colour, the same on all pages."""

    QUIET = "quiet"
    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Link:
    """A link. `icon` names an icon of `web/assets/icons.svg`; `count` is shown beside it."""

    href: str
    name: str
    icon: str = ""
    is_current: bool = False
    count: int | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Links that belong together, with a name or without."""

    links: Sequence[Link]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A short text at the top of a page: what has just been done, or what is wrong."""

    text: str
    tone: Tone = Tone.GOOD
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame of one page for one visit.

    `area` is the name of the area (Console), `organisation` the name of the organisation. `groups`
    are the navigation; without any, the page has a header instead of it, as pages for everybody
    have. `modes` are the two of an account, as links, with the present one marked. `person` is the
    person who signed in, with their own links. `path` and `query` are those of the page, so that it
    can be opened in another language.
    """

    area: str = ""
    organisation: str = ""
    organisations: Sequence[Link] = ()
    mode: Mode | None = None
    modes: Sequence[Link] = ()
    groups: Sequence[Group] = ()
    person: str = ""
    personal: Sequence[Link] = ()
    notices: Sequence[Notice] = ()
    path: str = "/"
    query: Sequence[tuple[str, str]] = ()

    def in_language(self, code: str) -> str:
        """Returns the address of this page in another language."""
        kept = [pair for pair in self.query if pair[0] != "lang"]
        return f"?{urlencode([*kept, ('lang', code)])}"


def reader_of(scope: Scope) -> Reader:
    """Returns the reader of a page for everybody: `?lang=`, else what the browser accepts; UTC."""
    return Reader(language_of(scope, LANGUAGES))


def query_of(scope: Scope) -> list[tuple[str, str]]:
    """Returns the parameters of a request, for the same page in another language."""
    found = parameters(scope["query_string"])
    return [(name, value) for name, values in found.items() for value in values]


def render(
    path: str,
    reader: Reader,
    shell: Shell | None = None,
    /,
    *,
    status: int = 200,
    headers: Sequence[Header] = (NO_STORE,),
    **context: object,
) -> HttpReply:
    """Returns the page that the template at `path` makes from `context`, for this reader.

    Templates extend `/web/templates/shell.html` and fill its blocks.
    """
    with read_by(reader):
        html = template(path).render(shell=shell or Shell(), **context)
    language = (b"content-language", reader.language.encode())
    return HttpReply(status, html.encode(), (_HTML, language, *headers, *PRODUCT_GUARDS))


_HTML: Header = (b"content-type", b"text/html; charset=utf-8")

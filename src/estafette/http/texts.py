"""The texts of pages in the language of whoever reads them.

English is the source: it stands in the templates and in the code, as `_("…")`. Each folder of pages
has its translations in `texts/<language>.po` beside its templates (`web/console/texts/ru.po`); they
are read together, when the first page of that language is shown. A text that is formatted writes
`%(name)s` for a value, and `%%` for a percent sign.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gettext import NullTranslations

LANGUAGES = MappingProxyType({"en": "English", "ru": "Русский", "kk": "Қазақша", "pt": "Português"})
"""The languages that pages speak, each with its own name for itself."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of a page: their language, and the time zone in which times are written."""

    language: str = "en"
    zone: tzinfo = UTC


_reader: ContextVar[Reader] = ContextVar("reader")
_NOBODY = Reader()


def reader() -> Reader:
    """Returns the reader of the page that is being made; if there is none, English and UTC."""
    return _reader.get(_NOBODY)


@contextmanager
def read_by(who: Reader) -> Generator[None]:
    """Sets `who` as the reader of all texts within the block."""
    token = _reader.set(who)
    try:
        yield
    finally:
        _reader.reset(token)


def gettext(text: str, /, **values: object) -> str:
    """Returns `text` in the reader's language, with its `values` filled in."""
    return _catalogue().gettext(text) % values


def ngettext(one: str, several: str, count: int, /, **values: object) -> str:
    """Returns the text for `count` things, in the reader's language.

    `count` is a value too, written as the language writes numbers.
    """
    from estafette.http.formats import number  # which needs to know who reads

    return _catalogue().ngettext(one, several, count) % {"count": number(count), **values}


def pgettext(context: str, text: str, /, **values: object) -> str:
    """Returns `text` in the reader's language. `context` distinguishes it from other meanings."""
    return _catalogue().pgettext(context, text) % values


def N_(text: str) -> str:  # noqa: N802 - what gettext has always called it
    """Returns `text` unchanged, and marks it for translators; `_(text)` translates it later."""
    return text


_FOLDERS = ("couriers", "dialects", "http", "notifications", "web")
"""The packages that have texts for people."""


def folders() -> list[Path]:
    """Returns the folders with translations."""
    package = Path(str(files("estafette")))
    found = (folder for name in _FOLDERS for folder in (package / name).rglob("texts"))
    return sorted(folder for folder in found if any(folder.glob("*.po")))


def _catalogue() -> "NullTranslations":
    return catalogue(reader().language)


@cache
def catalogue(language: str) -> "NullTranslations":
    """Returns the texts of a language from all folders; English, and others, have none."""
    from gettext import NullTranslations, c2py

    if language == "en" or language not in LANGUAGES:
        return NullTranslations()
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    merged = Translations()
    # gettext itself sets it so, where it reads a file
    merged.plural = c2py(Catalog(language).plural_expr)  # pyright: ignore[reportAttributeAccessIssue]
    for folder in folders():
        source = folder / f"{language}.po"
        if source.is_file():
            compiled = BytesIO()
            with source.open("rb") as file:
                write_mo(compiled, read_po(file, locale=language))
            compiled.seek(0)
            merged.merge(Translations(compiled))
    return merged

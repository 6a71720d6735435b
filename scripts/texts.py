"""Brings the catalogues of translations in line with the source: `make texts`.

A text that is new is added without a translation, for a person to write; one that is shown nowhere
any more is taken out. The catalogue of a text is that of its folder of pages: the texts of
`web/console` are in `web/console/texts`.
"""

import sys
from collections import defaultdict
from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

SOURCE = Path(__file__).resolve().parent.parent / "src" / "estafette"
LANGUAGES = ("ru", "kk", "pt")

METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "N_": None,
    "ngettext": (1, 2),
    "Scenario": None,
    "Mistake": None,
    "pgettext": ((1, "c"), 2),
}

ELSEWHERE = {"core/sandbox": "couriers/sandbox", "core/quotes": "web/office"}
"""Texts of the core are kept where they are shown: it has no catalogues."""


class Text(NamedTuple):
    """A text of the source: the folder of its catalogue, where it stands, and how it reads.

    `several` is its form for several, where it counts; `context` tells it apart from the same words
    elsewhere.
    """

    folder: str
    where: str
    text: str
    several: str | None
    context: str | None


def texts() -> list[Text]:
    """Returns every text in the source."""
    found: list[Text] = []
    for file, line, message, _, context in extract_from_dir(
        SOURCE, METHODS, OPTIONS, keywords=KEYWORDS
    ):
        room, *below = Path(file).parts
        folder = room if (SOURCE / room / "texts").is_dir() else "/".join([room, *below[:1]])
        folder = ELSEWHERE.get(folder, folder)
        if not (SOURCE / folder).is_dir():  # a module that stands alone, such as web/visit.py
            folder = "web/templates"
        text, several = (message, None) if isinstance(message, str) else message[:2]
        found.append(Text(folder, f"{file}:{line}", text, several, context))
    return found


def main() -> None:
    """Writes the catalogues, and tells how many texts wait for a translation."""
    shown: dict[str, list[Text]] = defaultdict(list)
    for text in texts():
        shown[text.folder].append(text)
    for folder, found in sorted(shown.items()):
        for language in LANGUAGES:
            file = SOURCE / folder / "texts" / f"{language}.po"
            old = Catalog(language)
            if file.is_file():
                with file.open("rb") as opened:
                    old = read_po(opened, locale=language)
            new = Catalog(language, fuzzy=False)
            for one in found:
                before = old.get(one.text, one.context)
                both = (one.text, one.several) if one.several else one.text
                new.add(both, before.string if before else None, context=one.context)
            written = BytesIO()
            write_po(written, new, width=100, sort_output=True, omit_header=True)
            file.parent.mkdir(parents=True, exist_ok=True)
            head = (
                f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n'
                f'"Plural-Forms: {new.plural_forms}\\n"\n'
                '"Content-Type: text/plain; charset=utf-8\\n"\n\n'
            )
            file.write_bytes(head.encode() + written.getvalue().strip() + b"\n")
            missing = [one for one in new if one.id and not _is_told(one.string)]
            if missing:
                sys.stdout.write(f"{file.relative_to(SOURCE)}: {len(missing)} to translate\n")


def _is_told(string: str | Collection[str] | None) -> bool:
    return bool(string) and all(string)


if __name__ == "__main__":
    main()

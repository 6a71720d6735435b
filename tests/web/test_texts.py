"""Every text of a page is in every language, and says the same with the same values."""

import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from estafette.http.texts import LANGUAGES, Reader, catalogue, folders, gettext, ngettext, read_by
from scripts.texts import Text, texts

_VALUE = re.compile(r"%(?:\((\w+)\))?([sdif%])")

_COURIER = {
    "en": re.compile(r"\bcouriers?\b", re.IGNORECASE),
    "kk": re.compile(r"курьер", re.IGNORECASE),
    "pt": re.compile(r"\bestafetas?\b", re.IGNORECASE),
    "ru": re.compile(r"курьер", re.IGNORECASE),
}

TRANSLATED = sorted(set(LANGUAGES) - {"en"})


@cache
def _texts() -> list[Text]:
    return texts()


def _values(text: str) -> list[tuple[str, str]]:
    return sorted(set(_VALUE.findall(text)))


def _catalogue(language: str) -> dict[str | tuple[str, int], str]:
    """The translations of a language, as gettext keeps them: several forms under their number."""
    return catalogue(language)._catalog  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue] - it tells not what it knows


def _translations(language: str, text: Text) -> list[str]:
    """The translation of a text, in all forms of its number; none where there is none."""
    known = _catalogue(language)
    key = f"{text.context}\x04{text.text}" if text.context else text.text
    if text.several is None:
        return [known[key]] if key in known else []
    return [said for each, said in known.items() if isinstance(each, tuple) and each[0] == key]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str) -> None:
    missing = [
        f"{each.where}: {each.text!r}"
        for each in _texts()
        if not all(_translations(language, each) or [""])
    ]
    assert not missing


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_values_of_its_text(language: str) -> None:
    wrong: list[str] = []
    for each in _texts():
        for translated in _translations(language, each):
            said, meant = _values(translated), _values(each.several or each.text)
            # "one delivery" need not say how many
            if (not set(said) <= set(meant)) if each.several else said != meant:
                wrong.append(f"{each.where}: {translated!r}")
    assert not wrong


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogues_hold_what_is_shown_and_agree(language: str) -> None:
    shown = {(each.text, each.context) for each in _texts()}
    said: dict[tuple[str, str | None], object] = {}
    wrong: list[str] = []
    for folder in folders():
        file = folder / f"{language}.po"
        assert file.is_file(), f"{folder} has no {language}.po"
        with file.open("rb") as opened:
            known = read_po(opened, locale=language, abort_invalid=True)
        if known.plural_forms != Catalog(language).plural_forms:
            wrong.append(f"{file}: other forms for numbers than {language} has")
        for message in known:
            text = message.id if isinstance(message.id, str) else message.id[0]
            if not text:
                continue  # the head
            key = (text, message.context)
            if key not in shown:
                wrong.append(f"{file}: {text!r} is shown nowhere")
            if said.setdefault(key, message.string) != message.string:
                wrong.append(f"{file}: {text!r} is translated otherwise elsewhere")
    assert not wrong


@pytest.mark.parametrize("language", TRANSLATED)
def test_drivers_and_couriers_are_told_apart_as_in_english(language: str) -> None:
    """Who drives reads one word of themselves everywhere; "courier" is what recipients read."""
    wrong = [
        f"{each.where}: {translated!r}"
        for each in _texts()
        for translated in _translations(language, each)
        if _COURIER[language].search(translated)
        and not _COURIER["en"].search(f"{each.text} {each.several or ''}")
    ]
    assert not wrong


def test_a_text_is_said_in_the_language_of_its_reader() -> None:
    assert gettext("Copy") == "Copy"
    with read_by(Reader("ru")):
        assert gettext("Copy") == "Скопировать"
        with read_by(Reader("kk")):
            assert gettext("Copy") == "Көшіру"
        assert gettext("Copy") == "Скопировать"
    assert ngettext("%(count)s delivery", "%(count)s deliveries", 2) == "2 deliveries"


def test_a_number_takes_the_form_that_its_language_has_for_it() -> None:
    text = "With a sandbox key a delivery moves by itself, one step every %s on this server."
    one, several = text % "second", text % "%(count)s seconds"
    told = {
        language: [_said(language, one, several, count) for count in (1, 2, 5, 21)]
        for language in ("ru", "pt")
    }
    assert [said.rpartition(" ")[2] for said in told["ru"]] == [
        "секунду.",
        "секунды.",
        "секунд.",
        "секунду.",
    ]
    assert [("por segundo" in said, "5 segundos" in said) for said in told["pt"]] == [
        (True, False),
        (False, False),
        (False, True),
        (False, False),
    ]


def _said(language: str, one: str, several: str, count: int) -> str:
    with read_by(Reader(language)):
        return ngettext(one, several, count)

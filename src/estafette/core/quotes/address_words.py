"""The words of addresses: how text is folded for comparing, and what marks a street or a city.

The languages are those of the markets: Russian, Kazakh in both scripts, Portuguese, English.
"""

import re
import unicodedata

from estafette.core.accounts.account import MARKETS

# Kazakh letters fold to the Russian ones that stand in for them on a foreign keyboard, so that
# "Көкшетау" and "Кокшетау" are one; then Latin letters that Unicode does not decompose.
_LETTERS = {
    "ә": "а",
    "ғ": "г",
    "қ": "к",
    "ң": "н",
    "ө": "о",
    "ұ": "у",
    "ү": "у",
    "һ": "х",
    "і": "и",
    "є": "е",
    "ə": "e",
    "ı": "i",
    "ł": "l",
    "ø": "o",
    "đ": "d",
}

_APOSTROPHES = "'`´ʹʺʻʼʽʾʿˈˌ‘’‛′"
_SEPARATORS = ",;|()\n\r\t\v\f،"
_UNSEEN = frozenset({"Mn", "Me", "Cf"})

# Letters that look alike in both scripts, large or small: what a keyboard left in the wrong layout,
# or a scanner, puts into a word. Folded letters, the Cyrillic below the Latin.
_LATIN = "abcehikmoptxy"
_CYRILLIC = "авсеникмортху"
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_TO_LATIN = str.maketrans(_CYRILLIC, _LATIN)
_WORD = re.compile(r"\w+")
_A_LATIN = re.compile(r"[a-z]")
_A_CYRILLIC = re.compile(r"[а-яё]")
_ONLY_LATIN = re.compile(rf"[a-z](?<![{_LATIN}])")
_ONLY_CYRILLIC = re.compile(rf"[а-яё](?<![{_CYRILLIC}])")


class _Folding(dict[int, str]):
    """A table for `str.translate`, filled as it is used, up to a bound.

    Character by character: to bring a whole text into the order of its marks, which are left out
    here, takes time by the square of their number.
    """

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code)).casefold()
        folded = "".join(map(_folded, parts))
        if len(self) < _REMEMBERED:
            self[code] = folded
        return folded


def _folded(character: str) -> str:
    """Folds one character: a letter or digit, "," between parts, " " between words, or nothing.

    Nothing is left of what a reader does not see: marks, soft hyphens, spaces of no width.
    """
    if character in _LETTERS:
        return _LETTERS[character]
    if character in _SEPARATORS:
        return ","
    if character in _APOSTROPHES or unicodedata.category(character) in _UNSEEN:
        return ""
    return character if character.isalnum() else " "


_REMEMBERED = 4096
_FOLDING = _Folding()

_ABBREVIATIONS = {
    "р-н": "район",
    "р-он": "район",
    "м-н": "микрорайон",
    "мкр-н": "микрорайон",
    "пр-т": "проспект",
    "пр-кт": "проспект",
    "пр-д": "проезд",
    "б-р": "бульвар",
    "к-сі": "көшесі",
    "к-си": "көшесі",
    "д-лы": "даңғылы",
}
_HYPHENATED = re.compile(rf"\b(?:{'|'.join(_ABBREVIATIONS)})\b")


def _fold(text: str) -> str:
    folded = text.casefold()
    if "-" in folded and not folded.isascii():
        folded = _HYPHENATED.sub(lambda match: _ABBREVIATIONS[match[0]], folded)
    if folded.isascii():
        return folded.translate(_FOLDING)
    folded = folded.translate(_FOLDING)
    return _by_script(folded) if _is_mixed(folded) else folded


def _is_mixed(text: str) -> bool:
    return bool(_A_LATIN.search(text) and _A_CYRILLIC.search(text))


def _by_script(text: str) -> str:
    """Writes each word of two scripts in the one that it is meant in, as a reader takes it.

    That is the script of its letters which the other does not have, else that of such letters in
    the text.
    """
    cyrillic = len(_ONLY_CYRILLIC.findall(text)) >= len(_ONLY_LATIN.findall(text))

    def meant(found: re.Match[str]) -> str:
        word = found[0]
        if not _is_mixed(word):
            return word
        in_cyrillic, in_latin = bool(_ONLY_CYRILLIC.search(word)), bool(_ONLY_LATIN.search(word))
        wanted = cyrillic if in_cyrillic == in_latin else in_cyrillic
        return word.translate(_TO_CYRILLIC if wanted else _TO_LATIN)

    return _WORD.sub(meant, text)


def normalise(text: str) -> str:
    """Folds text for comparing: case, accents, Kazakh letters, apostrophes, punctuation.

    Words are left apart by single spaces: "Усть-Каменогорск" and "усть каменогорск" are one, and
    so are "Ақтөбе" and "Актобе", "Cuíto" and "CUITO".
    """
    return " ".join(_fold(text).replace(",", " ").split())


def parts_of(address: str) -> list[list[str]]:
    """Splits an address at its commas, lines and brackets into parts of folded words."""
    return [part.split() for part in _fold(address).split(",")]


def _words(text: str) -> frozenset[str]:  # pragma: no mutate block, it runs at import
    return frozenset(normalise(text).split())


COUNTRIES = _words(
    " ".join(name for market in MARKETS.values() for name in market.country_names)
    + " республика республикасы republic of república de"
)
"""Names of the markets' countries, and the words in them."""

CITY_BEFORE = _words("г гор город қала қ city cidade municipio município")
"""What stands before the name of a city: "г. Алматы"."""

CITY_AFTER = _words("city қаласы қала qalasy kalasy город")
"""What stands after the name of a city: "Алматы қаласы"."""

CITY_ABBREVIATIONS = _words("г гор қ")
"""The same so short that they count only where nothing else can be meant."""

REGION_AFTER = _words(
    "region oblast oblasty oblysy province district rayon raion audany обл область облысы"
    " аудан ауданы"
)
"""What makes the name before it a region's or a district's: "Almaty region", "Алматы ауданы"."""

DISTRICT = _words("район")
"""A district, before its name or after it: "район Алматы"."""

STREET_BEFORE = _words(
    "ул улица пр просп проспект проезд мкр микрорайон бульвар бул переулок пер шоссе тракт площадь"
    " пл тупик набережная жк тц трц тд бц рынок вокзал отель гостиница ресторан кафе"
    " ulitsa ul ulica prospekt prospect pr mkr mikrorayon microdistrict shosse hotel"
    " rua r avenida av travessa largo estrada praça bairro beco rotunda"
)
"""What makes the name after it a street's or a building's: "ул. Астана"."""

STREET_AFTER = _words(
    "street st str avenue ave av road rd lane boulevard blvd highway hwy square sq hotel mall"
    " tower towers plaza station"
    " көшесі даңғылы даңғ тұйығы шағынауданы koshesi kóshesi dangyly dańǵyly"
)
"""What makes the name before it a street's or a building's: "Almaty street"."""

HOUSE = _words(
    "дом д үй корпус корп к строение стр квартира кв офис оф этаж подъезд пәтер"
    " house building bld apt apartment flat office floor n no nº casa prédio andar"
)
"""What stands between the name of a street and a number."""

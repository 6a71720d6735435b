"""Places: the cities of a market, and finding the one that a free-text address is in.

Addresses arrive in any order, script and spelling ("21 Zhibek Zholy, Almaty", "г. Алматы, ул.
Сатпаева 22", "Өскемен қ."), and streets bear the names of cities. So every mention of a city is
ranked by how much it looks like the name of the place rather than of a street, a district or a
region, and the best one is taken.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from estafette.core.quotes.address_words import (
    CITY_ABBREVIATIONS,
    CITY_AFTER,
    CITY_BEFORE,
    COUNTRIES,
    DISTRICT,
    HOUSE,
    REGION_AFTER,
    STREET_AFTER,
    STREET_BEFORE,
    normalise,
    parts_of,
)


@dataclass(frozen=True, slots=True)
class City:
    """A city, town or large settlement of a market.

    `code` is a slug ("almaty"), unique within `country` (ISO 3166, "KZ"); coordinates are degrees
    north and east; `spellings` are its other names, in any script.
    """

    code: str
    name: str
    country: str
    latitude: float
    longitude: float
    population: int
    spellings: tuple[str, ...]


class _Rank(IntEnum):
    """How much a mention looks like the place of an address rather than a namesake."""

    REFUSED = 0  # "Almaty street", "район Алматы", "Абай 10": a street, a district
    INSIDE = 1  # amid other words, or before a house number
    EDGE = 2  # "17 Abylay Khan Ave Almaty", "Алматы ул. Абая 10"
    WHOLE = 3  # the name alone between commas
    MARKED = 4  # "г. Алматы", "Алматы қаласы", "Almaty city"


class _Mention(NamedTuple):
    start: int
    end: int
    city: City


class CityIndex:
    """The cities of one market by every spelling, for looking up in free text."""

    def __init__(self, cities: Iterable[City]) -> None:
        """Indexes `cities`. A spelling shared by several is the most populous one's."""
        self._spellings: dict[str, City] = {}
        self._longest: dict[str, int] = {}  # by first word: the most words of a spelling
        for city in sorted(cities, key=lambda city: (-city.population, city.code)):
            for spelling in (city.name, *city.spellings):
                words = normalise(spelling).split()
                # "Алма-Ата" is also written "Алмаата"
                for phrase in (words, ["".join(words)]):
                    if words:
                        self._spellings.setdefault(" ".join(phrase), city)
                        longest = self._longest.get(phrase[0], 0)
                        self._longest[phrase[0]] = max(longest, len(phrase))

    def find(self, address: str) -> City | None:
        """Returns the city that an address is in, or None if it names none.

        Of equally convincing mentions the one in the last comma-separated part counts, and within
        a part that of the most populous city; of overlapping spellings the longest.
        """
        parts = [words for part in parts_of(address) if (words := _trimmed(part))]
        best: City | None = None
        best_weight = (_Rank.REFUSED, 0, 0)
        for number, words in enumerate(parts):
            for mention in self._mentions(words):
                rank = _rank(words, mention)
                if rank == _Rank.WHOLE and _is_house(parts[number + 1 : number + 2]):
                    rank = _Rank.INSIDE  # "Абай, 10" is a street and a house
                weight = (rank, number, mention.city.population)
                if rank and weight > best_weight:
                    best, best_weight = mention.city, weight
        return best

    def _mentions(self, words: list[str]) -> Iterator[_Mention]:
        """Finds the spellings among the words from the left, the longest at each place."""
        start = 0
        while start < len(words):
            longest = self._longest.get(words[start], 0)
            start_next = start + 1
            for end in range(min(start + longest, len(words)), start, -1):
                if city := self._spellings.get(" ".join(words[start:end])):
                    yield _Mention(start, end, city)
                    start_next = end
                    break
            start = start_next


def _trimmed(words: list[str]) -> list[str]:
    """Drops countries and postal codes from both ends: they say nothing of the city."""
    start, end = 0, len(words)
    while start < end and _is_general(words[start]):
        start += 1
    while end > start and _is_general(words[end - 1]):
        end -= 1
    return words[start:end]


def _is_general(word: str) -> bool:
    return word in COUNTRIES or _is_postal_code(word)


def _is_postal_code(word: str) -> bool:
    """Recognises the postal codes of Kazakhstan, "050000" and the newer "A05E4X8"."""
    if len(word) == 6:
        return word.isdigit()
    return len(word) == 7 and word[0].isalpha() and word[1:3].isdigit()


def _is_number(word: str) -> bool:
    """Recognises "10", "10а", "кв", "дом": what follows the name of a street."""
    return word[0].isdigit() or word in HOUSE


def _is_house(parts: list[list[str]]) -> bool:
    """Returns whether the first of `parts`, if there is one, is only the number of a house."""
    return any(all(map(_is_number, words)) for words in parts)


def _rank(words: list[str], mention: _Mention) -> _Rank:
    start, end = mention.start, mention.end
    before = words[start - 1] if start else ""
    after = words[end] if end < len(words) else ""
    is_last = end + 1 >= len(words)  # what stands after the mention, if anything does
    house_next = is_last or _is_number(words[end + 1])
    if before in STREET_BEFORE or (after in STREET_BEFORE and house_next):
        return _Rank.REFUSED  # "ул. Астана", "Астана ул., 5"
    if before in CITY_BEFORE and (start == 1 or before in CITY_ABBREVIATIONS):
        return _Rank.MARKED
    # "Алматы қ." is the city, "Абай к. 5" a street
    if after in CITY_AFTER or (after in CITY_ABBREVIATIONS and is_last):
        return _Rank.MARKED
    if after in REGION_AFTER:
        return _Rank.REFUSED
    # "Алматы р-н", but "Астана р-н Алматы"
    if before in DISTRICT or (after in DISTRICT and is_last):
        return _Rank.REFUSED
    # "Almaty street 5", but "Almaty st. Abay 5"
    if after in STREET_AFTER and (start or house_next):
        return _Rank.REFUSED
    if start == 0 and end == len(words):
        return _Rank.WHOLE
    if after and _is_number(after):
        only_a_house = start == 0 and all(map(_is_number, words[end:]))
        return _Rank.REFUSED if only_a_house else _Rank.INSIDE
    return _Rank.EDGE if start == 0 or end == len(words) else _Rank.INSIDE

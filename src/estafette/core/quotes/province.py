"""The provinces of the markets by every spelling: old and new, with "province" and the country."""

from collections.abc import Iterator, Mapping
from typing import Final

from estafette.core.accounts.account import MARKETS
from estafette.core.quotes.address_words import normalise

_SPELLINGS: Final[Mapping[str, Mapping[str, str]]] = {
    # The provinces since the reform of 2024. K and C, and old names, are used side by side.
    "AO": {
        "Bengo": "",
        "Benguela": "Benguella",
        "Bié": "Bie, Bihé",
        "Cabinda": "Kabinda",
        "Cuando": "Kuando, Kwando",
        "Cuando Cubango": "Kuando Kubango, Kwando Kubango, Kuando Cubango",
        "Cuanza Norte": "Kwanza Norte, Kuanza Norte, Kwanza-Norte",
        "Cuanza Sul": "Kwanza Sul, Kuanza Sul, Kwanza-Sul",
        "Cubango": "Kubango",
        "Cunene": "Kunene",
        "Huambo": "",
        "Huíla": "Huila, Uíla, Wíla",
        "Icolo e Bengo": "Ícolo e Bengo, Icolo-Bengo",
        "Luanda": "Loanda",
        "Lunda Norte": "Lunda-Norte",
        "Lunda Sul": "Lunda-Sul",
        "Malanje": "Malange",
        "Moxico": "Moshico",
        "Moxico Leste": "Moxico-Leste",
        "Namibe": "",
        "Uíge": "Uige, Uíje",
        "Zaire": "",
    },
    # Regions are told from cities of the same name by the word that makes them regions.
    "KZ": {
        "Abai Region": "Абайская область, область Абай, Абай облысы, Abay Region",
        "Akmola Region": "Акмолинская область, Ақмола облысы, Aqmola Region",
        "Aktobe Region": "Актюбинская область, Ақтөбе облысы, Aqtobe Region",
        "Almaty Region": "Алматинская область, Алматы облысы",
        "Atyrau Region": "Атырауская область, Атырау облысы",
        "East Kazakhstan Region": "Восточно-Казахстанская область, Шығыс Қазақстан облысы, ВКО",
        "Jambyl Region": "Жамбылская область, Жамбыл облысы, Zhambyl Region",
        "Jetisu Region": "Жетысуская область, область Жетісу, Жетісу облысы, Zhetysu Region",
        "Karaganda Region": "Карагандинская область, Қарағанды облысы, Karagandy Region",
        "Kostanay Region": "Костанайская область, Қостанай облысы, Qostanay Region",
        "Kyzylorda Region": "Кызылординская область, Қызылорда облысы, Qyzylorda Region",
        "Mangystau Region": "Мангистауская область, Маңғыстау облысы, Mangistau Region",
        "North Kazakhstan Region": "Северо-Казахстанская область, Солтүстік Қазақстан облысы, СКО",
        "Pavlodar Region": "Павлодарская область, Павлодар облысы",
        "Turkistan Region": "Туркестанская область, Түркістан облысы, Turkestan Region, ЮКО",
        "Ulytau Region": "Улытауская область, область Улытау, Ұлытау облысы",
        "West Kazakhstan Region": "Западно-Казахстанская область, Батыс Қазақстан облысы, ЗКО",
    },
}
"""By country and name: the other names, separated by commas."""

_SHORTEST_COUNTRY: Final = 4
_COUNTRIES: Final = tuple(
    f"{before}{normalise(name)}"
    for before in ("republica de ", "")
    for market in MARKETS.values()
    for name in market.country_names
    if len(name) >= _SHORTEST_COUNTRY  # what is shorter may end the name of a province
)
_BEFORE: Final = tuple(
    f"{word}{link}" for word in ("provincia ", "prov ") for link in ("de ", "do ", "da ", "")
)
_AFTER: Final = (" province", " provincia", " oblast", " oblasty", " region", " обл")
_FULL: Final = {" oblast": " region", " oblasty": " region", " обл": " область"}


def _known() -> Iterator[tuple[str, str]]:  # pragma: no mutate block, it runs at import
    for provinces in _SPELLINGS.values():
        for name, others in provinces.items():
            for spelling in (name, *others.split(",")):
                if folded := normalise(spelling):
                    yield folded, normalise(name)


_BY_SPELLING: Final = dict(_known())


def provinces(country: str) -> list[str]:
    """Returns the names of a country's provinces; none where they are not known."""
    return list(_SPELLINGS.get(country, ()))


def province_key(text: str) -> str:
    """Returns the province that a text names, folded, in one spelling; else the text, folded.

    "Kwanza Sul", "Província do Cuanza Sul" and "Cuanza-Sul, Angola" are one. What is no province,
    such as a city, stays what it is.
    """
    folded = _without_country(normalise(text))
    if found := _BY_SPELLING.get(folded):
        return found
    bare = next((folded[len(word) :] for word in _BEFORE if folded.startswith(word)), folded)
    for word in _AFTER:
        if bare.endswith(word):
            stem = bare.removesuffix(word)
            full = stem + _FULL.get(word, word)
            return _BY_SPELLING.get(full) or _BY_SPELLING.get(stem, folded)
    return _BY_SPELLING.get(bare, folded)


def _without_country(folded: str) -> str:
    for country in _COUNTRIES:
        if folded.endswith(f" {country}"):
            return folded.removesuffix(f" {country}")
    return folded

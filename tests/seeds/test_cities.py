"""The cities that markets begin with, checked by the names that people write."""

import pytest

from estafette.core.quotes.place import City, CityIndex, normalise
from estafette.seeds.cities import cities_of
from estafette.seeds.spellings import DISTRICT_RADIUS_KM, SPELLINGS

KAZAKHSTAN = cities_of("KZ")
ANGOLA = cities_of("AO")

LARGEST = {
    "almaty": "Алматы Almaty Алма-Ата Alma-Ata",
    "astana": "Астана Astana Нұр-Сұлтан Нур-Султан Nur-Sultan Целиноград Акмола",
    "shymkent": "Шымкент Shymkent Чимкент Chimkent",
    "aktobe": "Ақтөбе Актобе Aktobe Aqtobe Актюбинск",
    "karagandy": "Қарағанды Караганда Караганды Karaganda Karagandy Qaraghandy",
    "taraz": "Тараз Taraz Джамбул Жамбыл Zhambyl",
    "kyzylorda": "Қызылорда Кызылорда Kyzylorda Qyzylorda Кзыл-Орда",
    "oral": "Орал Уральск Oral Uralsk",
    "pavlodar": "Павлодар Pavlodar",
    "ust-kamenogorsk": "Өскемен Усть-Каменогорск Oskemen Öskemen Ust-Kamenogorsk",
    "semey": "Семей Semey Semei Семипалатинск",
    "atyrau": "Атырау Atyrau Гурьев",
    "turkistan": "Түркістан Туркестан Turkistan Turkestan",
    "kostanay": "Қостанай Костанай Kostanay Qostanay Кустанай",
    "petropavl": "Петропавл Петропавловск Petropavl Petropavlovsk Қызылжар",
    "temirtau": "Теміртау Темиртау Temirtau",
    "kokshetau": "Көкшетау Кокшетау Kokshetau Кокчетав",
    "aktau": "Ақтау Актау Aktau Aqtau",
    "rudnyy": "Рудный Rudny",
    "ekibastuz": "Екібастұз Экибастуз Ekibastuz",
    "taldykorgan": "Талдықорған Талдыкорган Taldykorgan Taldyqorgan",
    "zhezqazghan": "Жезқазған Жезказган Zhezkazgan Джезказган",
    "zhanaozen": "Жаңаөзен Жанаозен Zhanaozen",
    "balqash": "Балқаш Балхаш Balkhash",
    "konayev": "Қонаев Конаев Konaev Qonaev Капчагай Қапшағай Kapchagay",
    "kaskelen": "Қаскелең Каскелен Kaskelen",
    "kosshy": "Қосшы Косшы Kosshy",
}


@pytest.mark.parametrize("code", LARGEST)
def test_a_large_city_is_found_by_its_names_present_and_former(code: str) -> None:
    index = CityIndex(KAZAKHSTAN)
    for name in LARGEST[code].split():
        found = index.find(f"21 Zhibek Zholy, {name}")
        assert found is not None, name
        assert found.code == code, name


@pytest.mark.parametrize("cities", [KAZAKHSTAN, ANGOLA], ids=["KZ", "AO"])
def test_codes_are_unique_slugs(cities: list[City]) -> None:
    codes = [city.code for city in cities]
    assert len(set(codes)) == len(codes) > 80
    assert all(code == normalise(code).replace(" ", "-") for code in codes)


@pytest.mark.parametrize("cities", [KAZAKHSTAN, ANGOLA], ids=["KZ", "AO"])
def test_the_most_populous_come_first_and_have_places(cities: list[City]) -> None:
    populations = [city.population for city in cities]
    assert populations == sorted(populations, reverse=True)
    assert populations[-1] > 0
    assert all(-90 < city.latitude < 90 and -180 < city.longitude < 180 for city in cities)


def test_every_correction_is_of_a_city_that_exists() -> None:
    assert SPELLINGS["KZ"].keys() <= {city.code for city in KAZAKHSTAN}
    assert SPELLINGS["AO"].keys() <= {city.code for city in ANGOLA}
    assert DISTRICT_RADIUS_KM.keys() == {("AO", "luanda")}


def test_codes_of_airports_and_foreign_transcriptions_are_no_spellings() -> None:
    spellings = {name for city in KAZAKHSTAN for name in city.spellings}
    assert not spellings & {"ALA", "NQZ", "a la mu tu", "阿拉木圖", "ألماتي"}


def test_of_namesakes_the_most_populous_has_the_plain_code() -> None:
    first, second = (city for city in KAZAKHSTAN if city.name == "Aksu")
    assert (first.code, second.code) == ("aksu", "aksu-2")
    assert first.population > second.population


@pytest.mark.parametrize("address", ["Rua Marien Nguabi, Maianga", "Talatona", "Luanda", "Viana"])
def test_the_quarters_of_luanda_are_luanda(address: str) -> None:
    found = CityIndex(ANGOLA).find(address)
    assert found is not None
    assert found.code == "luanda"


@pytest.mark.parametrize(
    ("address", "code"),
    [("Lubango, Huíla, Angola", "lubango"), ("Kuito", "cuito"), ("MOCAMEDES", "mossamedes")],
)
def test_an_angolan_city_is_found(address: str, code: str) -> None:
    found = CityIndex(ANGOLA).find(address)
    assert found is not None
    assert found.code == code


def test_an_unknown_country_has_no_cities() -> None:
    assert cities_of("XX") == []

"""Provinces by every spelling that merchants send."""

import pytest

from estafette.core.quotes.address_words import normalise
from estafette.core.quotes.province import province_key, provinces


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Cuanza Sul", "Cuanza Sul"),
        ("Kwanza Sul", "Cuanza Sul"),
        ("KUANZA-SUL", "Cuanza Sul"),
        ("Kwanza Sul Province", "Cuanza Sul"),
        ("Província do Kwanza Sul", "Cuanza Sul"),
        ("Província de Benguela", "Benguela"),
        ("Provincia da Huila", "Huíla"),
        ("Huíla, Angola", "Huíla"),
        ("Huíla - República de Angola", "Huíla"),
        ("Prov. do Uíge", "Uíge"),
        ("Kuando Kubango", "Cuando Cubango"),
        ("Malange", "Malanje"),
        ("Bie", "Bié"),
        ("Лунда", "Лунда"),
        ("Алматинская обл.", "Almaty Region"),
        ("Almaty oblast, Kazakhstan", "Almaty Region"),
        ("Алматы облысы", "Almaty Region"),
        ("Шығыс Қазақстан облысы", "East Kazakhstan Region"),
    ],
)
def test_a_province_is_known_by_every_spelling(written: str, name: str) -> None:
    assert province_key(written) == normalise(name)


@pytest.mark.parametrize(
    "city", ["Almaty", "Lobito", "Moçâmedes", "Angola", "Província", "prov", "Serra Region"]
)
def test_what_is_no_province_stays_what_it_is(city: str) -> None:
    assert province_key(city) == normalise(city)


def test_a_city_is_not_the_region_of_its_name() -> None:
    assert province_key("Алматы") != province_key("Алматинская область")


def test_the_provinces_of_a_market_are_named_and_those_of_other_countries_are_not_known() -> None:
    assert {"Luanda", "Icolo e Bengo", "Moxico Leste"} <= set(provinces("AO"))
    assert {"Almaty Region", "Ulytau Region"} <= set(provinces("KZ"))
    assert provinces("PT") == []

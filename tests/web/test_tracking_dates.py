"""Days and times in the words of each language."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from estafette.web.tracking import dates
from estafette.web.tracking.texts import LANGUAGES

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2026, 11, 24, 14, 40, tzinfo=ALMATY)


def _plain(words: str) -> str:
    return words.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("code", "today", "tomorrow", "later", "another_year"),
    [
        ("en", "today by 18:20", "tomorrow by 14:00", "Friday 27 November by 14:00",
         "2 January 2027 by 14:00"),
        ("ru", "сегодня до 18:20", "завтра до 14:00", "пятница, 27 ноября до 14:00",
         "2 января 2027 до 14:00"),
        ("kk", "бүгін 18:20-ға дейін", "ертең 14:00-ге дейін",
         "жұма, 27 қараша 14:00-ге дейін", "2027 жылғы 2 қаңтар 14:00-ге дейін"),
        ("pt", "hoje até às 18:20", "amanhã até às 14:00",
         "sexta-feira, 27 de novembro até às 14:00", "2 de janeiro de 2027 até às 14:00"),
    ],
)  # fmt: skip
def test_a_deadline_is_said_in_the_words_of_the_language(
    code: str, today: str, tomorrow: str, later: str, another_year: str
) -> None:
    def said(moment: datetime) -> str:
        return _plain(dates.by(moment, NOW, ALMATY, LANGUAGES[code]))

    assert said(NOW.replace(hour=18, minute=20)) == today
    assert said(NOW.replace(day=25, hour=14, minute=0)) == tomorrow
    assert said(NOW.replace(day=27, hour=14, minute=0)) == later
    assert said(datetime(2027, 1, 2, 14, tzinfo=ALMATY)) == another_year


def test_a_moment_is_said_in_the_words_of_the_language() -> None:
    yesterday = NOW.replace(day=23, hour=18, minute=7)
    said = {
        code: _plain(dates.at(yesterday, NOW, ALMATY, texts)) for code, texts in LANGUAGES.items()
    }
    assert said == {
        "en": "yesterday at 18:07",
        "ru": "вчера в 18:07",
        "kk": "кеше 18:07-де",
        "pt": "ontem às 18:07",
    }


def test_the_day_is_that_of_the_market_not_of_greenwich() -> None:
    late_evening_in_utc = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # 01:30 of the 25th in Almaty
    said = dates.by(late_evening_in_utc, NOW, ALMATY, LANGUAGES["en"])
    assert _plain(said) == "tomorrow by 01:30"
    assert _plain(dates.by(late_evening_in_utc, NOW, ALMATY, LANGUAGES["pt"])) == (
        "amanhã até à 01:30"
    )


@pytest.mark.parametrize(
    ("minute", "until", "at"),
    [
        (1, "ге", "де"), (3, "ке", "те"), (6, "ға", "да"), (9, "ға", "да"), (10, "ға", "да"),
        (25, "ке", "те"), (30, "ға", "да"), (40, "қа", "та"), (50, "ге", "де"), (56, "ға", "да"),
    ],
)  # fmt: skip
def test_kazakh_endings_follow_the_last_numeral(minute: int, until: str, at: str) -> None:
    moment = NOW.replace(minute=minute)
    kazakh = LANGUAGES["kk"]
    assert f"14:{minute:02}-{until}\u00a0дейін" in dates.by(moment, NOW, ALMATY, kazakh)
    assert f"14:{minute:02}-{at}" in dates.at(moment, NOW, ALMATY, kazakh)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(minutes=1), "in a few minutes"),
        (timedelta(minutes=17), "in about 20 minutes"),
        (timedelta(minutes=30), "in about 30 minutes"),
        (timedelta(minutes=44), "in about 50 minutes"),
        (timedelta(minutes=61), "today 14:00–16:00"),
        (timedelta(hours=2, minutes=20), "today 14:00–17:00"),
        (timedelta(hours=5), "today 17:00–20:00"),
        (timedelta(hours=9, minutes=10), "today 21:00–24:00"),
        (timedelta(hours=10), "today at night"),
        (timedelta(hours=18), "tomorrow morning"),
        (timedelta(hours=24), "tomorrow afternoon"),
        (timedelta(hours=28), "tomorrow evening"),
        (timedelta(days=3), "Friday 27 November, afternoon"),
    ],
)
def test_what_is_expected_is_told_the_more_exactly_the_nearer_it_is(
    left: timedelta, said: str
) -> None:
    words = dates.expected(NOW + left, NOW, ALMATY, LANGUAGES["en"], is_near=True)
    assert _plain(words) == said


def test_what_has_no_courier_on_the_way_is_not_told_by_the_minute() -> None:
    soon = NOW + timedelta(minutes=17)
    words = dates.expected(soon, NOW, ALMATY, LANGUAGES["en"], is_near=False)
    assert words == "today 14:00–15:00"


@pytest.mark.parametrize(
    ("code", "tomorrow", "today", "soon"),
    [
        ("ru", "завтра днём", "сегодня 15:00–18:00", "примерно через 20 минут"),
        ("kk", "ертең түстен кейін", "бүгін 15:00–18:00", "шамамен 20 минуттан кейін"),
        ("pt", "amanhã à tarde", "hoje 15:00–18:00", "dentro de cerca de 20 minutos"),
    ],
)
def test_what_is_expected_is_told_in_each_language(
    code: str, tomorrow: str, today: str, soon: str
) -> None:
    def said(left: timedelta) -> str:
        return _plain(dates.expected(NOW + left, NOW, ALMATY, LANGUAGES[code], is_near=True))

    assert said(timedelta(hours=26)) == tomorrow
    assert said(timedelta(hours=3)) == today
    assert said(timedelta(minutes=17)) == soon


def test_the_offset_is_written_as_people_write_it() -> None:
    def of(zone: str) -> str:
        return dates.offset(datetime(2026, 1, 15, tzinfo=ZoneInfo(zone)))

    assert of("Africa/Luanda") == "UTC+1"
    assert of("Asia/Kolkata") == "UTC+5:30"
    assert of("America/Sao_Paulo") == "UTC−3"
    assert of("UTC") == "UTC"

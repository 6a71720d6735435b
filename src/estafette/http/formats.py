"""Dates, times, numbers and money as the reader of a page writes them, in the page's time zone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from estafette.http.texts import reader

if TYPE_CHECKING:
    from babel import Locale

_THOUSAND = 1000


_FOR_DATES = {"en": "en_GB"}
_FOR_NUMBERS = {"en": "en_GB", "pt": "pt_AO"}
"""The variant in which a language is written where it has several.

It has the day before the month, in words; a space between thousands; and Kz for the kwanza.
"""


@cache
def _dates(language: str) -> "Locale":
    from babel import Locale

    return Locale.parse(_FOR_DATES.get(language, language))


@cache
def _numbers(language: str) -> "Locale":
    from babel import Locale

    return Locale.parse(_FOR_NUMBERS.get(language, language))


def day(moment: datetime) -> str:
    """Returns the day of a moment: `3 Mar 2026`."""
    from babel.dates import format_skeleton

    who = reader()
    return format_skeleton("yMMMd", _local(moment), locale=_dates(who.language))


def clock(moment: datetime) -> str:
    """Returns the time of day, 24 hours: `18:05`. All our languages write it so."""
    return f"{_local(moment):%H:%M}"


def short_moment(moment: datetime, now: datetime | None = None) -> str:
    """Returns a moment for a list: today its time, else its day and time, and another year."""
    from babel.dates import format_skeleton

    local, today = _local(moment), _local(now or datetime.now(UTC))
    if local.date() == today.date():
        return clock(moment)
    skeleton = "MMMd" if local.year == today.year else "yMMMd"
    date = format_skeleton(skeleton, local, locale=_dates(reader().language))
    return f"{date}, {clock(moment)}"


def full_moment(moment: datetime) -> str:
    """Returns a moment to the second, with its offset: `3 Mar 2026, 18:05:09 UTC+5`."""
    local = _local(moment)
    minutes = round((local.utcoffset() or timedelta()) / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    offset = f"{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02}" if rest else "")
    return f"{day(moment)}, {local:%H:%M:%S} UTC{offset if minutes else ''}"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Returns how far a moment is from now: `5 minutes ago`, `in 2 hours`."""
    from babel.dates import format_timedelta

    distance = moment - (now or datetime.now(UTC))
    return format_timedelta(distance, add_direction=True, locale=_dates(reader().language))


def span(length: timedelta) -> str:
    """Returns a length of time in its largest unit: `3 hours`."""
    from babel.dates import format_timedelta

    return format_timedelta(length, threshold=1.2, locale=_dates(reader().language))


_UNITS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


def exact_span(seconds: int) -> str:
    """Returns a length of time exactly, in its largest possible unit: `90 min`, `3 hr`."""
    from babel.units import format_unit

    unit, size = next(each for each in _UNITS.items() if seconds % each[1] == 0)
    return format_unit(seconds // size, f"duration-{unit}", "short", locale=reader().language)


def number(value: float | Decimal, digits: int | None = None) -> str:
    """Returns a number: `12,345.6`; with `digits`, exactly so many after the point."""
    from babel.numbers import format_decimal

    locale = _numbers(reader().language)
    if digits is None:
        return format_decimal(value, locale=locale)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, pattern, locale=locale)


def percent(share: float) -> str:
    """Returns a share of one as percent, with one digit after the point: `97.5%`."""
    from babel.numbers import format_percent

    locale = _numbers(reader().language)
    pattern = locale.percent_formats[None].pattern.replace("0", "0.#", 1)
    return format_percent(share, pattern, locale=locale)


def money(amount: int | Decimal, currency: str) -> str:
    """Returns an amount in whole units of its currency; without cents where there are none."""
    from babel.numbers import format_currency

    locale = _numbers(reader().language)
    pattern = locale.currency_formats["standard"].pattern
    if amount == int(amount):
        pattern = pattern.replace(".00", "")
    pattern = pattern.replace("¤#", "¤\u00a0#")  # a space after a code of letters: KZT 1,500
    return format_currency(amount, currency, pattern, locale=locale, currency_digits=False)


def size(bytes_: int) -> str:
    """Returns a size in bytes: `12 kB`."""
    from babel.units import format_unit

    locale = _numbers(reader().language)
    unit, value = "byte", float(bytes_)
    for larger in ("kilobyte", "megabyte", "gigabyte", "terabyte"):
        if value < _THOUSAND:
            break
        unit, value = larger, value / _THOUSAND
    digits = "#,##0" if value >= 10 or unit == "byte" else "#,##0.#"
    return format_unit(value, f"digital-{unit}", "short", format=digits, locale=locale)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(reader().zone)

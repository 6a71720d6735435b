"""Days and times in words: pure functions of a moment, a time zone and a language's texts."""

from datetime import datetime, timedelta, tzinfo
from math import ceil

from estafette.web.tracking.texts import CalendarWords, Texts

_HOUR = timedelta(hours=1)
_RELATIVE_UP_TO = timedelta(hours=24)
"""Beyond this, "within 60 hours" says less than the date does."""

_KAZAKH_DATIVE = {
    0: "ге", 1: "ге", 2: "ге", 3: "ке", 4: "ке", 5: "ке", 6: "ға", 7: "ге", 8: "ге", 9: "ға",
    10: "ға", 20: "ға", 30: "ға", 40: "қа", 50: "ге",
}  # fmt: skip
"""The dative ending by the last numeral spoken: vowel harmony, and the final consonant."""

_KAZAKH_LOCATIVE = {"ге": "де", "ке": "те", "ға": "да", "қа": "та"}


def clock(moment: datetime) -> str:
    """Returns the time of day, 24 hours: `18:05`. All four languages write it so."""
    return f"{moment:%H:%M}"


def offset(moment: datetime) -> str:
    """Returns the distance of a local moment from UTC: `UTC+5`, `UTC+5:30`, `UTC`."""
    minutes = round((moment.utcoffset() or timedelta()) / timedelta(minutes=1))
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "−"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


def day(moment: datetime, now: datetime, texts: Texts) -> str:
    """Returns the day of `moment` for a reader at `now`: `today`, `tomorrow`, `Tuesday 3 March`.

    Both must be in the same zone: the one whose midnight divides the days. The year is said
    when it is not this one.
    """
    words = texts.calendar
    distance = (moment.date() - now.date()).days
    near = {-1: words.yesterday, 0: words.today, 1: words.tomorrow}.get(distance)
    if near is not None:
        return near
    pattern = words.date if moment.year == now.year else words.date_with_year
    return pattern.format(
        weekday=words.weekdays[moment.weekday()],
        day=moment.day,
        month=words.months[moment.month - 1],
        year=moment.year,
    )


def by(moment: datetime, now: datetime, zone: tzinfo, texts: Texts) -> str:
    """Returns a deadline in words, in `zone`: `today by 18:20`."""
    return _timed(texts.calendar.by, moment.astimezone(zone), now.astimezone(zone), texts)


def at(moment: datetime, now: datetime, zone: tzinfo, texts: Texts) -> str:
    """Returns a moment in words, in `zone`: `yesterday at 18:20`."""
    return _timed(texts.calendar.at, moment.astimezone(zone), now.astimezone(zone), texts)


def within(moment: datetime, now: datetime, texts: Texts) -> str | None:
    """Returns how far a deadline is off, in whole hours rounded up: `within 3 hours`.

    None when it has passed or is more than a day away.
    """
    left = moment - now
    if not timedelta() < left <= _RELATIVE_UP_TO:
        return None
    hours = ceil(left / _HOUR)
    if hours == 1:
        return texts.calendar.within_hour
    return _counted(texts.code, texts.calendar, hours)


def plural(code: str, n: int) -> str:
    """Returns the CLDR plural category of a whole number `n`: `one`, `few`, `many`, `other`.

    Kazakh has `one` too, but says nothing different after a numeral, so it is `other` here.
    """
    if code == "ru":
        if n % 10 == 1 and n % 100 != 11:
            return "one"
        return "few" if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else "many"
    if code in ("en", "pt") and n == 1:
        return "one"
    return "other"


def _counted(code: str, words: CalendarWords, n: int) -> str:
    forms = {str(category): form for category, form in words.within_hours.items()}
    return forms[plural(code, n)].format(n=n)


def _timed(pattern: str, moment: datetime, now: datetime, texts: Texts) -> str:
    time_to, time_at = _inclined(texts.code, moment)
    return pattern.format(
        date=day(moment, now, texts), time=clock(moment), time_to=time_to, time_at=time_at
    )


def _inclined(code: str, moment: datetime) -> tuple[str, str]:
    """Returns the clock as the language puts it after "until" and "at"."""
    time = clock(moment)
    if code == "kk":  # 18:20-ға дейін, 18:07-де
        minute = moment.minute
        last = minute if minute % 10 == 0 else minute % 10
        ending = _KAZAKH_DATIVE[last]
        return f"{time}-{ending}", f"{time}-{_KAZAKH_LOCATIVE[ending]}"
    if code == "pt":  # à uma, às duas
        time = f"à\u00a0{time}" if moment.hour == 1 else f"às\u00a0{time}"
    return time, time

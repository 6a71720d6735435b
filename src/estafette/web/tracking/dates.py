"""Days and times in words: pure functions of a moment, a time zone and a language's texts."""

from datetime import datetime, timedelta, tzinfo
from math import ceil
from typing import Literal

from estafette.web.tracking.texts import Texts

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_FEW_MINUTES = 5
_SPAN_HOURS = 3
_MORNING, _AFTERNOON, _EVENING = 6, 12, 18

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


def expected(moment: datetime, now: datetime, zone: tzinfo, texts: Texts, *, is_near: bool) -> str:
    """Returns when something is expected that has a deadline, in words that narrow as it nears.

    Another day is told with its part (`tomorrow afternoon`), today by the last hours before the
    deadline (`today 14:00–17:00`), and with `is_near` the last hour by its minutes
    (`in about 20 minutes`). The deadline lies ahead of `now`.
    """
    words, left = texts.calendar, moment - now
    if is_near and left <= _HOUR:
        minutes = ceil(left / _MINUTE)
        if minutes <= _FEW_MINUTES:
            return words.few_minutes
        step = 5 if minutes <= 30 else 10
        return words.in_minutes.format(n=-(-minutes // step) * step)
    local, here = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == here.date():
        end = local.hour + (local.minute > 0 or local.second > 0)
        start = min(max(end - _SPAN_HOURS, here.hour), end - 1)
        return words.span.format(date=words.today, start=f"{start}:00", end=f"{end}:00")
    if local.hour < _MORNING:  # the hours after midnight belong to the night before
        local -= timedelta(hours=_MORNING)
        part = words.parts["night"]
    else:
        part = words.parts[_part(local.hour)]
    is_far = abs((local.date() - here.date()).days) > 1
    pattern = words.part_far if is_far else words.part_near
    return pattern.format(date=day(local, here, texts), part=part)


def window(start: datetime, end: datetime, now: datetime, zone: tzinfo, texts: Texts) -> str:
    """Returns a window in words, in `zone`: `tomorrow 9:00–13:00`."""
    begins, ends, here = (moment.astimezone(zone) for moment in (start, end, now))
    date = day(begins, here, texts)
    hours = f"{_short(begins)}\u2060–\u2060{_short(ends)}"  # on one line
    return texts.calendar.part_near.format(date=date, part=hours)


def _short(moment: datetime) -> str:
    return f"{moment.hour}:{moment.minute:02}"


def _part(hour: int) -> Literal["morning", "afternoon", "evening"]:
    if hour < _AFTERNOON:
        return "morning"
    return "afternoon" if hour < _EVENING else "evening"


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

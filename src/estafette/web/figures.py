"""How figures are shown: today's, the plots of the last days, and who cancelled."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from estafette.core.deliveries.figures import Figures
from estafette.http.formats import number, percent
from estafette.http.texts import gettext, reader
from estafette.web.parts import Plot, Point, Series
from estafette.web.words import actor_name

Stat = tuple[str, str, str, str]


def figure_stats(today: Figures, whole: Figures) -> list[Stat]:
    """Returns the figures of today, each with that of all days shown beside."""
    on_time = "–" if today.on_time is None else percent(today.on_time)
    of_all = "–" if whole.on_time is None else percent(whole.on_time)
    pairs = (
        (gettext("Created today"), number(today.created), number(whole.created)),
        (gettext("Delivered today"), number(today.delivered), number(whole.delivered)),
        (gettext("In time today"), on_time, of_all),
        (gettext("Cancelled today"), number(today.all_cancelled), number(whole.all_cancelled)),
        (gettext("Failed today"), number(today.failed), number(whole.failed)),
    )
    return [
        (name, value, gettext("%(figure)s in all days shown", figure=all_days), "")
        for name, value, all_days in pairs
    ]


def at_most(count: int, most: int) -> str:
    """Returns a number that was counted up to `most`."""
    if count < most:
        return number(count)
    return gettext("%(number)s or more", number=number(most))


def day_plot(days: Sequence[tuple[date, Figures]]) -> Plot:
    """Returns the plot of what was created, delivered and cancelled each day."""

    def series(name: str, values: Sequence[int]) -> Series:
        pairs = zip(days, values, strict=True)
        return Series(name, [Point(_day(day), value, number(value)) for (day, _), value in pairs])

    ended = [one.all_cancelled + one.failed for _, one in days]
    return Plot(
        gettext("Deliveries by day"),
        (
            series(gettext("Created"), [one.created for _, one in days]),
            series(gettext("Delivered"), [one.delivered for _, one in days]),
            series(gettext("Cancelled or failed"), ended),
        ),
        kind="lines",
    )


def punctuality_plot(days: Sequence[tuple[date, Figures]]) -> Plot:
    """Returns the plot of what came in time and what came late, day by day."""
    in_time = [
        Point(_day(day), one.delivered - one.late, number(one.delivered - one.late))
        for day, one in days
    ]
    late = [Point(_day(day), one.late, number(one.late)) for day, one in days]
    return Plot(
        gettext("Delivered in time and late"),
        (Series(gettext("In time"), in_time), Series(gettext("Late"), late)),
    )


def cancelled_shares(whole: Figures) -> list[tuple[str, str, float, str]]:
    """Returns who cancelled how many, the most frequent first."""
    most = sorted(whole.cancelled.items(), key=lambda pair: -pair[1])
    return [
        (actor_name(actor), number(count), count / whole.all_cancelled, "") for actor, count in most
    ]


def _day(day: date) -> str:
    """Returns a day as the axis of a plot has it."""
    from babel.dates import format_skeleton

    moment = datetime.combine(day, time(12), UTC)
    return format_skeleton("MMMd", moment, locale=reader().language)

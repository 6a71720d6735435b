"""The words of notifications and letters: English here, other languages in `texts/`.

A text that people wrote is cleaned before it is filled in: it stays on its line, and nothing in it
is invisible or turns the direction of reading.
"""

import html
import unicodedata
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from estafette.core.deliveries.delivery import Status
from estafette.core.deliveries.windows import Window
from estafette.core.notifications.letter import Letter, LetterKind
from estafette.core.notifications.notification import NotificationKind
from estafette.http.texts import N_, Reader, gettext, read_by
from estafette.notifications.outcomes import cause
from estafette.notifications.sending import Outgoing
from estafette.usecases.notifications.outbox import DueNotification

CREATED: Final = N_("%(brand)s: a parcel is being sent to you. Follow it here: %(link)s")
ON_THE_WAY: Final = N_("%(brand)s: the courier is on the way to you. %(link)s")
ON_THE_WAY_BY: Final = N_(
    "%(brand)s: the courier is on the way to you. Planned until %(time)s. %(link)s"
)
FAILED_CALL: Final = N_(
    "%(brand)s: your parcel could not be delivered. To arrange what comes next, call"
    " %(phone)s. %(link)s"
)
FAILED: Final = N_(
    "%(brand)s: your parcel could not be delivered. The sender will tell you what comes"
    " next. %(link)s"
)
ATTEMPT_CALL: Final = N_(
    "%(brand)s: the courier could not hand over your parcel. To arrange the next try, call"
    " %(phone)s. %(link)s"
)
ATTEMPT: Final = N_(
    "%(brand)s: the courier could not hand over your parcel. See here what comes next: %(link)s"
)
ATTEMPT_AGAIN: Final = N_(
    "%(brand)s: the courier could not hand over your parcel, and comes again %(window)s. Another"
    " time: %(link)s"
)
RESCHEDULED: Final = N_("%(brand)s: your parcel now comes %(window)s. %(link)s")
LEFT: Final = N_("%(brand)s: nobody took your parcel, so it was left at your door. %(link)s")
DELIVERED: Final = N_("%(brand)s: your parcel has been delivered. %(link)s")
UNNAMED: Final = N_("Your delivery")
CODE: Final = N_(
    "%(code)s is your code for the driver's page. It is good for %(minutes)s minutes. Tell it to"
    " nobody."
)


class LetterWords(NamedTuple):
    """The words of a kind of letter, in English: paragraphs, of which `link` stands after one."""

    subject: str
    before: str
    button: str
    after: str


LETTERS: Final = {
    LetterKind.INVITATION: LetterWords(
        N_("%(inviter)s invites you to %(organisation)s"),
        N_(
            "%(inviter)s invites you to work with %(organisation)s in Estafette. The link works"
            " once, for %(hours)s h."
        ),
        N_("Accept the invitation"),
        N_("If you did not expect this, do nothing: without the link nothing happens."),
    ),
    LetterKind.PASSWORD_RESET: LetterWords(
        N_("Choose a new password"),
        N_(
            "Somebody, probably you, has asked to choose a new password. The link works once, for"
            " %(hours)s h."
        ),
        N_("Choose a new password"),
        N_("If it was not you, do nothing: your password stays as it is."),
    ),
    LetterKind.ENDPOINT_FAILING: LetterWords(
        N_("Webhooks to %(host)s are failing"),
        N_(
            "Since %(since)s the endpoint “%(endpoint)s” of %(account)s has taken no webhook:"
            " %(cause)s. They are sent again, ever more rarely, and given up in the end. Mend the"
            " receiver, or give the endpoint another URL."
        ),
        N_("Look at the attempts"),
        N_("You get this letter because you look after the webhooks of %(account)s."),
    ),
    LetterKind.ENDPOINT_GIVEN_UP: LetterWords(
        N_("Webhooks to %(host)s are given up"),
        N_(
            "The endpoint “%(endpoint)s” of %(account)s has taken no webhook since %(since)s:"
            " %(cause)s. The first of them are given up now. They are kept: once the receiver is"
            " mended, send them again in the console."
        ),
        N_("Look at the attempts"),
        N_("You get this letter because you look after the webhooks of %(account)s."),
    ),
    LetterKind.ENDPOINT_WORKS_AGAIN: LetterWords(
        N_("Webhooks to %(host)s arrive again"),
        N_(
            "The endpoint “%(endpoint)s” of %(account)s, which had failed since %(since)s, takes"
            " webhooks again. What waited is sent. What was given up can be sent again in the"
            " console."
        ),
        N_("Look at the attempts"),
        N_("You get this letter because you look after the webhooks of %(account)s."),
    ),
}


def say(phrase: str, language: str, **facts: str) -> str:
    """Returns a phrase of this module in a language, with the facts filled in after cleaning."""
    with read_by(Reader(language)):
        return gettext(phrase, **{name: cleaned(fact) for name, fact in facts.items()})


def cleaned(text: str) -> str:
    """Returns a text on one line, without invisible characters."""
    if text.isprintable():
        return text
    spaced = "".join(" " if sign.isspace() else sign for sign in text)
    return "".join(sign for sign in spaced if not unicodedata.category(sign).startswith("C"))


def notification(due: DueNotification, link: str, now: datetime) -> Outgoing:
    """Returns the text for a recipient; `link` leads to the tracking page.

    `due` must not be pointless. `now` has a time zone.
    """
    claimed, delivery, language = due.claimed, due.delivery, due.language
    facts = {"brand": claimed.brand or say(UNNAMED, language), "link": link}
    window = delivery.window if delivery.window and delivery.window.is_ahead(now) else None
    zone = ZoneInfo(due.market.time_zone)
    if delivery.window is not None:
        facts["window"] = _window(delivery.window, now, zone, language)
    phrase = {
        NotificationKind.CREATED: CREATED,
        NotificationKind.OUT_FOR_DELIVERY: ON_THE_WAY,
        NotificationKind.FAILED: FAILED,
        NotificationKind.RESCHEDULED: RESCHEDULED,
        NotificationKind.DELIVERED: LEFT if delivery.left_at_door else DELIVERED,
        None: CREATED,
    }[due.kind]
    if due.kind is NotificationKind.OUT_FOR_DELIVERY and delivery.deliver_by > now:
        phrase = ON_THE_WAY_BY
        facts["time"] = _time(delivery.deliver_by, now, zone, language)
    is_attempt = due.kind is NotificationKind.FAILED and delivery.status is Status.STALLED
    if is_attempt:
        phrase = ATTEMPT if window is None else ATTEMPT_AGAIN
    if phrase in (ATTEMPT, FAILED) and claimed.brand_phone is not None:
        facts["phone"] = claimed.brand_phone
        phrase = ATTEMPT_CALL if is_attempt else FAILED_CALL
    return Outgoing(due.id, delivery.dropoff.phone_e164 or "", say(phrase, language, **facts))


def _window(window: Window, now: datetime, zone: tzinfo, language: str) -> str:
    """Returns from when to when, with the date where that is not today in the zone."""
    from babel.dates import format_date

    start, end = (moment.astimezone(zone) for moment in window)
    hours = f"{start:%H:%M}–{end:%H:%M}"
    if start.date() == now.astimezone(zone).date():
        return hours
    return f"{format_date(start, 'd MMMM', locale=language)}, {hours}"


def _time(moment: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """Returns the time of day, with the date where that is not today in the zone.

    A time more than an hour away is rounded up to the whole hour, since the minute is not known.
    """
    from babel.dates import format_date

    if moment - now > timedelta(hours=1):
        moment = (moment + timedelta(minutes=59, seconds=59)).replace(minute=0, second=0)
    local = moment.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{format_date(local, 'd MMMM', locale=language)} {local:%H:%M}"


def code(id: str, written: Letter) -> Outgoing:
    """Returns the text with the code by which a driver signs in, in the driver's language."""
    return Outgoing(id, written.to, say(CODE, written.language, **written.facts))


def letter(id: str, written: Letter) -> Outgoing:
    """Returns a letter as it is sent, in its reader's language."""
    words, language, facts = LETTERS[written.kind], written.language, written.facts
    if "cause" in facts:
        with read_by(Reader(language)):
            facts = {**facts, "cause": cause(facts["cause"])}
    subject, before, button, after = (say(phrase, language, **facts) for phrase in words)
    link = facts["link"]
    text = f"{before}\n\n{link}\n\n{after}\n\n-- \nEstafette\n"
    paragraphs = (
        f"<p>{html.escape(before)}</p>",
        f'<p><a href="{html.escape(link)}">{html.escape(button)}</a></p>',
        f"<p>{html.escape(after)}</p>",
    )
    page = f'<!doctype html><html lang="{language}"><body>{"".join(paragraphs)}</body></html>'
    return Outgoing(id, written.to, text, subject, page)

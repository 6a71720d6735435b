"""The words of notifications and letters: English here, other languages in `texts/`.

A text that people wrote is cleaned before it is filled in: it stays on its line, and nothing in it
is invisible or turns the direction of reading.
"""

import html
import unicodedata
from datetime import datetime
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from estafette.core.notifications.letter import Letter, LetterKind
from estafette.core.notifications.notification import NotificationKind
from estafette.notifications.sending import Outgoing
from estafette.usecases.notifications.outbox import DueNotification

SOURCE: Final = "en"

CREATED: Final = "{brand}: a parcel is being sent to you. Follow it here: {link}"
ON_THE_WAY: Final = "{brand}: the courier is on the way to you. {link}"
ON_THE_WAY_BY: Final = "{brand}: the courier is on the way to you. Planned until {time}. {link}"
FAILED_CALL: Final = (
    "{brand}: your parcel could not be delivered. To arrange what comes next, call {phone}. {link}"
)
FAILED: Final = (
    "{brand}: your parcel could not be delivered. The sender will tell you what comes next. {link}"
)
DELIVERED: Final = "{brand}: your parcel has been delivered. {link}"
UNNAMED: Final = "Your delivery"


class LetterWords(NamedTuple):
    """The words of a kind of letter, in English: paragraphs, of which `link` stands after one."""

    subject: str
    before: str
    button: str
    after: str


LETTERS: Final = {
    LetterKind.INVITATION: LetterWords(
        "{inviter} invites you to {organisation}",
        "{inviter} invites you to work with {organisation} in Estafette. The link works once, for"
        " {hours} h.",
        "Accept the invitation",
        "If you did not expect this, do nothing: without the link nothing happens.",
    ),
    LetterKind.PASSWORD_RESET: LetterWords(
        "Choose a new password",
        "Somebody, probably you, has asked to choose a new password. The link works once, for"
        " {minutes} min.",
        "Choose a new password",
        "If it was not you, do nothing: your password stays as it is.",
    ),
    LetterKind.ENDPOINT_FAILING: LetterWords(
        "Webhooks to {host} are failing",
        "Since {since} the endpoint “{endpoint}” of {account} has taken no webhook. They are sent"
        " again, ever more rarely, and given up in the end.",
        "Look at the attempts",
        "You get this letter because you look after the webhooks of {account}.",
    ),
}

PHRASES: Final = (
    *(CREATED, ON_THE_WAY, ON_THE_WAY_BY, FAILED_CALL, FAILED, DELIVERED, UNNAMED),
    *(phrase for words in LETTERS.values() for phrase in words),
)
"""Every English text that has to be known in each language."""


@cache
def translations(language: str) -> dict[str, str]:
    """Returns the texts of a language by the English ones; none for English."""
    from babel.messages.pofile import read_po  # a server sends nothing and needs none of it

    if language == SOURCE:
        return {}
    data = (files("estafette") / "notifications" / "texts" / f"{language}.po").read_bytes()
    return {
        message.id: message.string
        for message in read_po(BytesIO(data))
        if isinstance(message.id, str) and message.id and isinstance(message.string, str)
    }


def say(phrase: str, language: str, **facts: str) -> str:
    """Returns a phrase of PHRASES in a language, filled with facts, which are cleaned."""
    words = translations(language).get(phrase) or phrase
    return words.format(**{name: cleaned(fact) for name, fact in facts.items()})


def cleaned(text: str) -> str:
    """Returns a text on one line, without what cannot be seen."""
    if text.isprintable():
        return text
    spaced = "".join(" " if sign.isspace() else sign for sign in text)
    return "".join(sign for sign in spaced if not unicodedata.category(sign).startswith("C"))


def notification(due: DueNotification, link: str, now: datetime) -> Outgoing:
    """Returns what a recipient is told; `link` leads to the tracking page.

    `due` is one that is not pointless. `now` is aware.
    """
    claimed, delivery, language = due.claimed, due.delivery, due.language
    facts = {"brand": claimed.brand or say(UNNAMED, language), "link": link}
    phrase = {
        NotificationKind.CREATED: CREATED,
        NotificationKind.OUT_FOR_DELIVERY: ON_THE_WAY,
        NotificationKind.FAILED: FAILED,
        NotificationKind.DELIVERED: DELIVERED,
        None: CREATED,
    }[due.kind]
    if due.kind is NotificationKind.OUT_FOR_DELIVERY and delivery.deliver_by > now:
        phrase = ON_THE_WAY_BY
        facts["time"] = _time(delivery.deliver_by, now, ZoneInfo(due.market.time_zone), language)
    if due.kind is NotificationKind.FAILED and claimed.brand_phone is not None:
        phrase, facts["phone"] = FAILED_CALL, claimed.brand_phone
    return Outgoing(due.id, delivery.dropoff.phone_e164 or "", say(phrase, language, **facts))


def _time(moment: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """Returns the time of day, with the date where it is another day than today there."""
    from babel.dates import format_date

    local = moment.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{format_date(local, 'd MMMM', locale=language)} {local:%H:%M}"


def letter(id: str, written: Letter) -> Outgoing:
    """Returns a letter as it is sent, in its reader's language."""
    words, language, facts = LETTERS[written.kind], written.language, written.facts
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

"""When the developers of an account are told that an endpoint of theirs fails.

They are told once that it keeps failing, while there is time to mend it; once more when a webhook
is given up; and when it works again. An endpoint that fails, answers and fails again makes no more
letters than one of each kind an hour.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

FAILURES: Final = 5
"""So many failures in a row, without an answer between, are told of."""

FOR: Final = timedelta(minutes=10)
"""And they have gone on for so long. The first webhook that nobody takes is given up after eight
hours at the soonest."""

APART: Final = timedelta(hours=1)
"""How long after an endpoint has worked again a new spell is not told of."""


class Notice(StrEnum):
    """What people are told of."""

    FAILING = "failing"
    GIVEN_UP = "given_up"
    WORKS_AGAIN = "works_again"


class Spell(NamedTuple):
    """A spell of failure of which people were told, and when of what."""

    failing_since: datetime
    told_at: datetime
    given_up_told_at: datetime | None = None
    recovered_at: datetime | None = None


class Standing(NamedTuple):
    """How an endpoint stands at the time `now`.

    It fails since `failing_since`, None: it does not, as far as is known. `answered` is whether the
    newest attempt since people were told was delivered, `given_up` whether webhooks were given up
    since it fails. One that is disabled, or has no URL, `is_sent` nothing; one that `is_gone` was
    disabled because it said so (410) again and again.
    """

    now: datetime
    failures: int
    failing_since: datetime | None
    answered: bool
    given_up: bool
    is_sent: bool
    is_gone: bool = False


class Verdict(NamedTuple):
    """What is told now, None: nothing; and the spell as it is kept then, None: it is not."""

    notice: Notice | None
    spell: Spell | None


def judge(spell: Spell | None, standing: Standing) -> Verdict:
    """Returns what is told of an endpoint that stands so, after what was told in `spell`."""
    now, since = standing.now, standing.failing_since
    fails = (
        standing.is_sent
        and since is not None
        and standing.failures >= FAILURES
        and now - since >= FOR
    )
    if spell is None:
        return (
            Verdict(Notice.FAILING, Spell(since, now)) if fails and since else Verdict(None, None)
        )
    if spell.recovered_at is not None:
        if now - spell.recovered_at < APART:
            return Verdict(None, spell)
        return judge(None, standing)
    if standing.is_gone and spell.given_up_told_at is None:
        return Verdict(Notice.GIVEN_UP, spell._replace(given_up_told_at=now))
    if not standing.is_sent and not standing.is_gone:
        return Verdict(None, None)  # somebody has taken it out of use, or it is gone
    if since is None and standing.answered:
        return Verdict(Notice.WORKS_AGAIN, spell._replace(recovered_at=now))
    if standing.given_up and spell.given_up_told_at is None:
        return Verdict(Notice.GIVEN_UP, spell._replace(given_up_told_at=now))
    return Verdict(None, spell)

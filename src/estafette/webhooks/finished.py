"""What is recorded of an attempt: its outcome, and when the message is sent again."""

import random
from typing import Final

from estafette.store.webhooks.outbox import ClaimedMessage, Finished
from estafette.webhooks.exchanges import NOTHING_KEPT, Kept
from estafette.webhooks.retry import RetrySchedule
from estafette.webhooks.sender import ExchangeOutcome, Result

ERROR: Final = "error"
"""The outcome of an attempt in which nothing was sent, for a reason on our side."""

_MOST_ERROR_CHARACTERS: Final = 300


def finished(
    claimed: ClaimedMessage,
    schedule: RetrySchedule,
    result: Result | str,
    began: float,
    round_seconds: float,
    kept: Kept = NOTHING_KEPT,
) -> Finished:
    """Returns the record of an attempt, with the time of the next one.

    `result` is the sender's, or the reason why nothing was sent. `began` is a moment on the
    monotonic clock, `round_seconds` the age of the round, `kept` what is kept of the exchange.
    """
    sent = isinstance(result, Result)
    delivered = sent and result.outcome is ExchangeOutcome.DELIVERED
    retry = None
    if not delivered and not claimed.is_test:  # a test is tried once
        retry = schedule.next_attempt_delay(
            claimed.attempt_in_round,
            round_seconds,
            result.retry_after_seconds if sent else None,
            random.random,
        )
    return Finished(
        account_id=claimed.scope.account_id,
        endpoint_id=claimed.endpoint_id,
        message_id=claimed.id,
        attempt=claimed.attempt,
        tells=sent and claimed.is_own,
        is_delivered=delivered,
        retry_seconds=retry,
        began=began,
        duration_seconds=result.duration_seconds if sent else 0.0,
        outcome=result.outcome.value if sent else ERROR,
        http_status=result.http_status if sent else None,
        error=_storable(result.error if sent else result),
        request=kept.request,
        answer=kept.answer,
    )


def _storable(error: str | None) -> str | None:
    """Returns an error as it is stored: shortened, and without characters that PostgreSQL refuses.

    Parts of it may have been written by a receiver.
    """
    if error is None:
        return None
    clean = error[:_MOST_ERROR_CHARACTERS].encode("utf-8", "replace").decode()
    return clean.replace("\x00", "\ufffd")

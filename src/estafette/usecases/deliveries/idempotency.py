"""Idempotent answers: a repeated request with the same key gets the same answer.

A refusal that is a conflict of state is an answer too, and is kept. After any other refusal the key
counts as unused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from estafette.core.errors import IdempotencyMismatch, Refusal
from estafette.store.deliveries import idempotency as store
from estafette.store.deliveries.idempotency import Key
from estafette.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Reply:
    """The dialect's answer, an HTTP status and a body, kept so that it is repeated exactly."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, and whether it repeats an earlier one."""

    reply: Reply
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Idempotency:
    """An idempotency key with the fingerprint of the payload that it came with."""

    key: Key
    fingerprint: bytes


Outcome = TypeVar("Outcome")
Render = Callable[[Outcome], Reply]
"""Turns an outcome or a conflict into the dialect's reply."""


class KeptAnswers(Generic[Outcome]):
    """The answers of one transaction: those kept earlier, and those that it adds (`added`)."""

    def __init__(self, earlier: dict[Key, store.StoredAnswer]) -> None:
        """Begins with the answers that were kept earlier; `open_kept_answers` reads them."""
        self._records = earlier
        self.added: list[tuple[Key, store.StoredAnswer]] = []

    def earlier(self, idempotency: Idempotency | None) -> Answer | Refusal | None:
        """Returns the answer to repeat, or None where the key is new or there is no key.

        Where the key was used with another payload, returns the refusal.
        """
        record = self._records.get(idempotency.key) if idempotency else None
        if idempotency is None or record is None:
            return None
        if record.fingerprint != idempotency.fingerprint:
            return IdempotencyMismatch(idempotency.key.key)
        return Answer(Reply(record.status, record.body), replayed=True)

    def answer(
        self,
        idempotency: Idempotency | None,
        outcome: Outcome | Refusal,
        render: Render[Outcome | Refusal],
    ) -> Answer | Refusal:
        """Returns the answer to an outcome or a conflict, and keeps it under the key.

        Any other refusal is returned as it is and not kept.
        """
        if isinstance(outcome, Refusal) and not outcome.is_conflict:
            return outcome
        reply = render(outcome)
        if idempotency:
            record = store.StoredAnswer(idempotency.fingerprint, reply.status, reply.body)
            self._records[idempotency.key] = record
            self.added.append((idempotency.key, record))
        return Answer(reply)

    async def write(self, connection: Connection) -> None:
        """Writes the new answers, in the transaction that made them."""
        await store.insert(connection, self.added)


def locks(keys: Sequence[Key]) -> list[int]:
    """Returns the advisory locks under which the answers of these keys are read and written."""
    return [store.lock_number(*key.scope, key.endpoint, key.key) for key in keys]


async def open_kept_answers(
    connection: Connection, wanted: Sequence[Idempotency | None]
) -> "KeptAnswers[Outcome]":  # pyright: ignore[reportInvalidTypeVarUse] - the caller names the outcome
    """Locks these keys, waiting for other transactions that use them; reads the kept answers."""
    keys = [item.key for item in wanted if item]
    await store.lock(connection, locks(keys))
    return KeptAnswers(await store.find(connection, keys))

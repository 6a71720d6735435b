"""Idempotent answers: what was answered once under a key is answered again.

A refusal that is a conflict of state is an answer too and is kept; any other refusal leaves the
key unused.
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
    """What the dialect answers: an HTTP status and a body, kept to be repeated to the letter."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, and whether it is the repetition of an earlier one."""

    reply: Reply
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Idempotency:
    """An idempotency key with the digest of the payload it came with."""

    key: Key
    fingerprint: bytes


Outcome = TypeVar("Outcome")
Render = Callable[[Outcome], Reply]
"""How a dialect writes an outcome or a conflict."""


class KeptAnswers(Generic[Outcome]):
    """The answers of one transaction: the earlier ones, and those it adds (`added`)."""

    def __init__(self, earlier: dict[Key, store.StoredAnswer]) -> None:
        """Begins with what was answered before; see `open_kept_answers`."""
        self._records = earlier
        self.added: list[tuple[Key, store.StoredAnswer]] = []

    def earlier(self, idempotency: Idempotency | None) -> Answer | Refusal | None:
        """Returns the answer to repeat, a refusal for another payload, or None: the key is new."""
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
        """Returns the answer to an outcome, kept under the key when it is one to keep."""
        if isinstance(outcome, Refusal) and not outcome.is_conflict:
            return outcome
        reply = render(outcome)
        if idempotency:
            record = store.StoredAnswer(idempotency.fingerprint, reply.status, reply.body)
            self._records[idempotency.key] = record
            self.added.append((idempotency.key, record))
        return Answer(reply)

    async def write(self, connection: Connection) -> None:
        """Keeps the new answers, in the transaction of what they speak of."""
        await store.insert(connection, self.added)


def locks(keys: Sequence[Key]) -> list[int]:
    """Returns the advisory locks under which the answers to these keys are read and kept."""
    return [store.lock_number(*key.scope, key.endpoint, key.key) for key in keys]


async def open_kept_answers(
    connection: Connection, wanted: Sequence[Idempotency | None]
) -> "KeptAnswers[Outcome]":  # pyright: ignore[reportInvalidTypeVarUse] - the caller names the outcome
    """Waits for every other transaction that uses these keys, then reads their answers."""
    keys = [item.key for item in wanted if item]
    await store.lock(connection, locks(keys))
    return KeptAnswers(await store.find(connection, keys))

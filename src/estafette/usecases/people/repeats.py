"""Requests of the operator's programs that are sent again: answered as the first one was.

What they ask for has transactions of its own. A request takes its idempotency key first, and its
answer is kept after; whoever asks meanwhile is told that it is under way. Where a server died in
between, the request is done anew after two minutes: whatever the operator's API does can be done
twice, for names, references and states say what is there already.
"""

from typing import NamedTuple
from uuid import UUID

import orjson

from estafette.core.errors import IdempotencyMismatch
from estafette.store.people import operator_keys
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.people.connect import reading
from estafette.usecases.platform import Platform


class KeptAnswer(NamedTuple):
    """An answer: its status, its own headers, and its body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class UnderWay(NamedTuple):
    """The same request is being answered, or its answer cannot be read any more."""


async def begin_request(
    platform: Platform, key_id: UUID, key: str, request: bytes
) -> KeptAnswer | UnderWay | None:
    """Takes an idempotency key; None: the caller does the request, and ends it.

    `request` is a fingerprint of it. Raises IdempotencyMismatch for another request under the key.
    """
    async with reading(platform) as connection:
        if await operator_keys.begin(connection, key_id, key, request):
            return None
        found = await operator_keys.find_answer(connection, key_id, key)
    if found is None:  # it was let go in the meantime
        return UnderWay()
    if found.request != request:
        raise IdempotencyMismatch(key)
    if found.status is None or found.headers is None or found.body is None:
        return UnderWay()
    try:
        body = platform.cipher.decrypt(found.body, _owner(key_id, key))
    except WrongSecretKeyError:  # it was lost, or taken away after a change of keys
        return UnderWay()
    headers = [(name, value) for name, value in orjson.loads(found.headers)]
    return KeptAnswer(found.status, headers, body.encode())


async def end_request(
    platform: Platform, key_id: UUID, key: str, answer: KeptAnswer | None
) -> None:
    """Keeps the answer of a request; None: nothing was done, and the key is unused."""
    async with reading(platform) as connection:
        if answer is None:
            await operator_keys.let_go(connection, key_id, key)
            return
        body = platform.cipher.encrypt(answer.body.decode(), _owner(key_id, key))
        headers = orjson.dumps(answer.headers)
        await operator_keys.keep_answer(connection, key_id, key, answer.status, headers, body)


def _owner(key_id: UUID, key: str) -> bytes:
    return key_id.bytes + key.encode()

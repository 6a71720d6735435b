"""What all dialects' operations share: the delivery of a path, idempotent answers, JSON."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from starlette.types import Scope

from estafette.core.accounts.account import Credential
from estafette.core.errors import DeliveryNotFound
from estafette.http.reply import JSON, Header, HttpReply
from estafette.http.strict_json import EMPTY_FINGERPRINT, fingerprint
from estafette.usecases.deliveries.idempotency import Answer, Idempotency, Key


def delivery_in(scope: Scope, parameter: str, parse: Callable[[str], UUID | None]) -> UUID:
    """Returns the delivery's id in a parameter of the path, as the dialect's `parse` reads ids.

    Raises DeliveryNotFound where the text is no delivery's id.
    """
    id = parse(scope["path_params"][parameter])
    if id is None:
        raise DeliveryNotFound(UUID(int=0))
    return id


def json(status: int, value: Any) -> HttpReply:
    """Returns an answer in JSON."""
    return HttpReply(status, orjson.dumps(value))


def idempotency(
    credential: Credential, endpoint: str, key: str | None, value: Any = None
) -> Idempotency | None:
    """Returns the facts that identify the request for idempotency; None where it has no `key`.

    `endpoint` is the method and path, `value` the decoded body, None where there is none.
    """
    if key is None:
        return None
    digest = EMPTY_FINGERPRINT if value is None else fingerprint(value)
    return Idempotency(Key(credential.scope, endpoint, key), digest)


def answered(answer: Answer, mark: Header, refused: Header = JSON) -> HttpReply:
    """Returns an answer. It has the header `mark` where it repeats an earlier one.

    `refused` is the content type of the dialect's refusals, which are repeated as they were.
    """
    reply = answer.reply
    kind = JSON if reply.status < 400 else refused
    return HttpReply(reply.status, reply.body, (kind, mark) if answer.replayed else (kind,))

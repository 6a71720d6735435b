"""What all operations share: the key that asks, the idempotency key, the refusals."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel
from starlette.types import Receive, Scope

from estafette.core.audit import By
from estafette.core.couriers.company import Company
from estafette.core.errors import Refusal
from estafette.core.fleet.driver import Driver
from estafette.core.people.permission import PersonAct
from estafette.dialects.operator.auth import Access
from estafette.dialects.operator.errors import (
    ERRORS,
    Conflict,
    Edited,
    EditionRequired,
    NotThere,
    understood,
)
from estafette.dialects.operator.schemas import ANYWHERE, read_json
from estafette.http.parameters import Query
from estafette.http.refusals import HttpRefusal, InvalidRequest
from estafette.http.reply import Header, HttpReply
from estafette.http.request import (
    BODY_LIMIT,
    client_address,
    header_values,
    idempotency_key,
    read_body,
)
from estafette.http.resource import Handler
from estafette.http.strict_json import decode
from estafette.usecases.couriers.companies import company_of
from estafette.usecases.fleet.drivers import find_driver
from estafette.usecases.people.operator_keys import OperatorKey
from estafette.usecases.people.repeats import KeptAnswer, UnderWay, begin_request, end_request
from estafette.usecases.platform import Platform

_REPLAYED: Header = (b"x-idempotent-replay", b"true")
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEPT_HEADERS = frozenset({b"content-type", b"etag", b"location"})

Body = TypeVar("Body", bound=BaseModel)


class Asked(NamedTuple):
    """One request, with path, query, and body as it came. The platform acts as its key.

    `if_match` are the values of that header.
    """

    platform: Platform
    path: Mapping[str, str]
    query: Query
    body: bytes
    if_match: list[bytes]

    @property
    def edition(self) -> str | None:
        """Returns the named edition; None: any edition. Raises Edited for what is no edition."""
        if not self.if_match or self.if_match == [b"*"]:
            return None
        text = self.if_match[0].decode("latin-1")
        if len(self.if_match) > 1 or not (text.startswith('"') and text.endswith('"')):
            raise Edited("")
        return text.strip('"')

    def id(self, name: str) -> UUID:
        """Returns the id in the path. Raises NotThere where it is no id."""
        return read_id(self.path[name], name)

    async def company(self) -> Company:
        """Returns the company of the path. Raises CompanyNotFoundError."""
        return await company_of(self.platform, self.id("company"))

    async def driver(self) -> Driver:
        """Returns the driver of the path, who is the company's. Raises DriverNotFound too."""
        return await find_driver(self.platform, (await self.company()).id, self.id("driver"))

    def must_be_read(self, *names: str) -> None:
        """Raises InvalidRequest with all that was wrong in the query, unknown names included."""
        self.query.refuse_others(names)
        if self.query.faults:
            raise InvalidRequest(tuple(self.query.faults))

    def read(self, model: type[Body]) -> Body:
        """Returns the body, JSON or nothing, as a model. Raises InvalidRequest or BadBody."""
        nothing: Any = dict[str, Any]()
        value: Any = decode(self.body) if self.body.strip() else nothing
        return read_json(model, value, ANYWHERE)

    def must_name_edition(self) -> None:
        """Raises EditionRequired where no `If-Match` was sent."""
        if not self.if_match:
            raise EditionRequired


def read_id(text: str, what: str) -> UUID:
    """Returns an id as this API writes it. Raises NotThere where the text is no id."""
    try:
        id = UUID(text)
    except ValueError:
        raise NotThere(what) from None
    if str(id) != text:
        raise NotThere(what)
    return id


Work = Callable[[Asked], Awaitable[HttpReply]]


@dataclass(frozen=True)
class Operation:
    """One method of a path: the act that it does, and its handler. `limit` bounds its body."""

    method: str
    path: str
    act: PersonAct
    work: Work
    limit: int = BODY_LIMIT


class Operations:
    """Answers requests: admits each, does it once, and writes refusals in this API's shape."""

    def __init__(self, platform: Platform, access: Access) -> None:
        """Works on `platform` for the keys that `access` admits."""
        self._platform = platform
        self._access = access

    def handler(self, operation: Operation) -> Handler:
        """Returns the handler of an operation."""

        async def handle(scope: Scope, receive: Receive) -> HttpReply:
            known = await self._access.admit(scope, operation.act)
            is_unsafe = operation.method in _UNSAFE
            key = idempotency_key(scope) if is_unsafe else None
            body = await read_body(scope, receive, operation.limit) if is_unsafe else b""
            by = By.key(known.id, client_address(scope))
            asked = Asked(
                self._platform.acting(by),
                scope["path_params"],
                Query(scope["query_string"]),
                body,
                header_values(scope, b"if-match"),
            )
            if key is None:
                return await _done(operation, asked)
            return await self._once(operation, asked, known, key, _fingerprint(scope, body))

        return handle

    async def _once(
        self, operation: Operation, asked: Asked, known: OperatorKey, key: str, request: bytes
    ) -> HttpReply:
        """Does an operation for its idempotency key, or repeats the earlier answer."""
        before = await begin_request(self._platform, known.id, key, request)
        if isinstance(before, KeptAnswer):
            headers = [(name.encode(), value.encode()) for name, value in before.headers]
            return HttpReply(before.status, before.body, (*headers, _REPLAYED))
        if isinstance(before, UnderWay):
            raise Conflict("under_way", "The first request with this Idempotency-Key is under way")
        kept: KeptAnswer | None = None
        try:
            reply = await _done(operation, asked)
            kept = _kept(reply)
        except Conflict as refusal:
            kept = _kept(ERRORS.reply(refusal))
            raise
        except Refusal as refusal:
            kept = _kept(ERRORS.reply(refusal)) if refusal.is_conflict else None
            raise
        finally:
            await end_request(self._platform, known.id, key, kept)
        return reply


async def _done(operation: Operation, asked: Asked) -> HttpReply:
    try:
        return await operation.work(asked)
    except (Refusal, HttpRefusal):
        raise
    except Exception as error:
        refusal = understood(error)
        if refusal is None:
            raise
        raise refusal from error


def _kept(reply: HttpReply) -> KeptAnswer:
    headers = [
        (name.decode(), value.decode()) for name, value in reply.headers if name in _KEPT_HEADERS
    ]
    return KeptAnswer(reply.status, headers, reply.body)


def _fingerprint(scope: Scope, body: bytes) -> bytes:
    parts = (scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
    head = "\n".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(head + b"\n" + body).digest()

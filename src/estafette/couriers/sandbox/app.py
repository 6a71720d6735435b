"""The sandbox's own API: move a delivery by hand, list the scenarios, read what they do."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import BaseModel, Field, ValidationError, model_validator
from starlette.types import ASGIApp, Receive, Scope

from estafette.core.accounts.account import Credential, Mode
from estafette.core.accounts.acts import Operation
from estafette.core.audit import By
from estafette.core.deliveries.delivery import Delivery, Status
from estafette.core.deliveries.event import NOTE_LIMIT
from estafette.core.errors import DeliveryNotFound, TransitionRefused
from estafette.core.ids import new_id
from estafette.core.sandbox.scenario import SCENARIOS
from estafette.couriers.sandbox import page
from estafette.couriers.sandbox.errors import (
    ERRORS,
    BadRequest,
    LiveKey,
    NothingNext,
    Unauthorized,
)
from estafette.couriers.sandbox.page import Mention
from estafette.http.acting import acting
from estafette.http.authenticate import Authenticator
from estafette.http.coded import code_of
from estafette.http.limiter import RateLimiter, open_to_all
from estafette.http.reply import HttpReply
from estafette.http.request import header_values, read_body
from estafette.http.resource import Handler, resources
from estafette.http.strict_json import decode
from estafette.usecases.deliveries.move_by_hand import move_by_hand
from estafette.usecases.platform import Platform
from estafette.usecases.sandbox import simulate

PublicId = Callable[[str], UUID | None]
"""Reads an id as any dialect writes it; None when none does."""

_PIN_LENGTH = 32


class Advance(BaseModel):
    """What may be asked of a delivery: without a status, the next step of its scenario.

    With a PIN it is a courier who asks, to whom the recipient has told it.
    """

    status: Status | None = None
    note: Annotated[str, Field(max_length=NOTE_LIMIT)] | None = None
    pin: Annotated[str, Field(max_length=_PIN_LENGTH)] | None = None

    @model_validator(mode="after")
    def _hands_over(self) -> "Advance":
        if self.pin is not None and self.status is not Status.DELIVERED:
            raise ValueError("pin")
        return self


class _Endpoints:
    """The handlers."""

    def __init__(
        self,
        platform: Platform,
        limiter: RateLimiter,
        public_id: PublicId,
        mentions: Sequence[Mention],
    ) -> None:
        self._platform = platform
        self._mentions = mentions
        self._authenticator = Authenticator(platform, limiter)
        self._public_id = public_id

    async def advance(self, scope: Scope, receive: Receive) -> HttpReply:
        """`POST /v1/deliveries/{deliveryId}/advance`."""
        credential = await self._admit(scope)
        text: str = scope["path_params"]["deliveryId"]
        wanted = _read(await read_body(scope, receive))
        id = self._public_id(text)
        if id is None:
            raise DeliveryNotFound(new_id())
        by = acting(scope, credential)
        delivery = await self._move(credential, by, id, wanted)
        return _json(
            {
                "deliveryId": text,
                "status": delivery.status,
                "milestone": delivery.milestone,
                "scenario": delivery.scenario,
                "updatedAt": delivery.updated_at.isoformat(timespec="milliseconds")[:23] + "Z",
            }
        )

    async def _move(self, credential: Credential, by: By, id: UUID, wanted: Advance) -> Delivery:
        dialect = self._platform.dialects[credential.account.dialect]
        platform = self._platform.acting(by)
        if wanted.status is not None:
            return await move_by_hand(
                platform,
                credential.scope,
                dialect,
                id,
                wanted.status,
                wanted.note,
                wanted.pin,
            )
        try:
            return await simulate.step_by_hand(platform, credential.scope, dialect, id, wanted.note)
        except TransitionRefused as refusal:
            raise NothingNext(refusal.status) from None

    async def scenarios(self, _scope: Scope, _receive: Receive) -> HttpReply:
        """`GET /v1/scenarios`."""
        return _json(
            {
                "data": [
                    {"name": name, "summary": scenario.summary, "mention": f"sandbox:{name}"}
                    for name, scenario in SCENARIOS.items()
                ]
            }
        )

    async def docs(self, scope: Scope, _receive: Receive) -> HttpReply:
        """`GET /docs`."""
        return page.reply(scope, self._platform, self._mentions)

    async def _admit(self, scope: Scope) -> Credential:
        """The credential of a sandbox key that may move deliveries.

        Raises Unauthorized, AddressRefused, ActRefused, RateLimited or LiveKey.
        """
        key = _key(scope)
        if key is None:
            raise Unauthorized
        credential = await self._authenticator.recognise(scope, key)
        if credential is None:
            raise Unauthorized
        self._authenticator.permit(scope, credential, Operation.MOVE)
        if credential.mode is not Mode.SANDBOX:
            raise LiveKey
        return credential


def _key(scope: Scope) -> bytes | None:
    """The one API key that a request shows, in either of the two headers."""
    keys = header_values(scope, b"x-api-key")
    for value in header_values(scope, b"authorization"):
        scheme, _, token = value.partition(b" ")
        keys.append(token.strip() if scheme.lower() == b"bearer" else b"")
    return keys[0] if len(keys) == 1 else None


def _read(body: bytes) -> Advance:
    """The wish in a body; an empty one wishes for the next step. Raises BadBody, BadRequest."""
    if not body.strip():
        return Advance()
    value = decode(body)
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object")
    try:
        return Advance.model_validate(value)
    except ValidationError as error:
        raise BadRequest(_fault_text(error)) from None


def _fault_text(error: ValidationError) -> str:
    wrong = {str(each["loc"][0]) if each["loc"] else "pin alone" for each in error.errors()}
    reasons = {
        "status": f"status must be one of {', '.join(Status)}",
        "note": f"note must be a text of at most {NOTE_LIMIT} characters",
        "pin": f"pin must be a text of at most {_PIN_LENGTH} characters",
        "pin alone": f"pin is for status {Status.DELIVERED} alone",
    }
    return "; ".join(reason for field, reason in reasons.items() if field in wrong)


def _json(value: Any) -> HttpReply:
    return HttpReply(200, orjson.dumps(value))


def build(
    platform: Platform,
    limiter: RateLimiter,
    *,
    public_id: PublicId,
    mentions: Sequence[Mention],
) -> ASGIApp:
    """The sandbox's API over `platform`, to be mounted at `/sandbox`.

    `limiter` counts the requests of each key; `public_id` parses a delivery's public id, in any
    dialect's form; `mentions` tell how merchants name a scenario.
    """
    endpoints = _Endpoints(platform, limiter, public_id, mentions)
    paths: dict[str, Mapping[str, Handler]] = {
        "/v1/deliveries/{deliveryId}/advance": {"POST": endpoints.advance},
        "/v1/scenarios": {"GET": open_to_all(endpoints.scenarios)},
        "/docs": {"GET": open_to_all(endpoints.docs)},
        "": {"GET": open_to_all(endpoints.docs)},
    }
    return resources(paths, ERRORS.reply, code_of=code_of)

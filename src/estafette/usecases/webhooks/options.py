"""What an endpoint may choose beside its address: its format, its order, headers of its own."""

from collections.abc import Collection
from typing import Any, Final, Literal

import orjson

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct, difference
from estafette.core.deliveries.dialect import event_types
from estafette.core.webhooks import headers
from estafette.core.webhooks.headers import HeaderRefusedError
from estafette.store.accounts import table as accounts
from estafette.store.webhooks import endpoints
from estafette.store.webhooks.endpoints import EndpointDetails
from estafette.usecases.accounts.administration import AccountRefusedError
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import (
    EndpointSettings,
    changing,
    note_endpoint,
    read_again,
    read_headers,
)

__all__ = ["HeaderRefusedError", "choose", "remove_header", "set_header"]

Format = Literal["dialect", "standard"]

MOST_ORDER_SECONDS: Final = 86_400
AS_THE_DIALECT_SAYS: Final = -1


async def choose(
    platform: Platform,
    scope: Scope,
    name: str,
    *,
    format: Format | None = None,
    order_seconds: int | None = None,
    types: Collection[str] | None = None,
) -> EndpointSettings:
    """Changes how webhooks are signed and ordered from the next attempt on; None: as it is.

    `types` are the events that it is told of from now on; those that its dialect has, all: whatever
    types come to be, too.

    `order_seconds` is how long a webhook waits for an earlier one of its delivery that is being
    sent again, 0 for not at all, `AS_THE_DIALECT_SAYS` for what the account's dialect says. Raises
    EndpointMissing, and AccountRefusedError for more than `MOST_ORDER_SECONDS`, for no type and for
    one that the account's dialect does not have.
    """
    if order_seconds is not None and order_seconds > MOST_ORDER_SECONDS:
        raise AccountRefusedError(f"a webhook waits for at most {MOST_ORDER_SECONDS} seconds")
    async with changing(platform, scope, name) as (work, endpoint):
        order = endpoint.order_seconds
        if order_seconds is not None:
            order = None if order_seconds == AS_THE_DIALECT_SAYS else order_seconds
        wanted = endpoint.types
        if types is not None:
            dialect = await accounts.dialect_of(work.connection, scope.account_id)
            wanted = _wanted(types, event_types(platform.dialects[dialect]))
        changed = endpoint._replace(
            format=format or endpoint.format, order_seconds=order, types=wanted
        )
        if changed != endpoint:
            await endpoints.set_options(work.connection, changed)
            facts = difference(_facts(endpoint), _facts(changed))
            await note_endpoint(
                work.connection, platform, AuditedAct.ENDPOINT_CHANGED, endpoint, facts
            )
        return await read_again(work.connection, platform, endpoint)


def _wanted(types: Collection[str], known: tuple[str, ...]) -> tuple[str, ...] | None:
    """Returns the types as they are kept; None for all. Raises AccountRefusedError."""
    if unknown := [each for each in types if each not in known]:
        raise AccountRefusedError(f"{unknown[0][:50]!r} is no event; there are {', '.join(known)}")
    if not types:
        raise AccountRefusedError("an endpoint is told of at least one event")
    wanted = tuple(each for each in known if each in types)
    return None if wanted == known else wanted


def _facts(endpoint: EndpointDetails) -> dict[str, Any]:
    return {
        "format": endpoint.format,
        "order_seconds": endpoint.order_seconds,
        "types": endpoint.types,
    }


async def set_header(
    platform: Platform, scope: Scope, name: str, header: str, value: str
) -> EndpointSettings:
    """Sends webhooks with a header from the next attempt on; one of that name is replaced.

    Raises EndpointMissing, or HeaderRefusedError.
    """
    return await _change_headers(platform, scope, name, header, value)


async def remove_header(
    platform: Platform, scope: Scope, name: str, header: str
) -> EndpointSettings:
    """Sends webhooks without a header; no harm when there is none. Raises EndpointMissing."""
    return await _change_headers(platform, scope, name, header, None)


async def _change_headers(
    platform: Platform, scope: Scope, name: str, header: str, value: str | None
) -> EndpointSettings:
    async with changing(platform, scope, name) as (work, endpoint):
        before = read_headers(platform.cipher, endpoint)
        if value is None:
            after = headers.without(before, header)
        else:
            after = headers.add(before, header, value, platform.dialects)
        if after != before:
            sealed = platform.cipher.encrypt(
                orjson.dumps(after).decode(), headers.sealed_for(endpoint.id)
            )
            await endpoints.set_options(
                work.connection, endpoint._replace(headers=sealed if after else None)
            )
            facts = {"headers": [list(before), list(after)], "header": header}
            await note_endpoint(
                work.connection, platform, AuditedAct.ENDPOINT_CHANGED, endpoint, facts
            )
        return await read_again(work.connection, platform, endpoint)

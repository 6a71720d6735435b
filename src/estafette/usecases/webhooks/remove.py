"""Remove an endpoint: it is sent nothing more, and what waits for it ends."""

from typing import Final

from estafette.core.accounts.account import Scope
from estafette.core.audit import AuditedAct
from estafette.store.webhooks import endpoints, failures, messages
from estafette.usecases.accounts.administration import SECRET_PREFIX
from estafette.usecases.accounts.secrets import new_token
from estafette.usecases.platform import Platform
from estafette.usecases.webhooks.endpoints import changing, note_endpoint, place_of

_AT_A_TIME: Final = 10_000


async def remove_endpoint(platform: Platform, scope: Scope, name: str) -> int:
    """Removes an endpoint and its secrets for good; returns how many webhooks waited for it.

    These are given up, a few at a time: should that be interrupted, the workers end what is left.
    What was tried is still shown. Raises EndpointMissing.
    """
    async with changing(platform, scope, name) as (work, endpoint):
        none = platform.cipher.encrypt(new_token(SECRET_PREFIX), endpoint.id.bytes)
        await endpoints.remove(work.connection, endpoint, none)
        await failures.forgive(work.connection, scope.account_id)
        facts = {"url": place_of(endpoint.url)}
        await note_endpoint(work.connection, platform, AuditedAct.ENDPOINT_REMOVED, endpoint, facts)
    ended, some = 0, _AT_A_TIME
    while some == _AT_A_TIME:
        async with platform.pool.acquire() as connection:
            some = await messages.end_waiting(connection, endpoint.id, _AT_A_TIME)
        ended += some
    return ended

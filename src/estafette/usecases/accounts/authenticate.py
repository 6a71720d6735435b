"""Authenticate a request by its API key."""

from estafette.core.accounts import access
from estafette.core.accounts.account import Credential, KeyKind
from estafette.core.accounts.acts import Operation
from estafette.store.deliveries import idempotency
from estafette.usecases.accounts.secrets import key_hash
from estafette.usecases.platform import Platform, clock


async def authenticate(
    platform: Platform, key: str, dialect: str, *, slowly: bool = False
) -> Credential | None:
    """Returns the credential of an API key of that dialect; None for unknown or expired keys.

    A disabled credential is returned: the dialects answer it differently. `slowly` is for callers
    who have shown too many wrong keys.
    """
    credential = await platform.catalog.credential(key_hash(key), slowly=slowly)
    if credential is None or credential.account.dialect != dialect:
        return None
    if credential.expires_at is not None and credential.expires_at <= clock():
        return None
    return credential


async def authenticate_any(
    platform: Platform, key: str, *, slowly: bool = False
) -> Credential | None:
    """Returns the credential of an enabled secret key of any dialect, for the sandbox's API."""
    credential = await platform.catalog.credential(key_hash(key), slowly=slowly)
    if credential is None or credential.disabled or credential.kind is not KeyKind.SECRET:
        return None
    return await authenticate(platform, key, credential.account.dialect)


def permit(
    platform: Platform, credential: Credential, operation: Operation, address: str | None
) -> None:
    """Lets a recognised key do what its holder asks for, and remembers that it was used.

    `address` is the client's, None where it has none. Raises AddressRefused or ActRefused.
    """
    refusal = access.refusal(credential, operation, address)
    if refusal:
        raise refusal
    platform.key_uses.note(credential, address)


async def was_answered(platform: Platform, key: idempotency.Key) -> bool:
    """Returns whether a request with this idempotency key was answered within 24 hours."""
    async with platform.connections.account(key.scope.account_id) as connection:
        return bool(await idempotency.find(connection, [key]))

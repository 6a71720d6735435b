"""Links to the platforms of courier companies: their addresses, keys and webhook secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import UUID

from estafette.core.accounts.account import Mode
from estafette.core.audit import AuditedAct
from estafette.core.couriers.company import Company, Connector
from estafette.store.couriers import links
from estafette.store.couriers.links import StoredLink
from estafette.usecases import audit
from estafette.usecases.platform import Platform

_LONGEST = 500
"""How many characters an address, a key or a secret may have."""


class LinkRefusedError(ValueError):
    """A company cannot be linked with these values; the message says why."""


@dataclass(frozen=True, slots=True)
class Link:
    """How a company's platform is reached.

    `base_url` is its address, before `/v1` and without a slash at the end. `keys` are the secret
    keys that it gave us, `webhook_secrets` the secrets that it signs its webhooks with, both by
    mode. Deliveries of a mode without a key are not given to it.
    """

    company_id: UUID
    base_url: str
    keys: Mapping[Mode, str] = field(repr=False)
    webhook_secrets: Mapping[Mode, str] = field(repr=False)


async def link_of(platform: Platform, company_id: UUID) -> Link | None:
    """Returns the company's link, decrypted; None when it has none.

    Makes no query while the link is in the catalog's memory. Raises WrongSecretKeyError when it was
    encrypted with another secret key.
    """
    stored = (await platform.catalog.links()).get(company_id)
    if stored is None:
        return None
    decrypt = platform.cipher.decrypt
    return Link(
        company_id,
        stored.base_url,
        {mode: decrypt(key, _owner(company_id, "key", mode)) for mode, key in stored.keys.items()},
        {
            mode: decrypt(secret, _owner(company_id, "webhook_secret", mode))
            for mode, secret in stored.webhook_secrets.items()
        },
    )


async def connect(platform: Platform, company: Company, link: Link) -> Link:
    """Sets or replaces the link of a remote company; returns the link as it is stored.

    Raises LinkRefusedError.
    """
    if company.connector is not Connector.REMOTE:
        raise LinkRefusedError(f"{company.slug!r} is reached as {company.connector}, not as remote")
    if problem := _problem(link):
        raise LinkRefusedError(problem)
    link = Link(company.id, link.base_url.rstrip("/"), link.keys, link.webhook_secrets)
    encrypt = platform.cipher.encrypt
    stored = StoredLink(
        company.id,
        link.base_url,
        {mode: encrypt(key, _owner(company.id, "key", mode)) for mode, key in link.keys.items()},
        {
            mode: encrypt(secret, _owner(company.id, "webhook_secret", mode))
            for mode, secret in link.webhook_secrets.items()
        },
    )
    async with platform.pool.acquire() as connection, connection.transaction():
        await links.save(connection, stored)
        facts = {
            "url": link.base_url,
            "keys": sorted(link.keys),
            "webhook_secrets": sorted(link.webhook_secrets),
        }
        await audit.note(
            connection,
            platform.by,
            AuditedAct.COMPANY_CONNECTED,
            company.id,
            facts,
            of=company.account_id,
        )
    return link


async def disconnect(platform: Platform, company: Company) -> bool:
    """Removes a company's link; returns False when it had none.

    Deliveries that were placed there are not followed until it is linked again; their dispatches
    are kept.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        was_linked = await links.remove(connection, company.id)
        if was_linked:
            await audit.note(
                connection,
                platform.by,
                AuditedAct.COMPANY_DISCONNECTED,
                company.id,
                of=company.account_id,
            )
    return was_linked


def owner(company_id: UUID, name: str) -> bytes:
    """Returns what the encryption binds a key or secret to; `name` is its column (`live_key`)."""
    return company_id.bytes + name.encode()


def _owner(company_id: UUID, kind: str, mode: Mode) -> bytes:
    return owner(company_id, f"{mode}_{kind}")


def _problem(link: Link) -> str | None:
    """Returns why a company cannot be linked with these values, or None."""
    texts = (link.base_url, *link.keys.values(), *link.webhook_secrets.values())
    if any(len(text) > _LONGEST for text in texts):
        return f"the address, keys and webhook secrets must be at most {_LONGEST} characters long"
    if not _is_token(link.base_url):
        return "the address must be printable ASCII without spaces"
    try:
        url = urlsplit(link.base_url)
        has_host = bool(url.hostname) and url.port != 0
    except ValueError:
        return "the address is not a URL"
    if url.scheme not in {"http", "https"} or not has_host:
        return "the address must be an http or https URL with a host"
    if url.username or url.password or url.query or url.fragment:
        return "the address must not hold a user, a query or a fragment"
    if not link.keys:
        return "at least one mode needs a key"
    if not all(_is_token(text) for text in (*link.keys.values(), *link.webhook_secrets.values())):
        return "keys and webhook secrets must be printable ASCII without spaces"
    return None


def _is_token(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text

"""Can this process work with this database?"""

from typing import NamedTuple

from estafette.core.audit import AuditedAct
from estafette.core.ids import new_id
from estafette.store import data_keys, migrate
from estafette.store.couriers import links as stored_links
from estafette.store.pool import Connection, place
from estafette.store.webhooks import endpoints
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import Cipher, WrongSecretKeyError
from estafette.usecases.couriers import links
from estafette.usecases.deliveries.personal_data import forget_lost_index
from estafette.usecases.platform import Platform

OLDEST_POSTGRES = 15

_CHECK = "check"
"""The name, among the keys of indexes, of a text by which a wrong secret key is known."""

_CHECKED = "estafette"
_NEWEST = 100


class NotReadyError(Exception):
    """The process cannot start, and what to do about it."""


class Database(NamedTuple):
    """The database that was found fit: its version, where it is, and what a newer version did.

    `place` tells no password.
    """

    version: str
    place: str
    newer_migrations: list[str]


async def is_ready(platform: Platform) -> bool:
    """Returns whether the database answers and is of this version or a newer one.

    A newer one serves this version as well (see `store.migrate`): while versions change, balancers
    keep both. Raises OSError, asyncpg.PostgresError or TimeoutError when it does not answer.
    """
    async with platform.pool.acquire() as connection:
        return not await migrate.pending(connection)


async def must_be_fit(platform: Platform) -> Database:
    """Returns the database, if this process can work with it and read its secrets.

    Raises NotReadyError for an old PostgreSQL or schema, WrongSecretKeyError for another's secrets.
    """
    async with platform.pool.acquire() as connection:
        version = connection.get_server_version()
        refuse_old_postgres(version.major)
        if await migrate.pending(connection):
            raise NotReadyError("the database is of an older version: run `estafette migrate`")
        await check_secret_key(connection, platform.cipher)
        return Database(
            version=f"{version.major}.{version.micro}",  # so asyncpg reads the 4 of 18.4
            place=await place(connection),
            newer_migrations=await migrate.newer(connection),
        )


def refuse_old_postgres(major: int) -> None:
    """Raises NotReadyError for a major version that is too old."""
    if major < OLDEST_POSTGRES:
        raise NotReadyError(
            f"the database is PostgreSQL {major}: move it to {OLDEST_POSTGRES} or newer"
        )


async def reads_secrets(platform: Platform) -> bool:
    """Returns whether this process's keys read the database's secrets; nothing is written."""
    async with platform.pool.acquire() as connection:
        kept = await data_keys.find(connection, _CHECK)
        try:
            if kept is None:
                await _must_read_some(connection, platform.cipher)
            else:
                platform.cipher.decrypt(kept, _CHECK.encode())
        except WrongSecretKeyError:
            return False
        return True


async def check_secret_key(connection: Connection, cipher: Cipher) -> None:
    """Raises WrongSecretKeyError when none of the cipher's keys wrote the database's secrets.

    A known text is kept encrypted with them, which a change of the key writes anew as it does all
    others. The first who starts writes it, unless there are secrets and it can read none of them.
    """
    kept = await data_keys.find(connection, _CHECK)
    if kept is None:
        await _must_read_some(connection, cipher)
        new = cipher.encrypt(_CHECKED, _CHECK.encode())
        kept = await data_keys.keep(connection, _CHECK, new)
    cipher.decrypt(kept, _CHECK.encode())


async def _must_read_some(connection: Connection, cipher: Cipher) -> None:
    """Of the newest that versions before have kept encrypted, one at least, if there is any."""
    found = [(name.encode(), key) for name, key in (await data_keys.lock_all(connection)).items()]
    for company_id, values in await stored_links.sealed(connection):
        found += [(links.owner(company_id, column), value) for column, value in values.items()]
    newest = await endpoints.newest(connection, _NEWEST)
    found += [(endpoint.id.bytes, endpoint.secret) for endpoint in newest]
    for owner, value in found:
        try:
            cipher.decrypt(value, owner)
        except WrongSecretKeyError:
            continue
        return
    if found:
        raise WrongSecretKeyError


async def accept_secret_key(platform: Platform) -> bool:
    """Takes the present key for the database's, whatever wrote its secrets; False: it is already.

    For when that other key is lost: what it wrote stays unreadable.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        try:
            await check_secret_key(connection, platform.cipher)
        except WrongSecretKeyError:
            new = platform.cipher.encrypt(_CHECKED, _CHECK.encode())
            await data_keys.keep(connection, _CHECK, new)
            await data_keys.write(connection, _CHECK, new)
            facts = {"key": platform.cipher.key_id}
            await audit.note(
                connection, platform.by, AuditedAct.SECRET_KEY_ACCEPTED, new_id(), facts
            )
            await forget_lost_index(connection, platform)
            return True
        return False

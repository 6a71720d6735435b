"""Write all that is stored encrypted anew under the key that writes now; seal what is not yet."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from estafette.core.audit import AuditedAct
from estafette.core.ids import new_id
from estafette.core.webhooks.headers import sealed_for
from estafette.loops import Loop, Pace
from estafette.store import chores, data_keys
from estafette.store.couriers import links as stored_links
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.table import StoredPin
from estafette.store.notifications import letters
from estafette.store.people import second_factors
from estafette.store.pool import Connection
from estafette.store.webhooks import endpoints
from estafette.store.webhooks.endpoints import SealedEndpoint
from estafette.usecases import audit
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.couriers import links
from estafette.usecases.deliveries import pins
from estafette.usecases.platform import Platform

RowPosition = tuple[UUID, UUID]
"""The account and the id of a row, after which a page begins."""

START: RowPosition = (UUID(int=0), UUID(int=0))

_ENDPOINTS = 200
_DELIVERIES = 2_000
_PEOPLE = 1_000
_CHORE = "seal PINs"
_PACE = Pace(longest=86_400.0)


@dataclass
class Rotation:
    """How far a rotation has come: what was written anew, and what no key could read."""

    endpoints: int = 0
    links: int = 0
    pins: int = 0
    data_keys: int = 0
    totp_secrets: int = 0
    letters: int = 0
    unreadable: int = 0

    @property
    def written(self) -> int:
        """How many rows were written anew."""
        of_accounts = self.endpoints + self.links + self.pins + self.data_keys
        return of_accounts + self.totp_secrets + self.letters


async def rotate(
    platform: Platform, on_progress: Callable[[Rotation], None] = lambda _: None
) -> Rotation:
    """Writes every stored secret that another key wrote anew under the one that writes now.

    Goes through all of them in batches, each a short transaction, while servers and workers go on:
    they read what either key wrote. It may be ended and begun again at any time. `on_progress`
    is called after each batch. What no key can read stays as it is and is counted.
    """
    rotation, id = Rotation(), new_id()
    async with platform.pool.acquire() as connection:
        async with connection.transaction():
            facts = {"key": platform.cipher.key_id, "state": "begun"}
            await audit.note(connection, platform.by, AuditedAct.SECRET_KEY_ROTATED, id, facts)
            await _links(connection, platform, rotation)
            await _data_keys(connection, platform, rotation)
        on_progress(rotation)
        place: RowPosition | None = START
        while place is not None:
            async with connection.transaction():
                place = await _endpoints(connection, platform, place, rotation)
            on_progress(rotation)
        place = START
        while place is not None:
            async with connection.transaction():
                place = await _pins(connection, platform, place, rotation)
            on_progress(rotation)
        row: UUID | None = START[1]
        while row is not None:
            async with connection.transaction():
                row = await _totp_secrets(connection, platform, row, rotation)
            on_progress(rotation)
        row = START[1]
        while row is not None:
            async with connection.transaction():
                row = await _letters(connection, platform, row, rotation)
            on_progress(rotation)
        async with connection.transaction():
            facts = {
                "key": platform.cipher.key_id,
                "state": "done",
                "endpoints": rotation.endpoints,
                "links": rotation.links,
                "pins": rotation.pins,
                "data_keys": rotation.data_keys,
                "totp_secrets": rotation.totp_secrets,
                "letters": rotation.letters,
                "unreadable": rotation.unreadable,
            }
            await audit.note(connection, platform.by, AuditedAct.SECRET_KEY_ROTATED, id, facts)
    return rotation


async def _links(connection: Connection, platform: Platform, rotation: Rotation) -> None:
    for company_id, values in await stored_links.sealed(connection):
        changed: dict[str, bytes] = {}
        for column, value in values.items():
            try:
                new = platform.cipher.renewed(value, links.owner(company_id, column))
            except WrongSecretKeyError:
                rotation.unreadable += 1
                continue
            if new is not None:
                changed[column] = new
        await stored_links.write_sealed(connection, company_id, changed)
        rotation.links += bool(changed)


async def _data_keys(connection: Connection, platform: Platform, rotation: Rotation) -> None:
    for name, key in (await data_keys.lock_all(connection)).items():
        try:
            new = platform.cipher.renewed(key, name.encode())
        except WrongSecretKeyError:
            rotation.unreadable += 1
            continue
        if new is not None:
            await data_keys.write(connection, name, new)
            rotation.data_keys += 1


async def _endpoints(
    connection: Connection, platform: Platform, after: RowPosition, rotation: Rotation
) -> RowPosition | None:
    found = await endpoints.sealed(connection, after, _ENDPOINTS)
    changed: list[SealedEndpoint] = []
    for one in found:
        owner, renewed = one.id.bytes, platform.cipher.renewed
        try:
            secret = renewed(one.secret, owner)
            next_secret = one.next_secret and renewed(one.next_secret, owner)
            headers = one.headers and renewed(one.headers, sealed_for(one.id))
        except WrongSecretKeyError:
            rotation.unreadable += 1
            continue
        if secret or next_secret or headers:
            changed.append(
                one._replace(
                    secret=secret or one.secret,
                    next_secret=next_secret or one.next_secret,
                    headers=headers or one.headers,
                )
            )
    if changed:
        await endpoints.write_sealed(connection, changed)
    rotation.endpoints += len(changed)
    return (found[-1].account_id, found[-1].id) if found else None


async def _pins(
    connection: Connection, platform: Platform, after: RowPosition, rotation: Rotation
) -> RowPosition | None:
    found, end = await deliveries.pins(connection, after, _DELIVERIES)
    changed: list[StoredPin] = []
    for one in found:
        try:
            new = pins.renewed(platform.cipher, one.pin, one.id)
        except WrongSecretKeyError:
            rotation.unreadable += 1
            continue
        if new is not None:
            changed.append(one._replace(pin=new))
    if changed:
        await deliveries.write_pins(connection, changed)
    rotation.pins += len(changed)
    return end


async def _totp_secrets(
    connection: Connection, platform: Platform, after: UUID, rotation: Rotation
) -> UUID | None:
    found = await second_factors.sealed(connection, after, _PEOPLE)
    changed = _renewed(platform, found, rotation)
    await second_factors.write_sealed(connection, changed)
    rotation.totp_secrets += len(changed)
    return max(found, default=None)


async def _letters(
    connection: Connection, platform: Platform, after: UUID, rotation: Rotation
) -> UUID | None:
    """Those that are still to be sent."""
    found = await letters.sealed(connection, after, _PEOPLE)
    changed = _renewed(platform, found, rotation)
    await letters.write_sealed(connection, changed)
    rotation.letters += len(changed)
    return max(found, default=None)


def _renewed(
    platform: Platform, found: Mapping[UUID, bytes], rotation: Rotation
) -> dict[UUID, bytes]:
    """Returns what another key wrote, under the one that writes now; each belongs to its id."""
    changed: dict[UUID, bytes] = {}
    for id, sealed in found.items():
        try:
            new = platform.cipher.renewed(sealed, id.bytes)
        except WrongSecretKeyError:
            rotation.unreadable += 1
            continue
        if new is not None:
            changed[id] = new
    return changed


async def seal_some(platform: Platform, after: RowPosition) -> RowPosition | None:
    """Seals PINs that stand in clear text, of the next deliveries; where that ends, None: at all.

    Any number of processes may do it.
    """
    async with platform.pool.acquire() as connection, connection.transaction():
        return await _pins(connection, platform, after, Rotation())


def loop(platform: Platform) -> Loop:
    """Seals the PINs that versions before have stored in clear text.

    All deliveries are gone through once when this version begins, and once a day later, for servers
    of the version before may have gone on meanwhile; then never again.
    """
    place: RowPosition | None = START

    async def one_round(_: asyncio.Event) -> float:
        nonlocal place
        async with platform.pool.acquire() as connection:
            chore = await chores.begin(connection, _CHORE)
        if chore.done_at is not None:
            return _PACE.longest
        if place is not None:
            place = await seal_some(platform, place)
            return 0
        if not chore.is_of_yesterday:
            place = START
            return _PACE.longest
        async with platform.pool.acquire() as connection:
            await chores.end(connection, _CHORE)
        return _PACE.longest

    return Loop("sealing PINs", one_round, _PACE)

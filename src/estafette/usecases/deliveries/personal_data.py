"""Erase personal data after its retention time; index phones, to find the deliveries of one."""

import asyncio
import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import orjson

from estafette.core.accounts.account import Scope
from estafette.core.deliveries.delivery import Delivery
from estafette.core.deliveries.personal_data import erased, phones_of
from estafette.core.ids import first_id_of
from estafette.core.retention import ANSWERS, LONGEST_DAYS
from estafette.loops import Loop, Pace
from estafette.store import data_keys, ends, pool
from estafette.store.accounts import table as accounts
from estafette.store.deliveries import idempotency, personal_data, phone_index
from estafette.store.deliveries import table as deliveries
from estafette.store.deliveries.phone_index import Indexed
from estafette.store.pool import Connection
from estafette.usecases.accounts.secrets import WrongSecretKeyError
from estafette.usecases.platform import Platform
from estafette.usecases.rounds import in_turns

_AT_ONCE = 200
_INDEXED_AT_ONCE = 1_000
_PAUSE = 0.02
_PACE = Pace(longest=300.0)
_INDEX = "phone_index"
_OWNER = _INDEX.encode()
_KEY_BYTES = 32
_BEGINNING = UUID(int=0)

_SETTLED = timedelta(hours=1)
"""Servers make ids by their own clocks, before their transactions commit. So deliveries older than
one that is younger than this may still appear."""

_SLACK = timedelta(days=1)
"""Most deliveries end within this time after their creation. These are erased in order of their
ids; the others are put off and erased separately."""


def loop(platform: Platform, kept: timedelta) -> Loop:
    """Returns the loop that indexes phones and erases personal data.

    `kept` is the retention time after the end of a delivery.
    """

    async def one_round(stop: asyncio.Event) -> float:
        await index_phones(platform, stop)
        await erase_what_is_over(platform, kept, stop)
        return _PACE.longest

    return Loop("personal data", one_round, _PACE)


class PhoneHash:
    """Hashes phone numbers with a key that is stored in the database only in encrypted form."""

    def __init__(self, key: bytes, stored: bytes) -> None:
        """`key` has 32 bytes; `stored` is the encrypted key as the database has it."""
        self._key = key
        self.stored = stored

    @classmethod
    async def of(cls, platform: Platform, connection: Connection) -> "PhoneHash":
        """Returns the hash with this database's key; makes the key where there is none yet.

        Raises WrongSecretKeyError, and changes nothing, where the key was encrypted with another
        secret key; see `forget_lost_index`.
        """
        stored = await data_keys.lock(connection, _INDEX)
        if stored is None:
            fresh = base64.b64encode(os.urandom(_KEY_BYTES)).decode()
            encrypted = platform.cipher.encrypt(fresh, _OWNER)
            stored = await data_keys.keep(connection, _INDEX, encrypted)
        return cls._read(platform, stored)

    @classmethod
    def _read(cls, platform: Platform, stored: bytes) -> "PhoneHash":
        return cls(base64.b64decode(platform.cipher.decrypt(stored, _OWNER)), stored)

    def __call__(self, phone: str) -> int:
        """Returns the hash of a phone, a signed number of 64 bits."""
        digest = hashlib.blake2b(phone.encode(), digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, "big", signed=True)

    def name(self, phone: str) -> str:
        """Returns the name of a phone for places where the number itself must not appear."""
        return f"{self(phone) % 2**64:016x}"

    def entries(self, delivery: Delivery) -> list[Indexed]:
        """Returns a delivery's entries in the index."""
        account_id = delivery.scope.account_id
        return [Indexed(self(phone), account_id, delivery.id) for phone in phones_of(delivery)]


async def forget_lost_index(connection: Connection, platform: Platform) -> None:
    """Empties the index, so that it is built again, if its key cannot be decrypted any more.

    This is for a secret key that was lost and replaced. It runs in the caller's transaction.
    """
    stored = await data_keys.lock(connection, _INDEX)
    if stored is not None:
        try:
            platform.cipher.decrypt(stored, _OWNER)
        except WrongSecretKeyError:
            await data_keys.forget(connection, _INDEX)
            await phone_index.forget(connection)
            await personal_data.index_anew(connection)


async def index_phones(platform: Platform, stop: asyncio.Event | None = None) -> int:
    """Indexes the phones of deliveries that are an hour old; returns how many deliveries.

    Any number of processes may do it.
    """
    done = 0
    async with platform.pool.acquire() as connection:
        hashed = await PhoneHash.of(platform, connection)

        async def turn(account_id: UUID) -> bool:
            nonlocal done
            indexed = await _index_some(connection, account_id, hashed)
            done += indexed
            if indexed < _INDEXED_AT_ONCE:
                return False
            await asyncio.sleep(_PAUSE)
            return True

        ids = [id for id, _ in await accounts.every_id(connection)]
        turns = {id: partial(turn, id) for id in ids}
        await in_turns(connection, "index of phones", turns, stop)
    return done


async def _index_some(connection: Connection, account_id: UUID, hashed: PhoneHash) -> int:
    async with connection.transaction():
        progress = await personal_data.lock_progress(connection, account_id)
        if progress is None or await data_keys.lock(connection, _INDEX) != hashed.stored:
            return 0
        before = first_id_of(await pool.clock(connection) - _SETTLED)
        found = await deliveries.phones_after(
            connection, account_id, progress.indexed_to, before, _INDEXED_AT_ONCE
        )
        if found:
            entries = [
                Indexed(hashed(phone), account_id, one.delivery_id)
                for one in found
                for phone in one.phones
            ]
            await phone_index.insert(connection, entries)
            reached = progress._replace(indexed_to=found[-1].delivery_id)
            await personal_data.set_progress(connection, account_id, reached)
    return len(found)


async def erase_what_is_over(
    platform: Platform, kept: timedelta, stop: asyncio.Event | None = None
) -> int:
    """Erases the personal data of deliveries whose retention time is over; returns how many.

    The time begins when the delivery ends. It is the account's, or `kept` where the account has
    none. A delivery whose erasure was requested before it had ended is erased when it ends.

    The time is never shorter than that of answers kept under idempotency keys. Otherwise these
    answers would have to be searched for each delivery, which is done only for an erasure on
    request.

    Any number of processes may do it.
    """
    async with platform.pool.acquire() as connection:
        hashed = await PhoneHash.of(platform, connection)
        now = await pool.clock(connection)
        work = {
            account_id: _Erasing(
                connection, platform, hashed, account_id, now - _longer(kept, days)
            )
            for account_id, days in await accounts.every_id(connection)
        }
        turns = {account_id: one.turn for account_id, one in work.items()}
        completed = await in_turns(connection, "personal data", turns, stop)
        done = sum(one.done for one in work.values())
        await ends.note(connection, "personal_data", done, completed=completed)
    return done


def _longer(kept: timedelta, days: int | None) -> timedelta:
    """Returns how long an account's data is kept: `days` or `kept`, but no less than answers."""
    own = kept if days is None else timedelta(days=min(days, LONGEST_DAYS))
    return max(own, ANSWERS)


class _Erasing:
    """Erases the personal data of one account's deliveries that ended before a time."""

    def __init__(
        self,
        connection: Connection,
        platform: Platform,
        hashed: PhoneHash,
        account_id: UUID,
        ended_before: datetime,
    ) -> None:
        self.done = 0
        self._connection = connection
        self._platform = platform
        self._hashed = hashed
        self._account_id = account_id
        self._ended_before = ended_before
        self._in_order = True
        self._after = _BEGINNING

    async def turn(self) -> bool:
        """Erases some deliveries and adds them to the count; returns whether there may be more."""
        if self._in_order:
            async with self._connection.transaction():
                self._in_order = await self._in_turn()
            more = True
        else:
            async with self._connection.transaction():
                more = await self._put_off_before()
        if more:
            await asyncio.sleep(_PAUSE if self._in_order else 0)
        return more

    async def _in_turn(self) -> bool:
        """Erases the next deliveries by id, and puts off those that have not ended yet.

        Returns whether there may be more.
        """
        before = first_id_of(self._ended_before - _SLACK)
        progress = await personal_data.lock_progress(self._connection, self._account_id)
        ids = progress and await deliveries.ids_after(
            self._connection, self._account_id, progress.erased_to, before, _AT_ONCE
        )
        if not progress or not ids:
            return False
        gone = await self._erase(ids, self._ended_before)
        if left := [(self._account_id, id) for id in ids if id not in gone]:
            await personal_data.put_off(self._connection, left, on_request=False)
        reached = progress._replace(erased_to=ids[-1])
        await personal_data.set_progress(self._connection, self._account_id, reached)
        return True

    async def _put_off_before(self) -> bool:
        """Erases deliveries that were put off and have ended; returns whether there may be more."""
        ids = await personal_data.due(
            self._connection, self._account_id, self._after, self._ended_before, _AT_ONCE
        )
        if not ids:
            return False
        await self._erase(ids, await pool.clock(self._connection))
        self._after = ids[-1]
        return True

    async def _erase(self, ids: Sequence[UUID], ended_before: datetime) -> set[UUID]:
        wanted = [(self._account_id, id) for id in ids]
        gone = await erase(self._connection, self._platform, self._hashed, wanted, ended_before)
        self.done += len(gone)
        return gone


async def erase(
    connection: Connection,
    platform: Platform,
    hashed: PhoneHash,
    wanted: Sequence[tuple[UUID, UUID]],
    ended_before: datetime,
) -> set[UUID]:
    """Erases those of the deliveries that ended before a time, in the caller's transaction.

    All copies of their data are erased too. `wanted` are pairs of account id and delivery id.
    Returns the ids of the deliveries that were erased.
    """
    found = await deliveries.lock_ended(connection, wanted, ended_before)
    if not found:
        return set()
    entries = [entry for delivery in found for entry in hashed.entries(delivery)]
    gone = [erased(delivery) for delivery in found]
    await personal_data.erase(connection, gone, entries)
    since = await pool.clock(connection) - ANSWERS
    by_scope: dict[Scope, list[Delivery]] = {}
    for delivery in gone:
        if delivery.updated_at >= since:
            by_scope.setdefault(delivery.scope, []).append(delivery)
    for scope, of_scope in by_scope.items():
        await _erase_answers(connection, platform, scope, of_scope)
    return {delivery.id for delivery in gone}


async def _erase_answers(
    connection: Connection, platform: Platform, scope: Scope, erased: Sequence[Delivery]
) -> None:
    """Writes the kept answers about erased deliveries anew, without the personal data."""
    for answer in await idempotency.answers_about(connection, scope, erased):
        dialect, stored = platform.dialects[answer.dialect], orjson.loads(answer.body)
        for delivery in erased:
            if (written := dialect.erased_answer(stored, delivery)) is not None:
                await idempotency.rewrite(connection, answer, orjson.dumps(written))
                break

"""Passwords: hashed by argon2id in threads, so many at once, and tried so often."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from ipaddress import IPv6Address, ip_network
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from estafette.core.accounts.acts import address_of
from estafette.core.errors import Busy
from estafette.core.people.person import Person, normal_password
from estafette.core.people.refusals import SignInRefused, TooManyAttempts
from estafette.store.people import table as people
from estafette.store.people import tallies
from estafette.usecases.people.connect import reading, writing
from estafette.usecases.platform import Platform

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

MEMORY_KIB = 64 * 1024
ROUNDS = 2

AT_ONCE = 2
"""How many passwords a process hashes at once: each takes MEMORY_KIB and a processor."""

MOST_WAITING = 40
"""How many more may wait for that, which the last of them does for some two seconds."""

NOBODY = (
    "$argon2id$v=19$m=65536,t=2,p=1$ZXN0YWZldHRlIG5vYm9keQ"
    "$3XBDaUTgPlFAvMrzTJbyWYMnvJpYwUyz7DoQG6kVYFA"
)
"""A hash of no password, which costs as much to check as anybody's."""

WINDOW = timedelta(minutes=15)
"""Tries are counted for so long from the first one,"""

MOST_OF_PERSON = 10
"""of one person, known or not,"""

MOST_FROM_ADDRESS = 50
"""and from one client address (of IPv6: a network of 64 bits)."""

_room = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
_waiting: set[object] = set()


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # few processes hash passwords

    return PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=1)


async def _in_turn(work: Callable[[], T]) -> T:
    """Does the work in one of the threads. Raises Busy when too many wait for them."""
    if len(_waiting) >= AT_ONCE + MOST_WAITING:
        raise Busy(1)
    done = asyncio.get_running_loop().run_in_executor(_room, work)
    _waiting.add(done)
    done.add_done_callback(_waiting.discard)  # when it is done, whether its caller waits or not
    return await done


async def hashed(password: str) -> str:
    """Returns the hash of a password as `read_password` gives it. Raises Busy."""
    return await _in_turn(lambda: _hasher().hash(password))


async def is_right(hash: str | None, password: str) -> bool:
    """Returns whether a hash is of this password. Raises Busy.

    It takes as long for None, which is nobody's, as for a hash.
    """

    def check() -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            plain = normal_password(password).encode("utf-8", "replace")
            return _hasher().verify(hash or NOBODY, plain) and hash is not None
        except (VerificationError, InvalidHashError):
            return False

    return await _in_turn(check)


def of_person(name: str) -> bytes:
    """Returns under what the tries of a person are counted, who is named by an e-mail address."""
    return hashlib.sha256(f"person {name}".encode("utf-8", "replace")).digest()


def of_address(address: str | None) -> bytes:
    """Returns under what the tries from a client address are counted."""
    found = address_of(address)
    network = ip_network((found, 64), strict=False) if isinstance(found, IPv6Address) else found
    return hashlib.sha256(f"address {network}".encode()).digest()


def of_second_factor(person_id: UUID) -> bytes:
    """Returns under what a person's tries of codes are counted."""
    return hashlib.sha256(f"code {person_id}".encode()).digest()


async def must_be_few(platform: Platform, limits: Sequence[tuple[bytes, int]]) -> None:
    """Counts one more try for each subject with its limit. Raises TooManyAttempts.

    It is counted before anything is checked, so that tries at the same time are counted too.
    """
    async with writing(platform) as connection:
        counted = await tallies.count(connection, [subject for subject, _ in limits], WINDOW)
    over = [counted[subject].seconds for subject, most in limits if counted[subject].tries > most]
    if over:
        raise TooManyAttempts(max(1, round(max(over))))


async def must_know_password(platform: Platform, person: Person, password: str) -> None:
    """Has a person who is signed in show the password before something that matters.

    Raises SignInRefused, TooManyAttempts or Busy.
    """
    subject = of_person(person.email)
    await must_be_few(platform, [(subject, MOST_OF_PERSON)])
    async with reading(platform) as connection:
        hash = await people.password_hash(connection, person.id)
    if not await is_right(hash, password):
        raise SignInRefused
    async with reading(platform) as connection:
        await tallies.clear(connection, subject)

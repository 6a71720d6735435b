"""Resolves names to addresses, so that a slow name delays no other.

`getaddrinfo` blocks a thread until the name's own servers answer. The event loop has a few threads
for all such calls (uvloop four), which a few slow names would block, and a process waits for the
standard library's thread pool when it ends. Here every lookup has a thread of its own, for which
the process does not wait. Names that did not resolve lately may use half of the threads, so that
names whose servers hang leave the other half to names that resolved before.
"""

import asyncio
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

# A name with thousands of addresses could make us dial thousands of others' machines.
MAX_ADDRESSES: Final = 8

_KNOWN_NAMES: Final = 4096
_SLOT_SECONDS: Final = 5.0  # how long an exchange may take

GetAddrInfo = Callable[..., Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]]


class ThreadResolver(AbstractResolver):
    """Resolves names by the system's resolver, each in a thread of its own.

    Arguments:
        max_lookups: the most lookups under way at a time; further ones wait for a free slot.
        slot_seconds: how long they wait at most.
        getaddrinfo: what asks the system, with the signature of `socket.getaddrinfo`.
    """

    def __init__(
        self,
        *,
        max_lookups: int = 128,
        slot_seconds: float = _SLOT_SECONDS,
        getaddrinfo: GetAddrInfo = socket.getaddrinfo,
    ) -> None:
        self._slot_seconds = slot_seconds
        self._slots = asyncio.Semaphore(max_lookups)
        self._unknown_slots = asyncio.Semaphore(max(max_lookups // 2, 1))
        self._known: OrderedDict[str, None] = OrderedDict()
        self._getaddrinfo = getaddrinfo

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Returns at most `MAX_ADDRESSES` addresses of `host`, in the system's order.

        Raises:
            OSError: the name is not known, its servers do not answer, or there was no slot.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()
        slots = await self._enter(host)

        def settle(result: list[ResolveResult] | OSError) -> None:
            # The slots are held until the thread ends, even if its result is not needed any more.
            for each in slots:
                each.release()
            self._learn(host, resolved=not isinstance(result, OSError))
            if found.done():
                return
            if isinstance(result, OSError):
                found.set_exception(result)
            else:
                found.set_result(result)

        def look_up() -> None:
            try:
                result = self._addresses(host, port, family)
            except OSError as error:
                result = error
            except UnicodeError:
                # The IDNA codec of the standard library refuses names that DNS could not hold.
                result = socket.gaierror(socket.EAI_NONAME, "not a name")
            with suppress(RuntimeError):  # the loop has ended in the meantime
                loop.call_soon_threadsafe(settle, result)

        threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
        return await found

    async def _enter(self, host: str) -> list[asyncio.Semaphore]:
        """Acquires the slots of a lookup, and returns them. Raises OSError when none gets free."""
        wanted = [] if host in self._known else [self._unknown_slots]
        taken: list[asyncio.Semaphore] = []
        try:
            async with asyncio.timeout(self._slot_seconds):
                for each in (*wanted, self._slots):
                    await each.acquire()
                    taken.append(each)
        except BaseException as error:
            for each in taken:
                each.release()
            if isinstance(error, TimeoutError):
                raise socket.gaierror(socket.EAI_AGAIN, "too many names are looked up") from None
            raise
        return taken

    def _learn(self, host: str, *, resolved: bool) -> None:
        """Remembers the names that resolved most recently."""
        self._known.pop(host, None)
        if resolved:
            self._known[host] = None
            if len(self._known) > _KNOWN_NAMES:
                self._known.popitem(last=False)

    async def close(self) -> None:
        """Does nothing: lookups under way end by themselves."""

    def _addresses(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        infos = self._getaddrinfo(
            host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=found_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found_family, _, protocol, _, address in infos[:MAX_ADDRESSES]
        ]

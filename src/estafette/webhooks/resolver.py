"""Names to addresses, so that a slow name delays nobody else.

`getaddrinfo` blocks a thread for as long as the name's own servers please. The event loop lends a
handful of threads for all such calls (uvloop four), which a handful of bad names would hold; and a
thread pool of the standard library makes the process wait for them at its end. Here every lookup
has a thread of its own, which the end of the process does not wait for.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

# A name with thousands of addresses would be a list of targets to knock at.
MAX_ADDRESSES: Final = 8

GetAddrInfo = Callable[..., Sequence[tuple[Any, Any, int, str, tuple[Any, ...]]]]


class ThreadResolver(AbstractResolver):
    """Resolves names by the system's resolver, each in a thread of its own.

    Arguments:
        max_lookups: the most lookups under way at a time; further ones wait for a free place.
        getaddrinfo: what asks the system, with the signature of `socket.getaddrinfo`.
    """

    def __init__(
        self, *, max_lookups: int = 128, getaddrinfo: GetAddrInfo = socket.getaddrinfo
    ) -> None:
        self._places = asyncio.Semaphore(max_lookups)
        self._getaddrinfo = getaddrinfo

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return at most `MAX_ADDRESSES` addresses of `host`, in the system's order.

        Raises:
            OSError: the name is not known, or its servers do not answer.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()
        await self._places.acquire()

        def settle(result: list[ResolveResult] | OSError) -> None:
            # The place is held until the thread ends, even if nobody waits for it any more.
            self._places.release()
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

    async def close(self) -> None:
        """Nothing to close: lookups under way end by themselves."""

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
